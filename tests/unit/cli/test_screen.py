"""The picture of a run on a narrow terminal."""

from __future__ import annotations

import contextlib
import io

from rich.console import Console

from recipebuild.cli.screen import Screen
from recipebuild.engine.events import Event
from recipebuild.engine.step import Step


def test_where_it_is_narrow_the_text_is_cut_and_names_and_marks_stay() -> None:
    steps = [Step(f"b0/{name}", name, f"steps.{name}") for name in ("calibrate", "configure", "compile")]
    with contextlib.ExitStack() as stack:
        screen = Screen(stack, steps, "2 workers", 2, {})
        for step in steps:
            screen(Event(step, "started"))
        screen(Event(steps[0], "built", seconds=3.0, metrics={"images": 32, "bytes": 946400}))
        screen(Event(steps[1], "progress", fraction=0.4, text="a long word on what is being done " * 5))
        out = io.StringIO()
        Console(file=out, width=70, color_system=None).print(screen._picture())
    running, _, done, last = out.getvalue().splitlines()
    assert "configure " in running and running.rstrip().endswith("…")
    assert done.startswith("✓ calibrate ")
    assert "1 of 3 steps: 1 built" in last
