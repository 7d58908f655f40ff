"""The last maps of an image in a graph: where a detector's boxes are still grids of logits.

Use: ``last_maps(model, sides=(640, 640))``: of YOLOv8, for each of the strides 8, 16 and 32 one of 144 channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.proto import bare

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class ImageMap:
    """A tensor [N, channels, h, w] whose cells are squares of the image.

    Attributes:
        name: Its name.
        channels: How many channels it has.
        stride: How many pixels of the image a cell is wide and high.
    """

    name: str
    channels: int
    stride: int


def last_maps(model: onnx.ModelProto, sides: Sequence[int]) -> list[ImageMap]:
    """The maps from which no other map is made, in the order of the graph; without those whose size is not known.

    Args:
        model: The model; large weights may be missing.
        sides: Height and width of the image.
    """
    import onnx

    inferred = onnx.shape_inference.infer_shapes(bare(model), data_prop=True).graph
    maps = {value.name: as_map for value in inferred.value_info if (as_map := _as_map(value, sides))}
    maps |= {value.name: as_map for value in inferred.output if (as_map := _as_map(value, sides))}
    becomes_map: set[str] = set()
    last = []
    for node in reversed(inferred.node):
        last += [maps[name] for name in reversed(node.output) if name in maps and name not in becomes_map]
        if any(name in maps or name in becomes_map for name in node.output):
            becomes_map.update(node.input)
    return last[::-1]


def _as_map(value: onnx.ValueInfoProto, sides: Sequence[int]) -> ImageMap | None:
    sizes = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
    if len(sizes) != 4 or not all(sizes) or sizes[2] >= sides[0]:
        return None
    stride = sides[0] // sizes[2]
    fits = [size * stride for size in sizes[2:]] == list(sides)
    return ImageMap(value.name, sizes[1], stride) if fits else None
