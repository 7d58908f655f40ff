"""The step config-check, against the stand-ins' own proto."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recipebuild.errors import StepError
from recipebuild.steps.config_check import Params, run
from recipebuild.toolkit.pulsar2 import parse_config

NATIVE = {"runner": "native"}
DOCKER = {"runner": "docker", "image": "pulsar2:7.0-lite"}
BOTH = pytest.mark.parametrize(("program", "params"), [("pulsar2", NATIVE), ("docker", DOCKER)])


def checked(config: Path, params: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    work = tmp_path / "work"
    work.mkdir()
    with contextlib.chdir(work):
        return run({"config": config}, Params.model_validate(params), tmp_path, lambda fraction, text="": None)


@BOTH
def test_the_toolchain_takes_what_is_rendered(
    standins: Callable[..., Path], pulsar2_folder: Path, tmp_path: Path, program: str, params: dict[str, Any]
) -> None:
    standins(program)
    assert checked(pulsar2_folder / "pulsar2.json", params, tmp_path) == {"asked": True}


@BOTH
def test_what_the_proto_refuses_is_refused_in_its_words_and_with_the_place(
    standins: Callable[..., Path], tmp_path: Path, program: str, params: dict[str, Any]
) -> None:
    standins(program)
    config = tmp_path / "wrong.json"
    config.write_text(json.dumps({"quant": {"calibration_method": "Guess"}}))
    with pytest.raises(StepError, match=r"pulsar2: Pulsar2 refuses quant\.\w+ in pulsar2\.json: .*Guess"):
        checked(config, params, tmp_path)


def test_a_toolchain_without_the_module_is_noted_and_passes(
    standins: Callable[..., Path], pulsar2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    standins("pulsar2")
    text = Path(parse_config.__file__).read_text()
    (tmp_path / "parse_config.py").write_text(text.replace("axnn.yamain", "no_such_package"))
    monkeypatch.setattr(parse_config, "__file__", str(tmp_path / "parse_config.py"))
    outcome = checked(pulsar2_folder / "pulsar2.json", NATIVE, tmp_path)
    assert outcome["asked"] is False and "ModuleNotFoundError" in outcome["why"]
