"""The step deploy, as far as it goes without a board; tests/e2e/test_board.py has the rest."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from recipebuild.errors import MissingError, RecipebuildError, StepError
from recipebuild.steps.deploy import Params, _warnings, _Work, run
from recipebuild.toolkit.board.output import Timing

INPUT = {"shape": [1, 3, 16, 32], "mean": [0] * 3, "std": [1] * 3}
PARAMS = Params.model_validate({"name": "desk", "board": {"host": "h"}, "place": "models/m", "input": INPUT})


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        ({"model": "quantized.onnx"}, MissingError, "runs on this machine"),
        ({"input": {"dtype": "float32", "shape": [1, 16, 32, 3]}}, StepError, "takes float32 .* feeds uint8"),
        ({"input": {"dtype": "uint8", "shape": [1, 3, 16, 32]}}, StepError, r"takes uint8 \[1, 3, 16, 32\]"),
    ],
)
def test_a_model_that_boards_are_not_fed_is_refused_before_anything_is_copied(
    tmp_path: Path, said: dict[str, Any], kind: type[RecipebuildError], words: str
) -> None:
    interface = {"model": "compiled.axmodel", "input": {"dtype": "uint8", "shape": [1, 16, 32, 3]}, **said}
    (tmp_path / "model.json").write_text(json.dumps(interface))
    with pytest.raises(kind, match=words) as caught:
        run({"bundle": tmp_path}, PARAMS, tmp_path, lambda fraction, text="": None)
    assert caught.value.remedy


def test_a_board_that_names_another_pulsar2_than_the_bundle_is_a_warning() -> None:
    def warned(reported: str) -> list[str]:
        timing = Timing(1.0, 1.0, 1.0, facts={"pulsar2": reported})
        work = SimpleNamespace(
            params=PARAMS, timings=[timing], sample=None, interface={"toolchain": {"version": "7.0-lite"}}
        )
        return list(_warnings(cast(_Work, work)))

    assert warned("7.0-patch1 7a2e9c10") == []
    (text,) = warned("5.1-patch1 7a2e9c10")
    assert text.startswith("RB702 ") and "the bundle says 7.0-lite" in text
