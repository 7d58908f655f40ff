"""Reading and changing a graph in onnx_ir's form: the words in which the passes are written.

if made_by(value, "MatMul") and (weight := array(node.inputs[1])) is not None: ...
edit = Edit(graph)
product = edit.add("MatMul", [x, edit.constant(weight, "folded")], shape, before=node)
edit.replace(node.outputs[0], product)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from recipebuild.toolkit.graph.names import free_name

if TYPE_CHECKING:
    import numpy.typing as npt
    import onnx_ir as ir

    Array = npt.NDArray[Any]

Sizes = tuple[int, ...]
Present = TypeVar("Present")


def sizes(value: ir.Value | None) -> Sizes | None:
    """The shape of ``value`` if it is fully known."""
    if value is None or value.shape is None:
        return None
    known = tuple(size for size in value.shape if isinstance(size, int))
    return known if len(known) == len(value.shape) else None


def sure(value: Present | None) -> Present:
    """What a pattern or a guard has found to be there.

    Raises:
        ValueError: If it is not: the pass is wrong.
    """
    if value is None:
        raise ValueError("a pass takes for granted what its guard does not look for")
    return value


def is_float(value: ir.Value | None) -> bool:
    """Whether ``value`` holds floating-point numbers."""
    return value is not None and value.dtype is not None and value.dtype.is_floating_point()


def array(value: ir.Value | None) -> Array | None:
    """What ``value`` holds if it is an initializer that no caller can override."""
    if value is None or value.const_value is None or value.is_graph_input():
        return None
    return value.const_value.numpy()


def scalar(value: ir.Value | None) -> float | None:
    """The number that ``value`` holds if it is a constant of one element."""
    held = array(value)
    return float(held.reshape(-1)[0]) if held is not None and held.size == 1 else None


def made_by(value: ir.Value | None, *operators: str) -> ir.Node | None:
    """The node that computes ``value``, if it is one of ``operators`` of ONNX's own domain."""
    node = value.producer() if value is not None else None
    return node if node is not None and node.op_type in operators and node.domain in ("", "ai.onnx") else None


def only_use(value: ir.Value) -> ir.Node | None:
    """The one node that takes ``value``, if nothing else does and it is no output of the graph."""
    uses = list(value.uses())
    return uses[0].node if len(uses) == 1 and not value.is_graph_output() else None


def attribute(node: ir.Node, name: str, default: Any = None) -> Any:
    """The value of an attribute; lists as tuples."""
    stored = node.attributes.get(name)
    return default if stored is None else stored.value


def permutation(node: ir.Node | None) -> Sizes | None:
    """The ``perm`` of a Transpose, written out."""
    if node is None or node.op_type != "Transpose":
        return None
    perm = attribute(node, "perm")
    shape = sizes(node.inputs[0])
    if perm is not None:
        return tuple(perm)
    return tuple(reversed(range(len(shape)))) if shape is not None else None


class Edit:
    """Changes to one graph.

    New constants and nodes get names of their own; what is replaced goes as soon as nothing needs it.
    """

    def __init__(self, graph: ir.Graph) -> None:
        self.graph = graph
        self._taken = {value.name for node in graph for value in node.outputs}
        self._taken |= {value.name for value in graph.inputs} | set(graph.initializers)
        self._new: set[ir.Value] = set()

    def constant(self, held: Array, name: str) -> ir.Value:
        """A new initializer."""
        import onnx_ir as ir

        value = ir.Value(
            name=self._free(name),
            shape=ir.Shape(held.shape),
            type=ir.TensorType(ir.DataType.from_numpy(held.dtype)),
            const_value=ir.tensor(held),
        )
        self.graph.register_initializer(value)
        return value

    def number(self, held: float, like: ir.Value, name: str) -> ir.Value:
        """A new initializer of one element, of the rank (1 at least) and the type of ``like``."""
        import numpy as np

        return self.constant(np.full([1] * max(1, len(sure(sizes(like)))), held, sure(like.dtype).numpy()), name)

    def add(
        self,
        operator: str,
        inputs: Sequence[ir.Value | None],
        shape: Sequence[int],
        *,
        before: ir.Node,
        attributes: Mapping[str, Any] | None = None,
        name: str = "",
        origin: ir.Node | None = None,
    ) -> ir.Value:
        """The output of a new node, of the element type of its first input.

        Args:
            operator: Its type.
            inputs: What it takes.
            shape: Of what it gives.
            before: The node in front of which it is put.
            attributes: Its attributes.
            name: Of what it gives; by default after ``before``.
            origin: The node that passes on where it came from in the PyTorch model; by default ``before``.
        """
        import onnx_ir as ir

        source = inputs[0]
        out = ir.Value(
            name=self._free(name or f"{before.outputs[0].name}_{operator.lower()}"),
            shape=ir.Shape(shape),
            type=source.type if source is not None else None,
        )
        node = ir.Node(
            "",
            operator,
            inputs,
            ir.convenience.convert_attributes(attributes or {}),
            outputs=[out],
            name=out.name,
            metadata_props=dict((origin or before).metadata_props),
        )
        self.graph.insert_before(before, node)
        self._new.add(out)
        return out

    def reshape(self, value: ir.Value, shape: Sequence[int], *, before: ir.Node) -> ir.Value:
        """``value`` in another shape; itself if it has that already."""
        import numpy as np

        if sizes(value) == tuple(shape):
            return value
        target = self.constant(np.array(shape, np.int64), f"{before.outputs[0].name}_shape")
        return self.add("Reshape", [value, target], shape, before=before, attributes={"allowzero": 0})

    def transpose(self, value: ir.Value, perm: Sequence[int], *, before: ir.Node) -> ir.Value:
        """``value`` with its axes in another order."""
        shape = sure(sizes(value))
        order = {"perm": list(perm)}
        return self.add("Transpose", [value], [shape[axis] for axis in perm], before=before, attributes=order)

    def split(
        self, value: ir.Value, lengths: ir.Value, count: int, axis: int, *, before: ir.Node
    ) -> Sequence[ir.Value]:
        """``value`` cut into ``count`` parts of equal length along ``axis``; ``lengths`` holds their lengths."""
        import onnx_ir as ir

        shape = list(sizes(value) or ())
        shape[axis] //= count
        names = [self._free(f"{value.name}_tile") for _ in range(count)]
        outs = [ir.Value(name=name, shape=ir.Shape(shape), type=value.type) for name in names]
        attributes = ir.convenience.convert_attributes({"axis": axis})
        node = ir.Node("", "Split", [value, lengths], attributes, outputs=outs, name=names[0])
        self.graph.insert_before(before, node)
        return outs

    def replace(self, old: ir.Value, new: ir.Value) -> None:
        """Use ``new`` wherever ``old`` was used, under the name of ``old``; remove what only ``old`` needed."""
        import onnx_ir as ir

        name, producer = old.name, old.producer()
        if old.is_graph_output() and (new.is_graph_input() or new.is_graph_output() or new.is_initializer()):
            new = self.add("Identity", [new], sizes(new) or (), before=sure(producer))
        ir.convenience.replace_all_uses_with(old, new, replace_graph_outputs=True)
        if producer is not None:
            self.prune(producer)
        if new.is_graph_output() or new in self._new:
            self._new.discard(new)
            self._taken.discard(new.name)
            new.name = self._free(name or "")
            if (maker := new.producer()) is not None:
                maker.name = new.name

    def prune(self, node: ir.Node) -> None:
        """Remove ``node`` if nothing needs it, and then what only it needed."""
        if node.graph is None or any(out.uses() or out.is_graph_output() for out in node.outputs):
            return
        sources = [value for value in node.inputs if value is not None]
        self.graph.remove(node, safe=True)
        self._taken -= {out.name for out in node.outputs}
        self._new -= set(node.outputs)
        for value in sources:
            producer = value.producer()
            if producer is not None:
                self.prune(producer)
            else:
                self.drop(value)

    def rename(self, value: ir.Value, name: str) -> None:
        """Give a value another name, or that name with a number if it is taken."""
        self._taken.discard(value.name)
        value.name = self._free(name)

    def drop(self, value: ir.Value) -> None:
        """Remove an initializer that nothing needs any more."""
        if value.is_initializer() and not value.uses() and not value.is_graph_output():
            self.graph.initializers.pop(value.name or "", None)
            self._taken.discard(value.name)

    def _free(self, name: str) -> str:
        """``name``, or ``name_2`` and so on if it is taken."""
        return free_name(name, self._taken)
