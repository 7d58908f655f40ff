"""A new user's way, by the README alone: install, draft a recipe for an own model, build it, compare a variant."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import warm
from support.wheels import install

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def user(tiny_segformer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model in Hugging Face layout and some images: all that the user has."""
    folder = tmp_path_factory.mktemp("new-user")
    shutil.copytree(tiny_segformer, folder / "my-model")
    answers = {
        "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225],
        "size": {"height": 64, "width": 128},
    }
    (folder / "my-model" / "preprocessor_config.json").write_text(json.dumps(answers))
    (folder / "my-images").mkdir()
    rng = np.random.default_rng(0)
    for i in range(4):
        coarse = Image.fromarray(rng.integers(0, 256, (4, 8, 3), dtype=np.uint8))
        coarse.resize((128, 64), Image.Resampling.BICUBIC).save(folder / "my-images" / f"{i}.jpg")
    shutil.copytree(folder / "my-images", folder / "labelled" / "images")
    (folder / "labelled" / "labels").mkdir()
    for image in (folder / "labelled" / "images").iterdir():
        mask = Image.fromarray(rng.integers(0, 19, (64, 128), dtype=np.uint8))
        mask.save(folder / "labelled" / "labels" / f"{image.stem}.png")
    (folder / "home").mkdir()
    return folder


def readme_commands() -> list[str]:
    """The commands under "Your own model", from ``pip install`` on."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Your own model")[2].partition("\n## ")[0]
    lines = "".join(re.findall(r"```console\n(.*?)```", section, re.S)).splitlines()
    assert lines[0].startswith("python3 -m venv")
    return lines[1:]


def installed(user: Path) -> Path:
    """The programs of an environment that has the wheel of this tree."""
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(user / "dist"), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = (user / "dist").glob("*.whl")
    return install(wheel, user / "venv")


@pytest.mark.parametrize("wheel", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["tree", "wheel"])
def test_from_a_model_to_a_verified_bundle_by_the_readme_alone(user: Path, wheel: bool) -> None:
    first, *rest = readme_commands()
    assert first == "pip install '.[build]' -c constraints.txt"
    programs = installed(user) if wheel else Path(sys.executable).parent
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "XDG_", "PYTEST_", "PYTHON", "GITHUB_"))}
    environment = clean | {
        "HOME": str(user / "home"),
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HF_HUB_OFFLINE": "1",
    }
    outputs: dict[str, str] = {}
    for line in rest:
        words = shlex.split(line)
        if wheel:
            done = subprocess.run(
                words, cwd=user, env=environment, capture_output=True, text=True, check=False, timeout=500
            )
        else:
            assert words[0] == "recipebuild"
            done = warm.run(words[1:], user, environment)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        outputs.setdefault(line.split()[1], done.stdout)
    assert "ok    packages" in outputs["doctor"]
    assert "recipebuild run recipes/mine.yaml" in outputs["new"], "each command names the next"
    assert "mine: ok" in outputs["check"]
    assert "mine: ok, " in outputs["run"] and "build/mine/report.html" in outputs["run"]
    assert "files verified:" in outputs["bundle"]
    for name in ("mine", "mine-equalized"):
        manifest = json.loads((user / "build" / name / "manifest.json").read_text())
        assert manifest["status"] == "ok" and "miou_quantized" in manifest["metrics"]
    page = (user / "build" / "comparison.html").read_text()
    assert "mine-equalized" in page and "techniques" in page
    recipe = (user / "recipes" / "mine.yaml").read_text()
    assert "shape: [1, 3, 64, 128]" in recipe and "source: ../my-images" in recipe


def test_the_recipe_that_the_readme_shows_is_what_new_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from recipebuild.verbs.new import new

    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "recipes" / "quickstart" / "model", "my-model")
    shutil.copytree(ROOT / "recipes" / "quickstart" / "calibration", "my-images")
    made = new("./my-model", Path("recipes/mine.yaml"), sets=["calibration.source=my-images"])
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Your own model")[2]
    shown = re.search(r"```yaml\n(.*?)```", section, re.S)
    assert shown

    def lines(text: str) -> list[str]:
        shown = [re.sub(r" +# ", " # ", line) for line in text.splitlines() if not line.startswith("# ")]
        return [line.partition(": a folder, a glob")[0] for line in shown]

    assert lines(shown[1]) == lines(made.text)
