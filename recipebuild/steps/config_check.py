"""config-check: the configuration, parsed by the proto of the toolchain that will compile, before an hour of work.

Inputs: config (pulsar2.json).   Outputs: config-check.json (``asked``: whether the proto could be asked; ``why`` not).
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from recipebuild.toolkit.pulsar2.build import CONFIG
from recipebuild.toolkit.pulsar2.proto import refuse_unknown
from recipebuild.toolkit.pulsar2.tool import Tool

if TYPE_CHECKING:
    from recipebuild.engine.progress import Progress

logger = logging.getLogger(__name__)


class Params(BaseModel):
    """Which Pulsar2 is asked: the one on PATH, or the one in ``image``.

    Attributes:
        runner: What runs.
        image: The container's image.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    runner: Literal["native", "docker"]
    image: str | None = None


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Ask; a toolchain that cannot be asked is noted, and compile decides."""
    folder = Path.cwd()
    shutil.copyfile(inputs["config"], folder / CONFIG)
    why = refuse_unknown(folder, CONFIG, Tool(params.runner, params.image))
    if why:
        logger.info("Pulsar2's own proto could not be asked: %s", why)
    verdict = {"asked": not why, "why": why}
    (out / "config-check.json").write_text(json.dumps(verdict, indent=2) + "\n", encoding="utf-8")
    return verdict if why else {"asked": True}
