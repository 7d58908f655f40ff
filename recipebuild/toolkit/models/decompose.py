"""What ONNX has no operator for, spelled out operator by operator: half of the time of an export.

torch.export's program has operators that torch.onnx cannot translate. ``ExportedProgram.run_decompositions`` spells
them out and, to do so, traces the whole model again, twice, which takes as long as tracing it in the first place. Here
only the operators in question are traced, each alone; the program comes out the same, to the name of each node. A
program with operators that write into their inputs is left to torch.

Use: ``with decomposed_by_operator(): torch.onnx.export(module, (example,), dynamo=True)``.
"""

from __future__ import annotations

import logging
import operator
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch.export import ExportedProgram
    from torch.fx import Graph, Node

    Table = dict[Any, Callable[..., Any]]

logger = logging.getLogger(__name__)


class _OnlyWhole(Exception):  # noqa: N818  # not an error: torch's own way will do
    """The program can only be decomposed as a whole."""


@contextmanager
def decomposed_by_operator() -> Iterator[None]:
    """Let torch.onnx decompose programs by operator meanwhile, where that can be done."""
    from torch.onnx._internal.exporter import _decomp, _fx_passes

    whole = _fx_passes.decompose_with_registry

    def decompose(program: ExportedProgram, registry: Any) -> ExportedProgram:
        try:
            implemented = set(_decomp.get_onnx_implemented_overloads(registry))
            return _decompose(program, _decomp.create_onnx_friendly_decomposition_table(implemented))
        except Exception as error:  # also another version of torch, whose inside differs
            logger.debug("decomposing the whole program: %s", error or type(error).__name__)
            return whole(program, registry)

    _fx_passes.decompose_with_registry = decompose
    try:
        yield
    finally:
        _fx_passes.decompose_with_registry = whole


def _decompose(program: ExportedProgram, table: Table) -> ExportedProgram:
    """The program without the operators of ``table``; what was handed in stays as it is if that fails."""
    import torch
    from torch._dispatch.python import enable_python_dispatcher
    from torch.export import exported_program
    from torch.fx import Graph, GraphModule

    composite, others = exported_program._split_decomp_table_to_cia_and_python_decomp(table)
    before = program.graph_module
    _check_functional(before.graph)
    fake_mode = next(node.meta["val"].fake_mode for node in before.graph.nodes if node.op == "placeholder")
    after = Graph()
    became: dict[Node, Any] = {}
    spelling = exported_program._override_composite_implicit_decomp(composite)
    with fake_mode, torch.no_grad(), spelling, enable_python_dispatcher():
        for node in before.graph.nodes:
            became[node] = _added(after, node, became, composite, others)
    after.eliminate_dead_code(lambda node: node.is_impure(impure_random=False))
    names = {node.name: new.name for node, new in became.items() if not isinstance(new, list)}
    outputs = program.graph_signature.output_specs
    for spec, name in [(spec, names[spec.arg.name]) for spec in outputs]:
        spec.arg.name = name
    program._graph_module = GraphModule(before, after)
    program._graph_module.meta = dict(before.meta)
    return program


def _check_functional(graph: Graph) -> None:
    """Find that each operator gives new tensors, and has no graph within."""
    from torch._ops import OpOverload

    for node in graph.nodes:
        if node.op == "call_function" and node.target is not operator.getitem:
            if not isinstance(node.target, OpOverload) or node.target._schema.is_mutable:
                raise _OnlyWhole(f"it has {node.target}")
        elif node.op not in ("placeholder", "call_function", "output"):
            raise _OnlyWhole(f"it has a node {node.op}")


def _added(graph: Graph, node: Node, became: Mapping[Node, Any], composite: Table, others: Table) -> Any:
    """Add a node of the program, or what it is spelled out as, to ``graph``; its value there, or values."""
    from torch._export.utils import _special_op_to_preserve_cia
    from torch.fx import map_arg

    def new(part: Any) -> Any:
        return map_arg(part, became.__getitem__)

    if node.op == "placeholder":
        added = graph.placeholder(str(node.target))
        added.name = node.name  # the signature knows inputs by name, also by those that Python has for itself
        added.meta = dict(node.meta)
        return added
    if node.op == "output":
        added = graph.output(new(node.args[0]))
        added.meta = dict(node.meta)
        return added
    if node.target is operator.getitem:
        return became[node.args[0]][node.args[1]]
    kept = composite.get(node.target) is _special_op_to_preserve_cia
    if kept or not (node.target in composite or node.target in others or node.target._can_decompose()):
        return _call(graph, node.target, new(node.args), new(node.kwargs), node.meta)
    return _spelled_out(graph, node, became, others)


def _spelled_out(graph: Graph, node: Node, became: Mapping[Node, Any], table: Table) -> Any:
    """Add what tracing an operator alone gives."""
    from torch.fx import map_arg
    from torch.fx.experimental.proxy_tensor import make_fx

    inputs = node.all_input_nodes

    def call(*values: Any) -> Any:
        args, kwargs = map_arg((node.args, node.kwargs), dict(zip(inputs, values, strict=True)).__getitem__)
        return node.target(*args, **kwargs)

    traced = make_fx(call, decomposition_table=table)(*(became[part].meta["val"] for part in inputs)).graph
    _check_functional(traced)
    within: dict[Node, Any] = {}
    parts = iter(inputs)
    for inner in traced.nodes:
        args, kwargs = map_arg((inner.args, inner.kwargs), within.__getitem__)
        if inner.op == "placeholder":
            within[inner] = became[next(parts)]
        elif inner.op == "output":
            return args[0]
        elif inner.target is operator.getitem:
            within[inner] = args[0][args[1]]
        else:
            within[inner] = _call(graph, inner.target, args, kwargs, {**node.meta, "val": inner.meta["val"]})
    raise AssertionError("a graph ends with its output")


def _call(graph: Graph, target: Any, args: Any, kwargs: Any, meta: dict[str, Any]) -> Any:
    """Add a call, named as torch names one; its value, or a list of values, each of which is taken out by a node."""

    def add(target: Any, name: str, args: Any, kwargs: Any, value: Any) -> Any:
        added = graph.create_node("call_function", target, args, kwargs, name=graph._target_to_str(name))
        added.meta = {**meta, "val": value}
        return added

    value = meta["val"]
    added = add(target, target.overloadpacket.__name__, args, kwargs, value)
    if isinstance(value, list | tuple):
        return [add(operator.getitem, "getitem", (added, at), {}, part) for at, part in enumerate(value)]
    return added
