"""What detectors give -> boxes, scores and class ids. A bundle takes this file to the board: it needs numpy alone.

    boxes, scores, ids = decode("yolov8", outputs, classes=80, size=(640, 640), threshold=0.25)

    yolov8       a grid a stride: [N, 4 bins + classes, h, w], or distances and classes as two outputs
    yolov10      the same of a head that gives each object once
    yolov5       a grid a stride: [N, 3 (5 + classes), h, w], with three anchors a place
    ultralytics  [N, 4 + classes, places]: cx, cy, w, h in pixels, and probabilities
    end-to-end   [N, places, 6]: x1, y1, x2, y2 in pixels, score, class id
    detr         logits [N, places, classes + 1], the last for no object, and cx, cy, w, h [N, places, 4] in 0..1
    rt-detr      logits [N, places, classes], each for itself, and the same boxes

Grids may be [N, h, w, channels] as well. Of each kind, ``facts/detectors.py`` says which models have it.

Distances as distributions: X. Li et al., "Generalized Focal Loss", NeurIPS 2020, section 3.2: the distance of a side is
the mean of its bins' indices, weighted by their softmax, in strides. Anchors: ``Detect`` of ultralytics/yolov5: centre
``2 s(x) - 0.5 + column`` strides, side ``(2 s(w))^2`` anchors, score ``s(object) s(class)``, with ``s`` the sigmoid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[Any]
    Decoded = tuple[Array, Array]

ANCHORS = {
    8: ((10, 13), (16, 30), (33, 23)),
    16: ((30, 61), (62, 45), (59, 119)),
    32: ((116, 90), (156, 198), (373, 326)),
}
"""Of yolov5: width and height in pixels, by stride (models/yolov5s.yaml)."""


def decode(
    kind: str, outputs: Sequence[Array], *, classes: int, size: tuple[int, int], threshold: float,
    anchors: Sequence[Sequence[Sequence[float]]] = (),
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.int64]]:  # fmt: skip
    """All boxes of the first image of a batch whose score is above ``threshold``, the highest score first.

    A place may have several classes, and so several boxes; of ``detr`` it has the likeliest class alone.

    Args:
        kind: A key of ``KINDS``.
        outputs: What the model gives.
        classes: How many classes there are.
        size: Width and height of the input.
        threshold: Of scores, 0..1.
        anchors: Of yolov5: for each grid, the finest first, three times width and height in pixels; empty for
            ``ANCHORS``.

    Returns:
        Boxes ``[n, 4]`` as x1, y1, x2, y2 in pixels of the input, scores ``[n]`` in 0..1, class ids ``[n]``.

    Raises:
        ValueError: If the outputs are not of this kind.
    """
    import numpy as np

    floats = [output.astype(np.float64) for output in outputs]
    try:
        boxes, scores = KINDS[kind](floats, classes, size, anchors)
    except (IndexError, ValueError) as error:
        shapes = ", ".join(str(list(output.shape)) for output in outputs)
        raise ValueError(f"outputs {shapes} are not those of {kind} with {classes} classes: {error}") from error
    places, ids = np.nonzero(scores > threshold)
    order = np.argsort(-scores[places, ids], kind="stable")
    places, ids = places[order], ids[order]
    return boxes[places], scores[places, ids], ids


def _strided(outputs: Sequence[Array], classes: int, size: tuple[int, int], _: object) -> Decoded:
    """Distances of the four sides from the centre of each cell, as numbers or distributions."""
    import numpy as np

    boxes, scores = [], []
    for stride, grids in _by_stride(outputs, size):
        first = len(grids) > 1 and len(grids[0]) == classes and len(grids[1]) != classes
        grid = np.concatenate(grids[::-1] if first else grids)  # the classes come last
        bins, rest = divmod(len(grid) - classes, 4)
        if bins < 1 or rest:
            raise ValueError(f"{len(grid)} channels")
        sides = grid[: 4 * bins].reshape(4, bins, -1)
        distances = sides[:, 0] if bins == 1 else (_softmax(sides, 1) * np.arange(bins)[:, np.newaxis]).sum(axis=1)
        rows, columns = np.indices(grid.shape[1:]).reshape(2, -1) + 0.5
        left, top, right, bottom = distances
        boxes.append(np.stack([columns - left, rows - top, columns + right, rows + bottom], axis=1) * stride)
        scores.append(_sigmoid(grid[4 * bins :].reshape(classes, -1).T))
    return np.concatenate(boxes), np.concatenate(scores)


def _anchored(outputs: Sequence[Array], classes: int, size: tuple[int, int], anchors: Any) -> Decoded:
    import numpy as np

    boxes, scores = [], []
    for at, (stride, grids) in enumerate(_by_stride(outputs, size)):
        (grid,) = grids
        sides = np.array(anchors[at] if anchors else ANCHORS.get(stride, ()), np.float64)
        values = _sigmoid(grid.reshape(len(sides), 5 + classes, -1))
        cells = np.indices(grid.shape[1:]).reshape(2, -1)[::-1]
        centres = (2 * values[:, :2] - 0.5 + cells) * stride
        halves = (2 * values[:, 2:4]) ** 2 * sides[:, :, np.newaxis] / 2
        corners = np.concatenate([centres - halves, centres + halves], axis=1)
        boxes.append(corners.transpose(0, 2, 1).reshape(-1, 4))
        scores.append((values[:, 4:5] * values[:, 5:]).transpose(0, 2, 1).reshape(-1, classes))
    return np.concatenate(boxes), np.concatenate(scores)


def _flat(outputs: Sequence[Array], classes: int, size: object, _: object) -> Decoded:
    (output,) = outputs
    places = output[0] if output.shape[1] == 4 + classes else output[0].T
    if len(places) != 4 + classes:
        raise ValueError(f"{len(places)} rows")
    return _corners(places[:4].T), places[4:].T


def _finished(outputs: Sequence[Array], classes: int, size: object, _: object) -> Decoded:
    import numpy as np

    (output,) = outputs
    if output.shape[2] != 6:
        raise ValueError(f"{output.shape[2]} columns")
    ids = output[0, :, 5].astype(int)
    scores = np.zeros((len(ids), max(classes, ids.max(initial=0) + 1)))
    scores[np.arange(len(ids)), ids] = output[0, :, 4]
    return output[0, :, :4], scores


def _softmaxed(outputs: Sequence[Array], classes: int, size: tuple[int, int], _: object) -> Decoded:
    import numpy as np

    logits, boxes = _queries(outputs, classes + 1, size)
    scores = _softmax(logits, 1)[:, :classes]
    return boxes, np.where(scores == scores.max(axis=1, keepdims=True), scores, 0)


def _sigmoided(outputs: Sequence[Array], classes: int, size: tuple[int, int], _: object) -> Decoded:
    logits, boxes = _queries(outputs, classes, size)
    return boxes, _sigmoid(logits)


KINDS: dict[str, Callable[[Sequence[Array], int, tuple[int, int], Any], Decoded]] = {
    "yolov8": _strided,
    "yolov10": _strided,
    "yolov5": _anchored,
    "ultralytics": _flat,
    "end-to-end": _finished,
    "detr": _softmaxed,
    "rt-detr": _sigmoided,
}
"""By kind: outputs, classes, size of the input, anchors -> boxes ``[places, 4]``, scores ``[places, classes]``."""


def _by_stride(outputs: Sequence[Array], size: tuple[int, int]) -> Iterator[tuple[int, list[Array]]]:
    """The grids ``[channels, h, w]`` of each stride, the finest first."""
    first = [output[0] for output in outputs]
    last = [grid.transpose(2, 0, 1) for grid in first if grid.ndim == 3]
    for grids in (first, last):
        strides = [_stride(grid, size) for grid in grids]
        if len(grids) == len(outputs) and all(strides):
            for stride in sorted(set(strides)):
                yield stride, [grid for grid, own in zip(grids, strides, strict=True) if own == stride]
            return
    raise ValueError(f"they are no grids of an input of {size[0]}x{size[1]}")


def _stride(grid: Array, size: tuple[int, int]) -> int:
    """How many pixels of the input a cell is wide and high; 0 if it is no such grid."""
    if grid.ndim != 3 or size[0] % grid.shape[2] or size[1] % grid.shape[1]:
        return 0
    stride = size[0] // grid.shape[2]
    return stride if stride == size[1] // grid.shape[1] else 0


def _queries(outputs: Sequence[Array], logits: int, size: tuple[int, int]) -> tuple[Array, Array]:
    """Logits ``[places, logits]`` and boxes ``[places, 4]`` in pixels, in whichever order the two come."""
    import numpy as np

    one, other = (output[0] for output in outputs)
    if one.shape[1] != logits:
        one, other = other, one
    if one.shape[1] != logits or other.shape[1] != 4:
        raise ValueError(f"logits have {logits} columns, and boxes 4")
    return one, _corners(other) * np.array([*size, *size])


def _corners(boxes: Array) -> Array:
    """x1, y1, x2, y2 of cx, cy, w, h."""
    import numpy as np

    return np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1)


def _sigmoid(values: Array) -> Array:
    import numpy as np

    return np.asarray(0.5 + 0.5 * np.tanh(values / 2))


def _softmax(values: Array, axis: int) -> Array:
    import numpy as np

    powers = np.exp(values - values.max(axis=axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis=axis, keepdims=True))
