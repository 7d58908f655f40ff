"""A decoder that projects, upsamples, concatenates and fuses does so at each map's own resolution, and adds up.

    F [U1(x1 W1 + b1); U2(x2 W2 + b2); ...] + c  =  U1(x1 W1 F1) + U2(x2 W2 F2) + ... + (c + b1 F1 + b2 F2 + ...)

F, the 1x1 Conv over the concatenated channels, is a sum over its slices Fi; a 1x1 Conv works on channels and upsampling
U on places, so they commute; the weights with which U mixes pixels sum to 1, so that constants pass it unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit, array, attribute, made_by, only_use, sizes, sure
from recipebuild.toolkit.graph.passes.terms import conv1x1

if TYPE_CHECKING:
    import onnx_ir as ir

    from recipebuild.toolkit.graph.edit import Array


@dataclass(frozen=True)
class Branch:
    """One input of the Concat: a 1x1 ``conv``, and the ``resize`` after it if there is one."""

    conv: ir.Node
    resize: ir.Node | None


@dataclass(frozen=True)
class Match:
    """``fuse`` is the 1x1 Conv over the Concat of ``branches``."""

    fuse: ir.Node
    branches: tuple[Branch, ...]


def pattern(node: ir.Node) -> Match | None:
    """A 1x1 Conv over a Concat of upsampled 1x1 Convs."""
    concat = made_by(node.inputs[0], "Concat") if _is_1x1(node) else None
    if concat is None or only_use(concat.outputs[0]) is None or attribute(concat, "axis") not in (1, -3):
        return None
    branches = [_branch(value) for value in concat.inputs]
    return Match(node, tuple(branch for branch in branches if branch)) if all(branches) else None


def check(match: Match) -> str | None:
    """It is less work."""
    places, fused = _places(match.fuse), sure(array(match.fuse.inputs[1]))
    before, after = places * fused.size, 0
    for branch in match.branches:
        kernel = sure(array(branch.conv.inputs[1]))
        here = _places(branch.conv)
        before += here * kernel.size
        after += here * kernel.shape[1] * fused.shape[0]
    return None if after < before else "a Conv for each branch would be no less work"


def rewrite(edit: Edit, match: Match) -> None:
    """One 1x1 Conv for each branch; the sum is nested so that it ends with the largest map's Conv.

    ONNX Runtime fuses that Conv with the Add and a Relu after it.
    """
    import numpy as np

    fuse = match.fuse
    fused = sure(array(fuse.inputs[1]))
    matrix = fused[:, :, 0, 0].astype(np.float64)
    bias = _bias(fuse, matrix.shape[0])
    shape = sizes(fuse.outputs[0]) or ()
    kernels, start = [], 0
    for branch in match.branches:
        kernel = sure(array(branch.conv.inputs[1]))
        part = matrix[:, start : start + kernel.shape[0]]
        start += kernel.shape[0]
        kernels.append((part @ kernel[:, :, 0, 0].astype(np.float64)).astype(fused.dtype)[:, :, None, None])
        bias = bias + part @ _bias(branch.conv, kernel.shape[0])
    order = sorted(range(len(kernels)), key=lambda i: (_places(match.branches[i].conv), i))
    total: ir.Value | None = None
    for index in order:
        branch, last = match.branches[index], index == order[-1]
        mapped = conv1x1(
            edit,
            sure(branch.conv.inputs[0]),
            kernels[index],
            bias.astype(fused.dtype) if last else None,
            names=(f"{sure(branch.conv.inputs[1]).name}_fused", f"{sure(fuse.inputs[1]).name}_fused_bias"),
            before=fuse,
            origin=branch.conv,
        )
        if branch.resize is not None:
            attributes = {name: attr.value for name, attr in branch.resize.attributes.items()}
            inputs = [mapped, *branch.resize.inputs[1:-1], _target(edit, shape, fuse)]
            mapped = edit.add("Resize", inputs, shape, before=fuse, attributes=attributes)
        total = mapped if total is None else edit.add("Add", [mapped, total], shape, before=fuse)
    edit.replace(fuse.outputs[0], sure(total))


def _target(edit: Edit, shape: tuple[int, ...], fuse: ir.Node) -> ir.Value:
    import numpy as np

    return edit.constant(np.array(shape, np.int64), f"{fuse.outputs[0].name}_size")


def _branch(value: ir.Value | None) -> Branch | None:
    if value is None or only_use(value) is None:
        return None
    resize = made_by(value, "Resize")
    if resize is not None:
        value = resize.inputs[0]
        if not _mixes_pixels(resize) or value is None or only_use(value) is None:
            return None
    conv = made_by(value, "Conv")
    return Branch(conv, resize) if conv is not None and _is_1x1(conv) else None


def _mixes_pixels(resize: ir.Node) -> bool:
    """Whether what it gives are means of pixels with weights that sum to 1, of an image of any number of channels."""
    before, after = sizes(resize.inputs[0]), sizes(resize.outputs[0])
    return (
        attribute(resize, "mode", "nearest") in ("linear", "nearest")
        and attribute(resize, "coordinate_transformation_mode", "half_pixel") != "tf_crop_and_resize"
        and not attribute(resize, "exclude_outside", 0)
        and len(resize.inputs) == 4
        and before is not None
        and after is not None
        and before[:2] == after[:2]
    )


def _is_1x1(node: ir.Node) -> bool:
    kernel = array(node.inputs[1]) if node.op_type == "Conv" and len(node.inputs) > 1 else None
    return (
        kernel is not None
        and kernel.shape[2:] == (1, 1)
        and attribute(node, "group", 1) == 1
        and not any(attribute(node, "pads", ()))
        and set(attribute(node, "strides", (1,))) == {1}
        and (len(node.inputs) < 3 or node.inputs[2] is None or array(node.inputs[2]) is not None)
        and sizes(node.inputs[0]) is not None
    )


def _bias(conv: ir.Node, channels: int) -> Array:
    import numpy as np

    held = array(conv.inputs[2]) if len(conv.inputs) > 2 else None
    return np.zeros(channels) if held is None else held.astype(np.float64)


def _places(conv: ir.Node) -> int:
    n, _, h, w = sizes(conv.outputs[0]) or sizes(conv.inputs[0]) or (0, 0, 0, 0)
    return n * h * w
