"""join-answers: the outputs of one model, joined from several shares in the order of the images.

Inputs: share_0, share_1 and so on: answers.tar of the steps answers, whose shares these are.
Outputs: answers.tar, the same bytes as of one step that computed all.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from recipebuild.engine.progress import Progress
from recipebuild.toolkit.evaluate.recorded import join


class Params(BaseModel):
    """None."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Put the shares together."""
    shares = [inputs[f"share_{number}"] for number in range(len(inputs))]
    return {"images": join(shares, out / "answers.tar")}
