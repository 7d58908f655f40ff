"""A plan as lines: what changed, in few words."""

from __future__ import annotations

from typing import Any

from recipebuild.report.plan import plan_text


def step(name: str, status: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "variant": "", "status": status, "after": [], "why": [], "error": None, **more}


def change(what: str, old: object, new: object) -> dict[str, Any]:
    return {"field": None, "where": what, "old": old, "new": new, "place": None}


def test_values_are_told_before_code_and_of_code_only_the_names() -> None:
    why = [change(f"code.recipebuild.steps.{name}", "0a" * 32, "0b" * 32) for name in ("a", "b", "c", "d")]
    steps = [
        step("calibrate", "build", why=[*why, change("calibration.count", 32, 16)]),
        step("verify", "follows", after=["tiny/calibrate", "tiny/head"]),
    ]
    assert plan_text({"recipe": "tiny", "toolchain": "onnxruntime 1", "steps": steps, "notes": []}).splitlines() == [
        "tiny (onnxruntime 1)",
        "  calibrate  build    calibration.count: 32 -> 16; code of a, b, c and 1 more",
        "  verify     follows  after calibrate, head",
        "Steps that follow run only if the results before them change.",
    ]
