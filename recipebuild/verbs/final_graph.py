"""What a build would compile of an ONNX file, made by the same steps in a temporary folder: ``check`` lints that.

Use: ``final_graph(job.plan.steps, lint, Path("model.onnx"))``, with the plan's step ``lint``.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from recipebuild.engine.step import Output, Step

if TYPE_CHECKING:
    import onnx

QUICK_BYTES = 64 << 20
"""Up to here a model is simplified and rewritten in seconds."""

_PASSED_OVER = ("fetch", "equalize")
"""fetch copies the file; equalize needs the calibration set, and adds only operators that the NPU takes."""


def is_quick(source: Path) -> bool:
    """Whether the model at ``source``, with its weights, is small enough to be simplified within seconds."""
    from recipebuild.toolkit.graph.files import size

    return size(source) <= QUICK_BYTES


def final_graph(steps: Sequence[Step], last: Step, source: Path) -> onnx.ModelProto:
    """The model that the step ``last`` of a plan would get, without its weights.

    Args:
        steps: Of the plan.
        last: One that takes a ``model``, such as ``lint``.
        source: The ONNX file that the plan fetches.

    Raises:
        StepError: If a step in between fails.
    """
    from recipebuild.toolkit.graph.files import load

    logging.getLogger("onnx_ir").addHandler(logging.NullHandler())  # what it says of a step is for the step's log
    by_id = {step.id: step for step in steps}
    with tempfile.TemporaryDirectory() as folder:

        def taken(step: Step) -> Path:
            output = step.inputs.get("model")
            if not isinstance(output, Output):
                return source
            maker = by_id[output.step]
            model = taken(maker)
            if maker.name in _PASSED_OVER:
                return model
            out = Path(folder, maker.name)
            out.mkdir()
            module = import_module(maker.module)
            params = module.Params.model_validate(maker.params)
            module.run({"model": model}, params, out, lambda fraction, text="": None)
            return out / output.name

        return load(taken(last), weights=False)
