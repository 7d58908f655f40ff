"""What must be here before the first step runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from recipebuild.errors import MissingError
from recipebuild.requirements import require_toolchain
from recipebuild.session import Options, prepare


def test_only_a_plan_that_compiles_needs_the_toolchain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    sets = ["target.toolchain=pulsar2"]
    (job,) = prepare(["quickstart"], Options(sets=sets))
    with pytest.raises(MissingError, match=r"target\.toolchain: Pulsar2 is not on this machine"):
        require_toolchain(job.plan.steps)
    (job,) = prepare(["quickstart"], Options(sets=sets, until="configure"))
    require_toolchain(job.plan.steps)
