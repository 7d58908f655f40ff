"""What a release consists of: an sdist, a wheel that runs, a bill of materials, sums; the same bytes every time."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from support.wheels import install

from scripts.sbom import read_metadata, read_pins

ROOT = Path(__file__).resolve().parents[2]
EPOCH = "1700000000"
NOT_SOURCE = shutil.ignore_patterns(".git", ".venv*", ".*_cache", "__pycache__", ".hypothesis", "build", "dist")


def make_release(checkout: Path, out: Path, **environment: str) -> Path:
    command = [sys.executable, "-m", "scripts.release", "--out", str(out)]
    variables = os.environ | {"SOURCE_DATE_EPOCH": EPOCH} | environment
    done = subprocess.run(command, cwd=checkout, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_release(ROOT, tmp_path_factory.mktemp("release") / "dist")


@pytest.fixture(scope="module")
def wheel(release: Path) -> Path:
    (path,) = release.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def bill(release: Path) -> dict[str, Any]:
    (path,) = release.glob("*.cdx.json")
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def clean_environment(folder: Path) -> dict[str, str]:
    """The environment of somebody who has nothing of ours, at home in ``folder``."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "XDG_", "PYTEST_", "PYTHON", "GITHUB_"))}
    return kept | {"HOME": str(folder), "HF_HUB_OFFLINE": "1"}


@pytest.mark.slow
def test_a_release_is_the_same_bytes_from_another_folder_at_another_time(release: Path, tmp_path: Path) -> None:
    other = tmp_path / "another" / "place"
    shutil.copytree(ROOT, other, symlinks=True, ignore=NOT_SOURCE, copy_function=shutil.copy)  # with new times
    mask = os.umask(0o077)
    try:
        twin = make_release(other, tmp_path / "dist", PYTHONHASHSEED="7", TZ="Asia/Shanghai")
    finally:
        os.umask(mask)
    names = sorted(path.name for path in release.iterdir())
    assert names == sorted(path.name for path in twin.iterdir())
    for name in names:
        assert (release / name).read_bytes() == (twin / name).read_bytes(), name


def test_a_release_goes_into_an_empty_folder_only(release: Path) -> None:
    command = [sys.executable, "-m", "scripts.release", "--out", str(release)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "is not empty" in done.stderr


def test_a_release_is_that_of_a_commit(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts", ignore=NOT_SOURCE)
    (tmp_path / ".gitignore").write_text("__pycache__\n")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "All"]):
        subprocess.run(["git", "-c", "user.name=A", "-c", "user.email=a@b", *arguments], cwd=tmp_path, check=True)
    (tmp_path / "forgotten.py").touch()
    variables = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    command = [sys.executable, "-m", "scripts.release"]
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("commit first")
    assert not (tmp_path / "dist").exists()


def test_the_sums_are_those_of_all_files(release: Path) -> None:
    lines = (release / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
    assert set(sums) == {path.name for path in release.iterdir()} - {"SHA256SUMS"}
    for name, digest in sums.items():
        assert hashlib.sha256((release / name).read_bytes()).hexdigest() == digest


def test_the_wheel_brings_recipes_and_templates_along(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in (
        "recipebuild/py.typed",
        "recipebuild/shipped/recipes/b0-cityscapes.yaml",
        "recipebuild/shipped/recipes/base/segformer.yaml",
        "recipebuild/shipped/recipes/base/drawn-streets.yaml",
        "recipebuild/shipped/constraints.txt",
        "recipebuild/shipped/recipes/quickstart/model/model.safetensors",
        "recipebuild/shipped/recipes/quickstart-detector/detector.onnx",
        "recipebuild/shipped/templates/pulsar2/config.json.j2",
        "recipebuild/shipped/templates/bundle/run.py",
    ):
        assert name in names


def test_the_wheel_has_every_file_of_the_package(wheel: Path) -> None:
    package = ROOT / "recipebuild"
    files = {path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert {str(path.relative_to(ROOT)) for path in files} <= set(zipfile.ZipFile(wheel).namelist())


def test_the_sdist_leaves_out_what_draws_the_streets(release: Path) -> None:
    (path,) = release.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    assert "scripts/sbom.py" in names and "tests/conftest.py" in names and "CHANGELOG.md" in names
    assert not [
        name for name in names if name.startswith(("scripts/streets", "scripts/detector", ".ci", ".github", ".venv"))
    ]


def test_the_installed_wheel_runs_from_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    recipebuild = install(wheel, tmp_path / "venv") / "recipebuild"
    empty = tmp_path / "empty"
    empty.mkdir()

    def printed(*arguments: str) -> str:
        done = subprocess.run(
            [recipebuild, *arguments],
            cwd=empty, env=clean_environment(tmp_path), capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert read_metadata(wheel)["version"] in printed("--version")
    assert "quickstart: ok" in printed("check", "quickstart")
    assert json.loads(printed("plan", "quickstart", "--json"))["steps"]


@pytest.mark.slow
def test_uv_installs_the_wheel_as_a_tool(wheel: Path, tmp_path: Path) -> None:
    import uv

    environment = clean_environment(tmp_path) | {
        "UV_TOOL_DIR": str(tmp_path / "tools"),
        "UV_TOOL_BIN_DIR": str(tmp_path / "bin"),
        "UV_CACHE_DIR": str(tmp_path / "cache"),
    }
    constraints = ["--constraints", str(ROOT / "constraints.txt")]
    command = [uv.find_uv_bin(), "tool", "install", "--python", sys.executable, *constraints, str(wheel)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if "Failed to fetch" in done.stderr or "error sending request" in done.stderr:
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stderr
    shown = subprocess.run(
        [tmp_path / "bin" / "recipebuild", "--version"], env=environment, capture_output=True, text=True, check=True
    )
    assert read_metadata(wheel)["version"] in shown.stdout


def test_the_bill_of_materials_follows_cyclonedx(release: Path) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    (path,) = release.glob("*.cdx.json")
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(path.read_text(encoding="utf-8"))
    assert error is None, str(error)[:1000]


def test_the_bill_of_materials_names_each_package_needed_at_run_time(wheel: Path, bill: dict[str, Any]) -> None:
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    metadata = read_metadata(wheel)
    pins = read_pins(ROOT / "constraints.txt")
    components = {component["name"]: component for component in bill["components"]}
    for text in metadata["requires_dist"]:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        if requirement.marker is None:
            assert components[name]["scope"] == "required", name
            assert components[name]["version"] == pins[name]
        elif not any(requirement.marker.evaluate({"extra": extra}) for extra in ("dev", "docs")):
            assert components[name].get("version") == pins.get(name), name
    assert {"pydantic-core", "markupsafe"} <= set(components), "what dependencies need is named, too"
    assert not {"pytest", "mypy", "mkdocs", "hatchling"} & set(components), "what developers need is not"


def test_the_bill_of_materials_is_about_this_wheel(wheel: Path, bill: dict[str, Any]) -> None:
    project = bill["metadata"]["component"]
    assert project["purl"] == f"pkg:pypi/recipebuild@{read_metadata(wheel)['version']}"
    assert project["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(wheel.read_bytes()).hexdigest()}]
    needs = {entry["ref"]: set(entry.get("dependsOn", [])) for entry in bill["dependencies"]}
    assert {"typer", "torch"} <= needs["recipebuild"]
    assert "pydantic-core" in needs["pydantic"]


@pytest.mark.parametrize(("version", "compiled"), [("editable", True), ("standard", False)])
def test_where_it_is_installed_in_place_its_modules_are_compiled(tmp_path: Path, version: str, compiled: bool) -> None:
    (tmp_path / "recipebuild" / "cli").mkdir(parents=True)
    shutil.copyfile(ROOT / "recipebuild" / "cli" / "lines.py", tmp_path / "recipebuild" / "cli" / "lines.py")
    program = f"""
import hatch_build
hatch_build.CompileInPlace({str(tmp_path)!r}, {{}}, None, None, "", "wheel").initialize({version!r}, {{}})
"""
    subprocess.run([sys.executable, "-B", "-c", program], cwd=ROOT, check=True)
    assert [path.name.partition(".")[0] for path in tmp_path.rglob("*.pyc")] == ["lines"] * compiled
