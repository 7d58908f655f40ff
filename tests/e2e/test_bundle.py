"""The bundle, built and used as a user does: the program run as it is, every byte under guard."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import twins
from support.formats import follows
from support.project import Project

ROOT = Path(__file__).resolve().parents[2]
STANDINS = ROOT / "tests" / "standins"
FILES = {"README.md", "SHA256SUMS", "model.json", "provenance.json", "pulsar2.json", "run.py"}


@pytest.fixture(scope="module")
def npu_build(built_project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's build with the stand-in of Pulsar2, for the program ax_segformer."""
    programs = tmp_path_factory.mktemp("programs")
    (programs / "pulsar2").symlink_to(STANDINS / "pulsar2")
    sets = ["--set", "board.runner=ax_segformer", "--set", "input.color=BGR"]
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])
    built_project.command("run", built_project.recipe, *sets, "--build-dir", "npu", PATH=path)
    return built_project.folder / "npu" / "tiny"


def run_program(bundle: Path, image: Path, out: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(bundle / "run.py"), str(image), "--out", str(out)],
        cwd=out, env=os.environ | environment, text=True, capture_output=True, check=False,
    )  # fmt: skip


def host_mask(build: Path, model: str, image: Path):
    """What evaluation makes of the image on the host, at the image's size."""
    from PIL import Image

    from recipebuild.toolkit.calibration.spec import ImageSpec
    from recipebuild.toolkit.evaluate.resize import enlarge
    from recipebuild.toolkit.evaluate.runners import open_model
    from recipebuild.toolkit.evaluate.segmentation import segment

    described = json.loads((build / "bundle" / "model.json").read_text())["input"]
    spec = ImageSpec(
        name=described["name"], shape=(1, 3, described["height"], described["width"]),
        color=described["color"], mean=described["mean"], std=described["std"],
    )  # fmt: skip
    with Image.open(image) as picture:
        return enlarge(segment(open_model(build / model), picture, spec), picture.height, picture.width)


def test_the_bundle_has_what_it_promises(built_project: Project) -> None:
    bundle = built_project.build / "bundle"
    assert {path.name for path in bundle.iterdir()} == FILES | {"quantized.onnx"}
    assert (built_project.build / "bundle.tar.gz").is_file()
    described = json.loads((bundle / "model.json").read_text())
    follows("model", bundle / "model.json")
    assert described["input"]["shape"] == [1, 3, 64, 128] and described["input"]["normalized_by"] == "program"
    assert len(described["labels"]) == 19 and described["labels"][0]["name"] == "class 0"
    card = (bundle / "README.md").read_text()
    assert "does not run on the NPU" in card and "python3 run.py" in card
    evaluation = json.loads((built_project.build / "steps/evaluate/evaluation.json").read_text())
    assert f"{100 * evaluation['miou_quantized']:.2f} %" in card


def test_a_bundle_for_the_npu_takes_pixels_and_gives_int32(npu_build: Path) -> None:
    described = json.loads((npu_build / "bundle" / "model.json").read_text())
    follows("model", npu_build / "bundle" / "model.json")
    assert described["model"] == "compiled.axmodel"
    fed = described["input"]
    assert (fed["dtype"], fed["layout"], fed["shape"]) == ("uint8", "NHWC", [1, 64, 128, 3])
    assert fed["normalized_by"] == "model"
    assert described["toolchain"]["name"] == "pulsar2"


def test_a_runner_shapes_the_build_and_its_command_is_on_the_card(npu_build: Path) -> None:
    described = json.loads((npu_build / "bundle" / "model.json").read_text())
    follows("model", npu_build / "bundle" / "model.json")
    outputs = [(output["meaning"], output["dtype"]) for output in described["outputs"]]
    assert outputs == [("logits", "float32"), ("class ids", "int32")]
    assert described["runner"] == "ax_segformer" and described["input"]["color"] == "BGR"
    assert "ax_segformer -m compiled.axmodel -i image.jpg -g 64,128" in (npu_build / "bundle/README.md").read_text()


@pytest.mark.parametrize("size", [(128, 64), (200, 75)])
def test_the_boards_program_gives_the_hosts_mask_pixel_for_pixel(
    built_project: Project, npu_build: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    import numpy as np
    from PIL import Image

    build = npu_build
    image = tmp_path / "street.png"
    with Image.open(built_project.folder / "recipes/images/street-1.jpg") as picture:
        picture.resize(size, Image.Resampling.BICUBIC).save(image)
    twins.put(tmp_path / "twins", build / "compiled.axmodel", build / "model.onnx", build / "pulsar2.json")
    done = run_program(
        build / "bundle", image, tmp_path, PYTHONPATH=str(STANDINS), STANDIN_TWINS=str(tmp_path / "twins")
    )
    assert done.returncode == 0, done.stderr
    ids = np.asarray(Image.open(tmp_path / "street-ids.png"))
    expected = host_mask(build, "model.onnx", image)
    assert len(np.unique(expected)) > 3
    assert (ids == expected).all()
    assert Image.open(tmp_path / "street-overlay.png").size == size


def test_a_bundle_for_the_host_runs_with_onnxruntime(built_project: Project, tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    image = built_project.folder / "recipes/images/street-2.jpg"
    done = run_program(built_project.build / "bundle", image, tmp_path)
    assert done.returncode == 0, done.stderr
    ids = np.asarray(Image.open(tmp_path / "street-2-ids.png"))
    assert (ids == host_mask(built_project.build, "quantized.onnx", image)).all()


def test_without_pyaxengine_the_program_says_what_it_needs(
    built_project: Project, npu_build: Path, tmp_path: Path
) -> None:
    image = built_project.folder / "recipes/images/street-1.jpg"
    done = run_program(npu_build / "bundle", image, tmp_path)
    assert done.returncode == 1 and "pyaxengine" in done.stderr and "Traceback" not in done.stderr


@pytest.fixture
def copy(built_project: Project, tmp_path: Path) -> Path:
    """A bundle that may be spoiled."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    for path in (built_project.build / "bundle").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at % len(content)] ^= 1
    path.write_bytes(content)


def test_verify_passes_what_was_built(built_project: Project, copy: Path) -> None:
    output = built_project.command("bundle", "verify", copy, "--json").stdout
    checked = json.loads(output)
    assert checked["faults"] == [] and checked["recipe"] == "tiny" and checked["model"] == "quantized.onnx"
    assert "7 files" not in output  # --json prints JSON and nothing else
    assert "files verified:" in built_project.command("bundle", "verify", built_project.build / "bundle.tar.gz").stdout


def test_a_changed_byte_anywhere_fails_verify(copy: Path) -> None:
    from recipebuild.toolkit.bundle.verify import verify

    assert verify(copy).faults == []
    for path in sorted(copy.iterdir()):
        right = path.read_bytes()
        step = max(1, len(right) // 40)
        for at in range(0, len(right), step):
            flip(path, at)
            assert verify(copy).faults, f"{path.name}, byte {at}"
            path.write_bytes(right)
    assert verify(copy).faults == []


def test_a_changed_byte_anywhere_in_the_archive_fails_verify(built_project: Project, tmp_path: Path) -> None:
    from recipebuild.toolkit.bundle.verify import verify

    archive = tmp_path / "bundle.tar.gz"
    right = (built_project.build / "bundle.tar.gz").read_bytes()
    places = [*range(0, 1200, 13), *range(0, len(right), len(right) // 30), *range(len(right) - 20, len(right))]
    for at in places:
        archive.write_bytes(right)
        flip(archive, at)
        assert verify(archive).faults, f"byte {at}"
    archive.write_bytes(right + b"\0")
    assert verify(archive).faults
    archive.write_bytes(right)
    assert verify(archive).faults == []


@pytest.mark.parametrize("spoil", ["added", "removed", "renamed", "folder", "link"])
def test_verify_names_files_that_do_not_belong(built_project: Project, copy: Path, spoil: str) -> None:
    if spoil == "added":
        (copy / "more.txt").write_text("x")
    elif spoil == "removed":
        (copy / "pulsar2.json").unlink()
    elif spoil == "renamed":
        (copy / "quantized.onnx").rename(copy / "other.onnx")
    elif spoil == "folder":
        (copy / "more").mkdir()
    else:
        (copy / "run.py").unlink()
        (copy / "run.py").symlink_to(built_project.build / "bundle" / "run.py")
    failed = built_project.command("bundle", "verify", copy, code=5)
    word = {"added": "more.txt", "removed": "pulsar2.json", "renamed": "other.onnx", "folder": "more", "link": "run.py"}
    assert word[spoil] in failed.stderr


def test_an_archive_of_a_stranger_writes_nothing_outside(built_project: Project, tmp_path: Path) -> None:
    import io
    import tarfile

    for name in ("../evil", "/evil", "a/../../evil", "a/b/c"):
        with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as archive:
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
        failed = built_project.command("bundle", "verify", tmp_path / "x.tar.gz", code=5)
        assert "no place in a bundle" in failed.stderr
    built_project.command("bundle", "verify", tmp_path / "nowhere", code=2)


def test_a_signature_tells_who_and_what(built_project: Project, copy: Path, tmp_path: Path) -> None:
    if not shutil.which("ssh-keygen"):
        pytest.skip("needs ssh-keygen (openssh-client)")
    for name in ("mine", "theirs"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)], check=True)
    signers = tmp_path / "signers"
    signers.write_text(
        f"me@here {(tmp_path / 'mine.pub').read_text()}you@there {(tmp_path / 'theirs.pub').read_text()}"
    )
    who = ["--signers", signers, "--identity"]
    assert "no such signature" in built_project.command("bundle", "verify", copy, *who, "me@here", code=5).stderr
    built_project.command("bundle", "sign", copy, "--key", tmp_path / "mine")
    assert "signed by me@here" in built_project.command("bundle", "verify", copy, *who, "me@here").stdout
    assert "not that of you@there" in built_project.command("bundle", "verify", copy, *who, "you@there", code=5).stderr
    # One who changes a file can make the sums right again, but not sign them.
    from recipebuild.toolkit.bundle.pack import write_sums

    flip(copy / "quantized.onnx", 100)
    write_sums(copy)
    assert "signature" in built_project.command("bundle", "verify", copy, *who, "me@here", code=5).stderr
    (copy / "more.txt").touch()
    assert "is not signed" in built_project.command("bundle", "sign", copy, "--key", tmp_path / "mine", code=5).stderr


def test_a_signature_by_cosign_tells_whether_it_is_that_of_a_key(
    built_project: Project, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against a stand-in of cosign that signs for real, and refuses what is not documented."""
    for name in ("mine", "theirs"):
        (tmp_path / name).mkdir()
        done = subprocess.run(
            [sys.executable, str(STANDINS / "cosign"), "generate-key-pair"], cwd=tmp_path / name, check=False,
            env=os.environ | {"COSIGN_PASSWORD": "secret"},
        )  # fmt: skip
        assert done.returncode == 0
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs" / "cosign").symlink_to(STANDINS / "cosign")
    path = os.pathsep.join([str(tmp_path / "programs"), str(Path(sys.executable).parent), os.environ["PATH"]])
    key, mine, theirs = tmp_path / "mine/cosign.key", tmp_path / "mine/cosign.pub", tmp_path / "theirs/cosign.pub"

    def command(*words: object, code: int = 0, password: str = "secret") -> str:
        done = built_project.command("bundle", *words, code=code, PATH=path, COSIGN_PASSWORD=password)
        return done.stdout + done.stderr

    sign = ("sign", copy, "--key", key, "--with", "cosign")
    assert "no such signature" in command("verify", copy, "--signers", mine, code=5)
    assert "cosign did not sign" in command(*sign, code=3, password="wrong")
    assert not (copy / "SHA256SUMS.cosign.json").exists()
    assert "SHA256SUMS.cosign.json" in command(*sign)
    assert "signed by the key cosign.pub" in command("verify", copy, "--signers", mine)
    assert "not that of the key cosign.pub" in command("verify", copy, "--signers", theirs, code=5)
    without = built_project.command("bundle", *sign, code=4, PATH=str(Path(sys.executable).parent))
    assert "github.com/sigstore/cosign" in without.stderr
    from recipebuild.errors import CheckError
    from recipebuild.toolkit.bundle.pack import write_sums
    from recipebuild.toolkit.bundle.sign import check_signature

    flip(copy / "quantized.onnx", 100)
    write_sums(copy)
    monkeypatch.setenv("PATH", path)
    with pytest.raises(CheckError, match="not that of the key"):
        check_signature(copy, mine, None)


def test_the_provenance_is_an_in_toto_statement_on_what_went_in(built_project: Project) -> None:
    from google.protobuf import json_format
    from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance
    from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
    from in_toto_attestation.v1.statement import Statement
    from in_toto_attestation.v1.statement_pb2 import Statement as Message

    value = json.loads((built_project.build / "bundle" / "provenance.json").read_text())
    Statement.copy_from_pb(json_format.ParseDict(value, Message())).validate()
    slsa = json_format.ParseDict(value["predicate"], Provenance())  # an unknown field is an error
    assert slsa.build_definition.build_type and slsa.run_details.builder.id
    for dependency in slsa.build_definition.resolved_dependencies:
        ResourceDescriptor.copy_from_pb(dependency).validate()
    definition = value["predicate"]["buildDefinition"]
    named = {one.get("name", one.get("uri")): one.get("digest", {}) for one in definition["resolvedDependencies"]}
    assert named["weights/model.safetensors"]["sha256"] == twins.digest(
        built_project.folder / "recipes/model/model.safetensors"
    )
    assert sum(name.startswith("calibration/") for name in named) == 4
    assert any(name.startswith("pkg:pypi/torch@") for name in named)
    for subject in value["subject"]:
        assert subject["digest"]["sha256"] == twins.digest(built_project.build / "bundle" / subject["name"])


def test_classes_are_called_alike_wherever_they_are_named(built_project: Project) -> None:
    fruit = [f"fruit {i}" for i in range(19)]
    model = built_project.recipe.parent / "fruit"
    shutil.copytree(model.with_name("model"), model)
    config = json.loads((model / "config.json").read_text()) | {"id2label": {str(i): n for i, n in enumerate(fruit)}}
    (model / "config.json").write_text(json.dumps(config))
    built_project.command("run", built_project.recipe, "--set", f"model.source={model}")
    build = built_project.build
    listed = json.loads((build / "bundle" / "model.json").read_text())["labels"]
    painted = json.loads((build / "steps/preview/panels/classes.json").read_text())
    assert [entry["name"] for entry in listed] == [entry["name"] for entry in painted] == fruit
    assert ["#" + bytes(entry["color"]).hex() for entry in listed] == [entry["color"] for entry in painted]
    (evaluated,) = (step for step in built_project.manifest()["steps"] if step["name"] == "evaluate")
    assert evaluated["metrics"]["labels"] == fruit
    assert "18 fruit 18." in (build / "bundle" / "README.md").read_text()
    assert "fruit 18" in (build / "report.html").read_text()
