"""Entries of the manifest."""

from __future__ import annotations

import pytest

from recipebuild.engine.step import Step
from recipebuild.engine.task import Result
from recipebuild.errors import StepError
from recipebuild.plan.plan import Plan
from recipebuild.results.manifest import entry

EXPORT = Step("r/export", "export", "recipebuild.steps.export")
PLAN = Plan("r", (EXPORT,), {"": ("r/export",)})


@pytest.mark.parametrize(
    ("error", "fields"),
    [
        (
            StepError("too small", field="input.shape", remedy="a larger one"),
            {"message": "input.shape: too small", "field": "input.shape", "remedy": "a larger one", "exit_code": 3},
        ),
        (StepError("input.shape: too small"), {"message": "input.shape: too small", "remedy": "", "exit_code": 3}),
    ],
)
def test_an_error_is_told_with_its_field_if_it_has_one(error: StepError, fields: dict[str, object]) -> None:
    assert entry(PLAN, Result(EXPORT, "failed", error=error))["error"] == fields
