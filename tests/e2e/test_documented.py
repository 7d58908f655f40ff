"""Every command that the documentation shows is run as it is written, or at least parsed, with the reason why no more.

They run in a folder that has what the pages suppose (``my-model``, ``my-images``, ``model.onnx``, ...). Names of big
recipes stand for small ones there: what is tried is the command. The recipes themselves are built by other tests.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import warm
from support.documented import ROOT, Documented, documented

from scripts.cli_reference import commands

COMMANDS = documented()
VERBS = {path.removeprefix("recipebuild "): (command, context) for path, command, context in commands()}
STANDINS = ROOT / "tests" / "standins"

PARSED_ONLY = {
    r"s3://": "a bucket: tests/e2e/test_machines.py has one",
    r"tcp://": "a scheduler: tests/e2e/test_machines.py starts one",
    r"^recipebuild board (doctor|run)": "a board: tests/e2e/test_board.py has a stand-in behind a real SSH server",
    r"^HF_ENDPOINT=": "a mirror: tests/unit/toolkit/models has a server that speaks the hub's protocol",
    r"^recipebuild tune": "minutes long: tests/e2e/test_tune.py",
    r"^recipebuild ui": "it serves until it is stopped: tests/unit/ui",
}
"""Commands of ours that are parsed and not run, and why."""

NOT_OURS = {
    "pip": "asks a registry; tests/e2e/test_new_user.py installs the wheel",
    "python3": "makes an environment: tests/e2e/test_new_user.py does",
    "docker": "needs a container engine",
}
"""Other programs that are not run, and why."""

LEAVES_WITH = {r"calibration\.cuont": 2}
"""Commands that show a mistake, and the code they leave with."""

QUICK = {"check", "plan", "explain", "render", "graph", "models", "schema", "help", "import", "new", "doctor"}
QUICK |= {"board add", "board list", "cache stats", "cache verify", "cache gc", "cp"}
"""Verbs that build nothing."""

SMALL = """\
extends: base/segformer.yaml
model: {source: ./my-model}
input: {shape: [1, 3, 64, 128]}
export: {exporter: torchscript, opset: 17}   # the quicker of the two
calibration: {source: ./my-images, count: 4}
evaluate: {dataset: ./labelled}
"""


def reason(command: Documented) -> str | None:
    """Why a command is not run."""
    return NOT_OURS.get(command.verb) or next(
        (why for each, why in PARSED_ONLY.items() if re.search(each, command.text)), None
    )


RUN = [each for each in COMMANDS if not reason(each)]
KEPT = [each for each in COMMANDS if reason(each) and each.verb not in NOT_OURS]
FAST = [each for each in RUN if each.verb in QUICK]
SLOW = [each for each in RUN if each.verb not in QUICK]


@pytest.fixture(scope="module")
def place(
    tiny_segformer: Path, segformer_onnx: Path, new_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder with what the pages suppose."""
    import numpy as np
    from PIL import Image

    folder = tmp_path_factory.mktemp("documented")
    for name in ("home/.ssh", "my-images", "labelled/images", "labelled/labels", "recipes/quickstart", "stick"):
        (folder / name).mkdir(parents=True)
    shutil.copytree(new_cache, folder / "home" / ".cache")
    shutil.copytree(tiny_segformer, folder / "my-model")
    answers = {
        "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "size": {"height": 64, "width": 128}
    }  # fmt: skip
    (folder / "my-model" / "preprocessor_config.json").write_text(json.dumps(answers))
    rng = np.random.default_rng(0)
    for i in range(64):
        coarse = Image.fromarray(rng.integers(0, 256, (4, 8, 3), dtype=np.uint8))
        picture = coarse.resize((128, 64), Image.Resampling.BICUBIC)
        picture.save(folder / "my-images" / f"{i}.jpg")
        if i < 2:
            picture.save(folder / "labelled" / "images" / f"{i}.png")
            labels = rng.integers(0, 19, (4, 8), dtype=np.uint8).repeat(16, 0).repeat(16, 1)
            Image.fromarray(labels).save(folder / "labelled" / "labels" / f"{i}.png")
    for name in ("quickstart.yaml", "b0-cityscapes.yaml", "dinov2-small-518x518.yaml", "mine.yaml"):
        (folder / name).write_text(SMALL)
    for name in ("mine.yaml", "b0-cityscapes.yaml"):
        (folder / "recipes" / name).write_text(SMALL.replace("./", "../"))
    for name in ("model.onnx", "simplified.onnx"):
        shutil.copy(segformer_onnx, folder / name)
    shutil.copytree(tiny_segformer, folder / "recipes" / "quickstart" / "model")
    shutil.copytree(folder / "my-images", folder / "recipes" / "quickstart" / "calibration")
    (folder / "config.json").write_text(execute("recipebuild render quickstart", folder).stdout)
    return folder


@pytest.fixture(scope="module")
def built(place: Path) -> Path:
    """The same, with the builds that later commands look at."""
    execute("recipebuild run quickstart recipes/mine.yaml", place)
    for name in ("b0", "b0-tuned", "other"):
        shutil.copytree(place / "build" / "quickstart", place / "build" / name)
    shutil.copy(place / "build" / "quickstart" / "model.onnx", place / "model.onnx")
    (place / "recipes" / "voice.yaml").unlink(missing_ok=True)  # the draft for the model that was there before
    (place / "out" / "quant").mkdir(parents=True)
    shutil.copy(place / "build" / "quickstart" / "quant.json", place / "out" / "quant" / "quant_axmodel.json")
    key = place / "home" / ".ssh" / "id_ed25519"
    if shutil.which("ssh-keygen"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        (place / "allowed_signers").write_text(f"me@example.org {key.with_suffix('.pub').read_text()}")
    return place


def execute(text: str, folder: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a command line as a user does; paths that no test may write are below ``folder``."""
    text = text.replace("/media/stick", str(folder / "stick")).replace("/data/segformer-b0", str(folder / "my-model"))
    text = text.replace("/shared/recipebuild", str(folder / "shared"))
    for written in re.findall(r"-o (\S+)", text):
        (folder / written).unlink(missing_ok=True)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "XDG_", "PYTEST_", "GITHUB_"))}
    path = [str(Path(sys.executable).parent), os.environ["PATH"]]
    if "pulsar2" in re.findall(r"--toolchain (\S+)", text):
        path.insert(0, str(STANDINS))
    environment = clean | {
        "HOME": str(folder / "home"), "PATH": os.pathsep.join(path), "HF_HUB_OFFLINE": "1", "NO_COLOR": "1"
    }  # fmt: skip
    program, *words = shlex.split(text)
    if program == "recipebuild" and not set(text) & set("|&;<>~$*"):  # nothing for the shell to do
        done = warm.run(words, folder, environment)
    else:
        done = subprocess.run(
            ["sh", "-c", text], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=500
        )
    assert "Traceback" not in done.stderr
    assert done.returncode == code, f"{text}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def as_documented(command: Documented, folder: Path) -> None:
    for program in re.findall(r"(?:^|\| *\(?)(\w+) ", command.text):
        if (
            program not in ("cd",)
            and shutil.which(program, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}") is None
        ):
            pytest.skip(f"needs {program}")
    if "~/.ssh" in command.text and not (folder / "allowed_signers").exists():
        pytest.skip("needs ssh-keygen")
    execute(
        command.text, folder, next((code for each, code in LEAVES_WITH.items() if re.search(each, command.text)), 0)
    )


def named(command: Documented) -> str:
    return f"{command.place} {command.text}"


@pytest.mark.parametrize("command", FAST, ids=named)
def test_a_command_that_builds_nothing_runs(command: Documented, place: Path) -> None:
    as_documented(command, place)


@pytest.mark.slow
@pytest.mark.parametrize("command", SLOW, ids=named)
def test_a_command_that_builds_runs(command: Documented, built: Path) -> None:
    if command.verb != "run":  # those before it may have built the same names otherwise
        execute("recipebuild run quickstart recipes/mine.yaml", built)
    as_documented(command, built)


@pytest.mark.parametrize("command", KEPT, ids=named)
def test_a_command_that_cannot_run_here_is_one_that_the_command_line_takes(
    command: Documented, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    words = shlex.split(command.text.partition("|")[0])
    words = words[words.index("recipebuild") + 1 + len(command.verb.split()) :]
    verb, context = VERBS[command.verb]
    parsed: Any = verb.make_context(command.verb, words, parent=context.parent)
    assert parsed.command is verb


def test_the_reasons_are_all_of_use() -> None:
    for pattern in PARSED_ONLY:
        assert any(re.search(pattern, each.text) for each in COMMANDS), f"no page has {pattern}: take it out"
    for program in NOT_OURS:
        assert any(each.verb == program for each in COMMANDS), f"no page has {program}: take it out"
    for pattern in LEAVES_WITH:
        assert any(re.search(pattern, each.text) for each in RUN), f"no page has {pattern}: take it out"


def test_tests_that_are_named_as_reasons_exist() -> None:
    for why in (*PARSED_ONLY.values(), *NOT_OURS.values()):
        for name in re.findall(r"tests/[\w/.]+\w", why):
            assert (ROOT / name).exists(), name
