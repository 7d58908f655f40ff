"""Which layers a recipe means by ``quantization.layers: [{module: decode_head.*, dtype: U16}]``.

The tool's ``layer_configs`` speak of the names of the graph that it optimized, which it makes up in part: what it fuses
gets a new name. What can be known before a build are the names in the model that it is given, and, of each node, the
PyTorch module that it comes from. Whether the tool knows them, too, is looked up after the build (``asked.py``).
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError

if TYPE_CHECKING:
    import onnx

MOVES = frozenset({"Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Slice", "Split", "Expand"})
"""Operators that move data: their type is that of what uses it, whatever is asked for."""

_SCOPES = "pkg.torch.onnx.name_scopes"


def resolve(layer_configs: Iterable[Mapping[str, Any]], model: onnx.ModelProto) -> list[dict[str, Any]]:
    """The layer configs with ``module`` replaced by ``layer_names``: the nodes of ``model`` that its patterns match.

    A pattern (``*``, ``?``, ``[...]``) is matched against a node's name and the modules that it lies in.

    Raises:
        StepError: If a pattern matches nothing.
    """
    found = []
    for config in layer_configs:
        rest = {name: value for name, value in config.items() if name != "module"}
        if "module" in config:
            rest = {"layer_names": _matching(config["module"], model), **rest}
        found.append(rest)
    return found


def modules_of(model: onnx.ModelProto) -> dict[str, str]:
    """The innermost PyTorch module of each layer, by the layer's name, as far as the exporter said it."""
    found = {node.name: _scopes(node) for node in model.graph.node if node.name}
    return {name: scopes[-1] for name, scopes in found.items() if scopes}


def _matching(patterns: Sequence[str], model: onnx.ModelProto) -> list[str]:
    names: list[str] = []
    for pattern in patterns:
        matched = [node.name for node in model.graph.node if node.name and _matches(pattern, node)]
        if not matched:
            raise StepError(
                f"quantization.layers: {pattern} matches no layer of the model",
                remedy=f"modules: {', '.join(_modules(model)) or 'none are known'}\nnames of layers are in "
                "model.onnx; patterns are written decode_head.* or */attn/*",
            )
        names += matched
    return list(dict.fromkeys(names))


def _matches(pattern: str, node: onnx.NodeProto) -> bool:
    return node.op_type not in MOVES and any(fnmatchcase(name, pattern) for name in (node.name, *_scopes(node)))


def _scopes(node: onnx.NodeProto) -> list[str]:
    """The modules that a node lies in, the outermost first; empty if the exporter did not say."""
    text = next((entry.value for entry in node.metadata_props if entry.key == _SCOPES), "[]")
    try:
        scopes = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return []
    return [scope for scope in scopes if isinstance(scope, str) and scope] if isinstance(scopes, list) else []


def _modules(model: onnx.ModelProto) -> list[str]:
    """The outermost modules: enough to see how paths begin."""
    return sorted({scopes[0] for node in model.graph.node if (scopes := _scopes(node))})[:8]
