"""compile, with Pulsar2: model, calibration images and configuration -> a model for the NPU.

An hour's work is not done again because our own code is another: what the tool left when it was called in the same
words, for the same files, is taken over and only read anew.

Inputs: model (ONNX file), calibration (tar of images or tensors; none of a model that is quantized already), config
(pulsar2.json); earlier (optional: the folder that the step wrote for the same inputs with other code of ours).
Outputs: compiled.axmodel, used.json (the configuration, with the names that the tool gave to layers), precision.json
(``got``: how many operators of each type, ``dropped``: what was asked for and not got); if the tool leaves them
build_context.json, quant/quant_axmodel.json, .onnx and .data, frontend/optimized.onnx, and with
compiler.npu_perf trace.json and op_profile.csv of each subgraph.
"""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from recipebuild.errors import StepError
from recipebuild.toolkit.graph.files import load
from recipebuild.toolkit.pulsar2.build import CONFIG, MODEL, OPTIMIZED, OUT, Pulsar2Output, build, taken_over
from recipebuild.toolkit.pulsar2.compose import IMAGES, TENSORS
from recipebuild.toolkit.pulsar2.config import BuildConfig
from recipebuild.toolkit.pulsar2.config.read import sort_fields
from recipebuild.toolkit.pulsar2.findings import findings
from recipebuild.toolkit.pulsar2.renamed import renamed
from recipebuild.toolkit.pulsar2.tool import Tool

if TYPE_CHECKING:
    from recipebuild.engine.progress import Progress

logger = logging.getLogger(__name__)

USED = "used.json"


class Params(BaseModel):
    """The target, and which Pulsar2 compiles: the one on PATH, or the one in ``image``.

    Attributes:
        hardware: ``AX650``...
        runner: What runs.
        image: The container's image.
        gpus: Whether it needs the machine's GPUs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    hardware: str
    runner: Literal["native", "docker"]
    image: str | None = None
    gpus: bool = False


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Copy the inputs to where the tool may write, run it, keep what is worth keeping."""
    model = inputs["model"]
    if any(model.parent.glob(f"{model.name}.*")):
        raise StepError(
            "the model keeps its weights in a second file, which pulsar2 build cannot read",
            remedy="use a model under 2 GiB",
        )
    folder = Path.cwd()
    for path, name in ((model, MODEL), (inputs["config"], CONFIG)):
        shutil.copyfile(path, folder / name)
    names = _Names(folder)
    built = _taken_over(inputs["earlier"], names, params) if "earlier" in inputs else None
    if built is None:
        shutil.copyfile(inputs["config"], folder / CONFIG)  # without the names of the earlier build
        if "calibration" in inputs:
            shutil.copyfile(inputs["calibration"], folder / _archive(inputs["config"]))
        names = _Names(folder)
        built = _built(names, params, progress)
    shutil.copyfile(folder / CONFIG, out / USED)
    for name, path in built.files.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, out / name)
    known, _ = sort_fields(json.loads((folder / CONFIG).read_text(encoding="utf-8")))
    config = BuildConfig.model_validate_json(json.dumps(known))
    figures, missed = findings(built, config, load(folder / MODEL))
    precision = {"dropped": missed, "got": figures.get("precisions", {})}
    (out / "precision.json").write_text(json.dumps(precision, indent=2) + "\n", encoding="utf-8")
    if names.changes:
        figures["renamed_layers"] = names.changes
    for warning in figures.get("warnings", ()):
        logger.warning("%s", warning)
    return figures


def _built(names: _Names, params: Params, progress: Progress) -> Pulsar2Output:
    """Run the tool, and once more if it gave other names to the layers that the configuration names."""
    tool = Tool(params.runner, params.image, params.gpus)
    compile_ = partial(build, names.folder, tool, hardware=params.hardware, progress=progress, optimized=names.look_up)
    try:
        return compile_()
    except _RenamedError:
        logger.info("%s", names.summary)
        shutil.rmtree(names.folder / OUT, ignore_errors=True)
        return compile_()


def _taken_over(earlier: Path, names: _Names, params: Params) -> Pulsar2Output | None:
    """What an earlier build left, if we would call the tool as it was called then, with the same configuration."""
    built = taken_over(earlier, (earlier / ".log").read_text(encoding="utf-8", errors="replace"), params.hardware)
    if built and OPTIMIZED in built.files:
        with contextlib.suppress(_RenamedError):
            names.look_up(built.files[OPTIMIZED])
    if built is None or (names.folder / CONFIG).read_bytes() != (earlier / USED).read_bytes():
        return None
    logger.info("pulsar2 was called for the same before: what it left is taken over, and read anew")
    return built


class _RenamedError(Exception):
    """The tool gave layers that are asked for other names; the configuration has them now."""


class _Names:
    """The names of layers in the folder's configuration, held against the graph that the tool optimized."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.changes: dict[str, list[str]] = {}

    @property
    def summary(self) -> str:
        """What was renamed, in one line."""
        pairs = [f"{old} is {', '.join(new)}" for old, new in self.changes.items()]
        return f"begun again with the names that Pulsar2 gives to layers: {'; '.join(pairs[:5])}"

    def look_up(self, optimized: Path) -> None:
        """Put the tool's own names into the configuration.

        Raises:
            _RenamedError: If there were others; the tool has to begin again, a minute after it began.
            StepError: If a name is nowhere.
        """
        path = self.folder / CONFIG
        values = json.loads(path.read_text(encoding="utf-8"))
        asked = values.get("quant", {}).get("layer_configs", [])
        if self.changes or not any("layer_name" in config or "layer_names" in config for config in asked):
            return
        configs, changes = renamed(asked, load(self.folder / MODEL, weights=False), load(optimized, weights=False))
        if changes:
            self.changes = changes
            values["quant"]["layer_configs"] = configs
            path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
            raise _RenamedError


def _archive(config: Path) -> str:
    """The one calibration archive that a configuration names."""
    entries = json.loads(config.read_text(encoding="utf-8")).get("quant", {}).get("input_configs", [])
    names = sorted({str(each["calibration_dataset"]) for each in entries}) or [IMAGES]
    if len(names) > 1 or names[0] not in (IMAGES, TENSORS):
        raise StepError(
            f"the configuration takes calibration data from {', '.join(names)}, which this build does not make",
            remedy="remove quant.input_configs from pulsar2.overrides, and set calibration.source in the recipe",
        )
    return names[0]
