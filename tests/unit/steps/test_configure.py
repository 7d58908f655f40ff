"""The step configure: its parameters and templates become pulsar2.json, the same bytes everywhere."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from recipebuild.resources import shipped, template_sources
from recipebuild.steps.configure import Params, run

INPUT = {
    "name": "pixel_values",
    "shape": [1, 3, 640, 1280],
    "color": "RGB",
    "mean": [123.675, 116.28, 103.53],
    "std": [58.395, 57.12, 57.375],
}
PARAMS = {"hardware": "AX650", "npu_mode": "NPU3", "count": 32, "input": INPUT}


def silent(fraction: float, text: str = "") -> None: ...


def configure(folder: Path, *, user: Path | None = None, **changes: Any) -> bytes:
    folder.mkdir()
    inputs = template_sources([*([user] if user else []), shipped("templates")])["pulsar2"]
    run(inputs, Params.model_validate(PARAMS | changes), folder, silent)
    (written,) = folder.iterdir()
    assert written.name == "pulsar2.json"
    return written.read_bytes()


def test_the_golden_configuration(tmp_path: Path) -> None:
    golden = Path(__file__).parents[1] / "toolkit" / "pulsar2" / "b0-640x1280.json"
    assert json.loads(configure(tmp_path / "out")) == json.loads(golden.read_text(encoding="utf-8"))


def test_the_same_bytes_wherever_the_templates_lie(tmp_path: Path) -> None:
    elsewhere = tmp_path / "templates"
    shutil.copytree(shipped("templates"), elsewhere)
    out = tmp_path / "elsewhere"
    out.mkdir()
    run(template_sources([elsewhere])["pulsar2"], Params.model_validate(PARAMS), out, silent)
    assert (out / "pulsar2.json").read_bytes() == configure(tmp_path / "here")


def test_a_user_template_goes_first(tmp_path: Path) -> None:
    user = tmp_path / "mine"
    (user / "pulsar2").mkdir(parents=True)
    (user / "pulsar2" / "config.json.j2").write_text(
        '{% extends "shipped/pulsar2/config.json.j2" %}{% block compiler %}"npu_perf": true{% endblock %}'
    )
    assert json.loads(configure(tmp_path / "out", user=user))["compiler"] == {"npu_perf": True}


def test_metrics_say_what_was_configured(tmp_path: Path) -> None:
    metrics = run(template_sources([shipped("templates")])["pulsar2"], Params.model_validate(PARAMS), tmp_path, silent)
    assert metrics == {"hardware": "AX650", "npu_mode": "NPU3", "method": "MinMax"}


@pytest.mark.parametrize(
    "changes",
    [
        {"hardware": "AX651"},
        {"npu_mode": "NPU0"},
        {"format": "PNG"},
        {"count": 0},
        {"count": "many"},
        {"input": INPUT | {"std": [0, 1, 1]}},
        {"input": INPUT | {"color": "GRAY"}},
        {"colour": "RGB"},
    ],
)
def test_bad_parameters(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Params.model_validate(PARAMS | changes)
