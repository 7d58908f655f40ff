"""The small models of other kinds that ship: what 8 bits cost each, by the command line alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.project import Project


@pytest.fixture(scope="module")
def builds(make_project: Callable[[], Project]) -> Path:
    project = make_project()
    project.command("run", "quickstart-text", "quickstart-superres", "quickstart-voice")
    return project.folder / "build"


def figures(build: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((build / "steps/evaluate/evaluation.json").read_text())
    return read


def test_the_text_tower_keeps_its_neighbours(builds: Path, tmp_path: Path) -> None:
    measured = figures(builds / "quickstart-text")
    # Measured: 0.9985 and 0.9975 (docs/how-to/inputs.md).
    assert measured["images"] == 400
    assert measured["cosine_quantized"] > 0.996 and measured["retrieval_quantized"] > 0.985
    output = (
        "a red car stops at the crossing at noon",
        "in the middle of the day a crimson automobile comes to a halt by the intersection",
        "a red car stops at the crossing at night",
    )
    program = [sys.executable, str(builds / "quickstart-text/bundle/run.py"), "--out", str(tmp_path)]
    subprocess.run([*program, *(f"--text={text}" for text in output)], check=True, capture_output=True)
    one, same, other = (np.load(tmp_path / f"{number:06}-embedding.npy")[0] for number in (1, 2, 3))
    assert one @ same > 0.8 and one @ same > one @ other


def test_super_resolution_loses_little_and_beats_the_bicubic_filter(builds: Path) -> None:
    measured = figures(builds / "quickstart-superres")
    # Measured: 33.80 and 33.76 dB, 0.9395 and 0.9385; Pillow's bicubic filter has 30.76 dB.
    assert measured["metric"] == "psnr" and measured["psnr_quantized"] > 33.5
    assert 0 < measured["drop"] < 0.2 and measured["ssim_quantized"] > 0.935


def test_the_voice_detector_goes_on_from_its_own_state(builds: Path) -> None:
    measured = figures(builds / "quickstart-voice")
    # Measured: 0.9999 and 0.9977.
    assert measured["per_output"]["probability"]["cosine"] > 0.999
    assert measured["per_output"]["stateN"]["cosine"] > 0.99
