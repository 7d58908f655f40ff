"""An ONNX graph that ends at other tensors: a detector before its boxes are decoded, which 8 bits do not hold.

Use: ``cut(Path("model.onnx"), ["/model.22/Concat_output_0", "/model.22/Concat_[12]_output_0"])``.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from recipebuild.errors import StepError, reason
from recipebuild.toolkit.graph.files import load, save

if TYPE_CHECKING:
    import onnx

_NEAR = 3


def cut(path: Path, ends: Sequence[str]) -> None:
    """Write the model at ``path`` anew, with these tensors as its outputs and without what none of them needs.

    Raises:
        StepError: As ``tensors_at``; or if the type of a tensor is not known.
    """
    import onnx
    from onnx.utils import Extractor

    model = load(path)
    names = tensors_at(model, ends)
    try:
        known = onnx.shape_inference.infer_shapes(model)
        shorter = Extractor(known).extract_model([value.name for value in model.graph.input], names)
    except ValueError as error:
        raise StepError(
            f"{path.name} cannot end there, as types and shapes are not known: {reason(error)}",
            field="model.outputs",
            remedy="simplify the model first: python -m onnxsim in.onnx out.onnx",
        ) from error
    del shorter.graph.value_info[:]
    shorter.graph.name = model.graph.name
    save(shorter, path)


def tensors_at(model: onnx.ModelProto, ends: Sequence[str]) -> list[str]:
    """The names of the tensors, each once, in the order of ``ends``, and of a pattern in that of the graph.

    Args:
        model: The model.
        ends: Names, or patterns with ``*``, ``?`` and ``[]``. What is a name is none.

    Raises:
        StepError: If there is no such tensor.
    """
    there = [name for node in model.graph.node for name in node.output if name]
    names: dict[str, None] = {}
    for end in ends:
        matching = [end] if end in there else [name for name in there if fnmatchcase(name, end)]
        if not matching:
            near = difflib.get_close_matches(end, there, _NEAR, cutoff=0.0)
            raise StepError(
                f"the model has no tensor {end}", field="model.outputs", remedy=f"near it are {', '.join(near)}"
            )
        names |= dict.fromkeys(matching)
    return list(names)
