"""What ``equalize`` can do for a recipe that leaves it out: settings for ``tune`` to try, the cheapest first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recipebuild.recipe.equalize import Equalize

Setting = tuple[str, Any]
"""A field's name, and a value."""

_FIELD = "equalize"


def left_out(equalize: Equalize | None, *, long_rows: bool) -> tuple[Setting, ...]:
    """The settings of ``equalize`` that a recipe does not have.

    Args:
        equalize: The recipe's section.
        long_rows: Whether the model has attention over long rows; nothing is to be won by ``attention`` elsewhere.
    """
    switches: list[Setting] = [("tokens", True), *([("attention", "U16")] if long_rows else [])]
    if equalize is not None:
        return tuple((f"{_FIELD}.{name}", value) for name, value in switches if not getattr(equalize, name))
    each = [{}, *({name: value} for name, value in switches), *([dict(switches)] if len(switches) > 1 else [])]
    return tuple((_FIELD, values) for values in each)


def has_long_rows(model: Path) -> bool:
    """Whether a model has attention over so many keys that ``equalize.attention`` looks at it."""
    import onnx

    from recipebuild.toolkit.equalize.attention import long_rows
    from recipebuild.toolkit.graph.files import load
    from recipebuild.toolkit.quantize.view import view

    known = onnx.shape_inference.infer_shapes(load(model, weights=False), data_prop=True)
    return bool(long_rows(view(known))[0])
