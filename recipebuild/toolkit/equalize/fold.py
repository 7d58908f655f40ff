"""Scales put into the constants of a model: a copy of the graph, with other numbers in it and no other operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recipebuild.toolkit.graph.model import drop_unused

if TYPE_CHECKING:
    import numpy.typing as npt
    import onnx

    from recipebuild.toolkit.equalize.noise import Array
    from recipebuild.toolkit.equalize.site import Site


@dataclass(frozen=True)
class Scaled:
    """A site with its scales.

    Attributes:
        site: The site.
        scale: s of each channel, float64.
    """

    site: Site
    scale: Array


def folded(model: onnx.ModelProto, scaled: Sequence[Scaled]) -> onnx.ModelProto:
    """A copy of the model with the scales of all these sites in its constants.

    A constant that other operators take, too, stays as it is for them.
    """
    import numpy as np
    import onnx
    from onnx import numpy_helper

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    values = Constants(copy)
    for one in scaled:
        values.scale(one)
    nodes = {node.name: node for node in copy.graph.node}
    taken = {tensor.name for tensor in copy.graph.initializer} | {name for n in copy.graph.node for name in n.output}
    for (node, position), changed in values.changed.items():
        name = f"{nodes[node].input[position]}_equalized"
        while name in taken:
            name += "_"
        taken.add(name)
        copy.graph.initializer.append(numpy_helper.from_array(changed.astype(np.float32), name))
        nodes[node].input[position] = name
    drop_unused(copy)
    return copy


class Constants:
    """The constants of a model as operators take them, in float64; what is scaled is kept apart from the model.

    Attributes:
        changed: Those that were scaled, by the name of the node and the input's position.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self._stored = {tensor.name: tensor for tensor in model.graph.initializer}
        self._nodes = {node.name: node for node in model.graph.node}
        self.changed: dict[tuple[str, int], npt.NDArray[Any]] = {}

    def get(self, node: str, position: int) -> npt.NDArray[Any]:
        """The constant that a node takes."""
        import numpy as np
        from onnx import numpy_helper

        if (node, position) not in self.changed:
            tensor = self._stored[self._nodes[node].input[position]]
            stored: npt.NDArray[Any] = numpy_helper.to_array(tensor).astype(np.float64)
            return stored
        return self.changed[node, position]

    def scale(self, scaled: Scaled) -> None:
        """Divide and multiply those of a site; sites that follow see what that leaves."""
        for fold in scaled.site.divided:
            values = self.get(fold.node, fold.position) / scaled.scale[fold.channels]
            self.changed[fold.node, fold.position] = values
        for fold in scaled.site.multiplied:
            values = self.get(fold.node, fold.position) * scaled.scale[fold.channels]
            self.changed[fold.node, fold.position] = values
