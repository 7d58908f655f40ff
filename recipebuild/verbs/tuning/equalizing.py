"""What ``equalize`` can do for a recipe that leaves it out: settings for ``tune`` to try, the cheapest first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recipebuild.recipe.equalize import Equalize

Setting = tuple[str, Any]
"""A field's name, and a value."""

TOKENS: Setting = ("tokens", True)
ATTENTION: Setting = ("attention", "U16")
BIASES: Setting = ("bias_correction", True)

_FIELD = "equalize"


def left_out(equalize: Equalize | None, switches: Sequence[Setting]) -> tuple[Setting, ...]:
    """The settings of ``equalize`` that a recipe does not have.

    Args:
        equalize: The recipe's section.
        switches: Those that find something to do in the model.
    """
    if equalize is not None:
        return tuple((f"{_FIELD}.{name}", value) for name, value in switches if not getattr(equalize, name))
    each = [{}, *({name: value} for name, value in switches), *([dict(switches)] if len(switches) > 1 else [])]
    return tuple((_FIELD, values) for values in each)


def switches_for(model: Path) -> list[Setting]:
    """The switches of ``equalize`` that look at anything in an ONNX model.

    ``tokens`` looks at tokens of several kinds that a LayerNormalization takes, ``attention`` at long rows.
    """
    import onnx

    from recipebuild.toolkit.equalize.attention import long_rows
    from recipebuild.toolkit.equalize.tokens import kinds
    from recipebuild.toolkit.graph.files import load
    from recipebuild.toolkit.quantize.view import view

    known = onnx.shape_inference.infer_shapes(load(model, weights=False), data_prop=True)
    graph = view(known)
    takers = {use.node.op_type for name in kinds(known) for use in graph.users.get(name, ())}
    return [*([TOKENS] if "LayerNormalization" in takers else []), *([ATTENTION] if long_rows(graph)[0] else [])]
