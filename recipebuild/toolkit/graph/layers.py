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
    parts = []
    for config in layer_configs:
        rest = {name: value for name, value in config.items() if name != "module"}
        if "module" in config:
            rest = {"layer_names": _matching(config["module"], model), **rest}
        parts.append(rest)
    return parts


def modules_of(model: onnx.ModelProto) -> dict[str, str]:
    """The PyTorch module of each layer, by the layer's name, as far as the exporter said it."""
    return {name: modules[-1] for name, modules in _modules_of_layers(model).items() if modules}


def _matching(patterns: Sequence[str], model: onnx.ModelProto) -> list[str]:
    modules = _modules_of_layers(model)
    computing = [node.name for node in model.graph.node if node.name and node.op_type not in (*MOVES, "Constant")]
    names: list[str] = []
    for pattern in patterns:
        matched = [name for name in computing if _matches(pattern, name, modules.get(name, []))]
        if not matched:
            known = sorted({path.split(".")[0] for inside in modules.values() for path in inside})[:8]
            raise StepError(
                f"{pattern} matches no layer of the model",
                field="quantization.layers",
                remedy=f"modules: {', '.join(known) or 'none are known'}\nnames of layers are in model.onnx; patterns "
                "are written decode_head.* or */attn/*",
            )
        names += matched
    return list(dict.fromkeys(names))


def _matches(pattern: str, name: str, modules: Sequence[str]) -> bool:
    """Whether a pattern is of the layer's name, or of a module that it lies in, from any of the path's parts on.

    A list of modules (``stages.2.blocks``) is none that the exporter names, so the beginnings of paths count, too.
    """
    paths = [path.split(".") for path in modules]
    parts_of = (
        ".".join(parts[start:end])
        for parts in paths
        for start in range(len(parts))
        for end in range(start + 1, len(parts) + 1)
    )
    return fnmatchcase(name, pattern) or any(fnmatchcase(part, pattern) for part in parts_of)


def _modules_of_layers(model: onnx.ModelProto) -> dict[str, list[str]]:
    """The modules that each layer lies in, the outermost first.

    Simplifying makes new nodes, which nobody said a module of: a Gemm of a MatMul and an Add. Such a node lies where
    the one does that uses what it gives.
    """
    by_node = {node.name: modules for node in model.graph.node if (modules := _modules(node))}
    users = {name: node for node in reversed(model.graph.node) for name in node.input}
    for node in reversed(model.graph.node):  # in topological order a user comes later
        user = next((users[name] for name in node.output if name in users), None)
        if node.name not in by_node and user is not None and user.name in by_node:
            by_node[node.name] = by_node[user.name]
    return by_node


def _modules(node: onnx.NodeProto) -> list[str]:
    """The modules that a node lies in, as far as the exporter said it.

    PyTorch's dynamo exporter writes a list of paths, and at last the operation's own name; torchscript makes them the
    node's name: ``/decode_head/linear_c.0/proj/MatMul``.
    """
    text = next((entry.value for entry in node.metadata_props if entry.key == _SCOPES), "[]")
    try:
        scopes = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        scopes = []
    paths = [scope for scope in scopes if isinstance(scope, str) and scope] if isinstance(scopes, list) else []
    if not paths and node.name.startswith("/"):
        parts = node.name.split("/")[1:-1]
        return [".".join(parts[: end + 1]) for end in range(len(parts))]
    return paths[:-1] if len(paths) > 1 and not paths[-1].startswith(f"{paths[-2]}.") else paths
