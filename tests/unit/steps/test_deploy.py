"""The step deploy, as far as it goes without a board; tests/e2e/test_board.py has the rest."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from recipebuild.errors import MissingError, RecipebuildError, StepError
from recipebuild.steps import deploy
from recipebuild.steps.deploy import Params, _warnings, _Work, run
from recipebuild.toolkit.board.boards import Board
from recipebuild.toolkit.board.measure import by_shape
from recipebuild.toolkit.board.output import Timing
from recipebuild.toolkit.board.session import BoardSession
from recipebuild.toolkit.calibration.spec import Runtime

INPUT = {"shape": [1, 3, 16, 32], "mean": [0] * 3, "std": [1] * 3}
PARAMS = Params.model_validate({"name": "desk", "board": {"host": "h"}, "place": "models/m", "input": INPUT})


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"model": "quantized.onnx"}, MissingError, "runs on this machine"),
        ({"input": {"dtype": "float32", "shape": [1, 16, 32, 3]}}, StepError, "takes float32 .* feeds uint8"),
        ({"input": {"dtype": "uint8", "shape": [1, 3, 16, 32]}}, StepError, r"takes uint8 \[1, 3, 16, 32\]"),
    ],
)
def test_a_model_that_boards_are_not_fed_is_refused_before_anything_is_copied(
    tmp_path: Path, changes: dict[str, Any], kind: type[RecipebuildError], words: str
) -> None:
    interface = {"model": "compiled.axmodel", "input": {"dtype": "uint8", "shape": [1, 16, 32, 3]}, **changes}
    (tmp_path / "model.json").write_text(json.dumps(interface))
    with pytest.raises(kind, match=words) as caught:
        run({"bundle": tmp_path}, PARAMS, tmp_path, lambda fraction, text="": None)
    assert caught.value.remedy


def test_a_board_that_names_another_pulsar2_than_the_bundle_is_a_warning() -> None:
    def warned(reported: str) -> list[str]:
        timing = Timing(1.0, 1.0, 1.0, facts={"pulsar2": reported})
        work = SimpleNamespace(
            params=PARAMS, timings=[timing], groups=[], sample=None, interface={"toolchain": {"version": "7.0-lite"}}
        )
        return list(_warnings(cast(_Work, work)))

    assert warned("7.0-patch1 7a2e9c10") == []
    (text,) = warned("5.1-patch1 7a2e9c10")
    assert text.startswith("RB702 ") and "the bundle says 7.0-lite" in text


@pytest.mark.parametrize(("program", "measured"), [("axcl_run_model", 2), ("ax_run_model", 0)])
def test_a_model_for_several_shapes_is_timed_at_each_where_the_program_can(
    program: str, measured: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups: list[int] = []

    def speed(session: object, model: str, load: object, group: int) -> Timing:
        groups.append(group)
        return Timing(1.0, 1.0 + group, 9.0, facts={})

    monkeypatch.setattr(deploy, "speed", speed)
    monkeypatch.setattr(deploy, "copy_changed", lambda *_: [])
    shapes = [[1, 3, 32, 64], [1, 3, 48, 96]]
    board = {"host": "h", "program": program}
    params = PARAMS.model_copy(
        update={"runtime": Runtime.model_validate({"extra_shapes": shapes}), "board": Board.model_validate(board)}
    )
    interface = {"model": "compiled.axmodel", "toolchain": {"version": "7.0"}}
    work = _Work({"bundle": Path()}, params, interface, [], [], None, None, lambda fraction, text="": None)
    work(cast(BoardSession, None))
    assert groups == [0] * 5 + [1, 2][:measured]
    timed = by_shape(shapes, work.groups)
    assert [(each["shape"], each["latency_ms"]["avg"]) for each in timed] == [
        ([1, 3, 32, 64], 2.0), ([1, 3, 48, 96], 3.0)
    ][:measured]  # fmt: skip
    assert [text[:5] for text in _warnings(work)] == ([] if measured else ["RB704"])
