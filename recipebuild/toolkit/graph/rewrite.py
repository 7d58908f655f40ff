"""ONNX -> ONNX of the same function with less work, by the passes of ``recipebuild.toolkit.graph.passes``.

    result = rewrite_file(Path("simplified.onnx"), Path("rewritten.onnx"), ["fold_decoder", "drop_key_bias"], Limits())

The passes see static shapes, constants as initializers, and opset 20 (or newer). What they made is run on ONNX Runtime
against what was there before. If it differs, they are applied one by one, each is tried, and the ones at fault are left
out; so a model on which all is well, as it should be, is run twice and not twenty times.
"""

from __future__ import annotations

import gc
import logging
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from recipebuild.errors import CheckError, StepError
from recipebuild.toolkit.graph.apart import take_apart
from recipebuild.toolkit.graph.apply import Applied, Refused, RewriteOutcome, rewrite
from recipebuild.toolkit.graph.compare import OutputDifference, difference, in_order_of, run_model, with_classes
from recipebuild.toolkit.graph.files import EXTERNAL_DATA_OVER, load, save
from recipebuild.toolkit.graph.ir import load_ir
from recipebuild.toolkit.graph.probe import probe, rows_named_by
from recipebuild.toolkit.graph.statistics import inputs

if TYPE_CHECKING:
    import onnx_ir as ir

    from recipebuild.toolkit.graph.compare import Array, Outputs

logger = logging.getLogger(__name__)

OPSET = 20
"""The first with LayerNormalization and Gelu as operators."""


@dataclass(frozen=True)
class Limits:
    """How far a rewritten model may be from what it was.

    ``class_axis`` is that of an ArgMax that will follow; ``any_order`` says that the order of rows does not matter.
    """

    relative: float = 1e-4
    agreement: float = 1 - 1e-4
    class_axis: int | None = None
    any_order: bool = False


@dataclass(frozen=True)
class Rewritten:
    """What was done, what was taken back, and how far the result is from the model before; ``None`` if unchanged.

    ``refused`` is what guards did not allow in what is left, by reason.
    """

    applied: tuple[Applied, ...] = ()
    refused: tuple[Refused, ...] = ()
    rolled_back: tuple[str, ...] = ()
    difference: OutputDifference | None = None


def rewrite_file(
    source: Path, target: Path, names: Sequence[str], limits: Limits, progress: Callable[[float, str], None]
) -> Rewritten:
    """Rewrite the model at ``source`` into ``target``; over 2 GiB the weights go to a file beside each.

    Args:
        source: An ONNX model of static shapes.
        target: The file to write.
        names: The passes to apply.
        limits: How far the result may be from the model before.
        progress: Told of what is done.

    Raises:
        StepError: If ONNX Runtime cannot run the model before.
    """
    trial = _Trial(source, target, limits)
    if not names:
        return trial.give_up(())
    progress(0.1, "rewriting")
    done = trial.write(names)
    progress(0.3, "the model before, on ONNX Runtime")
    trial.reference()
    progress(0.7, "the model after")
    deviation = trial.difference()
    if deviation is not None:
        return Rewritten(done.applied, done.refused, difference=deviation)
    kept: list[str] = []
    bad: list[str] = []
    for number, each in enumerate(done.applied):
        progress(0.7 + 0.3 * number / len(done.applied), f"{each.name} alone")
        trial.write([*kept, each.name])
        (kept if trial.difference() is not None else bad).append(each.name)
    applied = trial.write(kept).applied
    refused = tuple(each for each in done.refused if each.name not in bad)
    deviation = trial.difference()
    return Rewritten(applied, refused, tuple(bad), deviation) if deviation is not None else trial.give_up(bad)


class _Trial:
    """A model, and one place for what is made of it."""

    def __init__(self, source: Path, target: Path, limits: Limits) -> None:
        self._source, self._target, self._limits = source, target, limits
        self._feeds: list[dict[str, Array]] = []
        self._expected: list[Outputs] = []

    def write(self, names: Sequence[str]) -> RewriteOutcome:
        """Write the model with passes applied."""
        model = prepare(load_ir(self._source))
        done = rewrite(model, names)
        _save(model, self._target)
        del model
        gc.collect()  # a graph holds itself; what follows needs the memory
        return done

    def give_up(self, bad: Sequence[str]) -> Rewritten:
        """Write the model as it was."""
        save(load(self._source), self._target)
        return Rewritten(rolled_back=tuple(bad))

    def reference(self) -> None:
        """Run the model as it was."""
        feed = {}
        model = load(self._source, weights=False)
        for tensor in inputs(model):
            if tensor.sizes is None:
                raise StepError(
                    f"{self._source.name} has the input {tensor}, and a rewrite needs its shape to be fixed"
                )
            values = probe(tensor.sizes, tensor.dtype)
            rows = rows_named_by(model, tensor.name)
            feed[tensor.name] = values % rows if rows else values
        self._feeds = [feed]
        with tempfile.TemporaryDirectory(dir=self._target.parent, prefix=".rewrite-") as folder:
            source = self._source
            if take_apart(model):
                source = Path(folder) / self._source.name
                save(model, source)
            del model  # its weights: the run needs the memory
            self._expected = self._run(source)

    def difference(self) -> OutputDifference | None:
        """How far what was written is from the model as it was; ``None`` if too far, or if it does not run."""
        try:
            got = self._run(self._target)
            if self._limits.any_order:
                got = [in_order_of(*both) for both in zip(self._expected, got, strict=True)]
            deviation = difference(self._expected, got)
        except (CheckError, StepError) as error:
            logger.warning("%s", error.message)
            return None
        if deviation.beyond(relative=self._limits.relative, agreement=self._limits.agreement):
            logger.warning("the rewritten model differs: %s", deviation)
            return None
        return deviation

    def _run(self, path: Path) -> list[Outputs]:
        return [with_classes(outputs, self._limits.class_axis) for outputs in run_model(path, self._feeds)]


def prepare(model: ir.Model) -> ir.Model:
    """The model as the passes want it, changed in place."""
    from onnx_ir.passes import common

    if model.opset_imports.get("", OPSET) < OPSET:
        model = _raised(model)
    common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(model)
    common.RemoveUnusedNodesPass()(model)
    _decode(model)
    return common.ShapeInferencePass()(model).model


def _decode(model: ir.Model) -> None:
    """Take weights out of their protobuf messages once: those copy them each time that they are looked at."""
    import onnx_ir as ir

    for value in model.graph.initializers.values():
        if isinstance(value.const_value, ir.serde.TensorProtoTensor):
            value.const_value = ir.tensor(value.const_value.numpy(), name=value.name)


def _raised(model: ir.Model) -> ir.Model:
    from onnxscript import version_converter

    notes = {value: dict(node.metadata_props) for node in model.graph for value in _names(node)}
    quiet = logging.getLogger("onnxscript.version_converter")
    level = quiet.level
    quiet.setLevel(logging.ERROR)
    try:
        version_converter.convert_version(model, OPSET, fallback=True)
    finally:
        quiet.setLevel(level)
    for node in model.graph:  # the converter drops which module a node comes from
        node.metadata_props.update(next((notes[name] for name in _names(node) if name in notes), {}))
    return model


def _names(node: ir.Node) -> list[str]:
    return [value.name for value in node.outputs if value.name]


def _save(model: ir.Model, target: Path) -> None:
    """Write the model, and leave it without weights; over 2 GiB tensor by tensor: they are never all in memory."""
    import onnx_ir as ir

    held = [value.const_value for value in model.graph.initializers.values() if value.const_value is not None]
    if sum(tensor.nbytes for tensor in held) > EXTERNAL_DATA_OVER:
        ir.save(model, target, external_data=f"{target.name}.data")
        return
    ir.external_data.load_to_model(model)
    proto = ir.to_proto(model)
    for value in model.graph.initializers.values():
        value.const_value = None  # the weights are in memory once more while the file is made
    save(proto, target)
