"""A Resize that repeats pixels rounds as the NPU does."""

from __future__ import annotations

import onnx
import pytest
from support.graphs import Outcome, graph, outcome, refusals

TAKEN = {"coordinate_transformation_mode": b"half_pixel", "nearest_mode": b"round_prefer_ceil"}


def _resized(how: str, *, to: str = "[1,2,6,20]", opset: int = 20, **constants: list[float]) -> Outcome:
    text = (
        f"(float[1,2,3,5] x, float[0] roi, float[4] scales) => (float{to} y) {{ y = Resize <{how}> (x, roi, scales) }}"
    )
    return outcome(graph(text, opset=opset, **({"scales": [1, 1, 2, 4]} | constants)), "nearest_at_centres")


def _how(change: Outcome) -> dict[str, bytes]:
    (node,) = change.model.graph.node
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    return {name: attributes.get(name, b"") for name in TAKEN}


@pytest.mark.parametrize("opset", [11, 20])
@pytest.mark.parametrize(
    "how",
    [
        'coordinate_transformation_mode = "asymmetric", nearest_mode = "floor"',
        'coordinate_transformation_mode = "pytorch_half_pixel", nearest_mode = "round_prefer_floor"',
        'mode = "nearest"',
    ],
)
def test_pixels_are_repeated_by_the_npus_rounding(how: str, opset: int) -> None:
    change = _resized(how, opset=opset)
    assert _how(change) == TAKEN
    assert change.error == 0


@pytest.mark.parametrize(
    ("how", "to", "scales"),
    [
        ('mode = "linear"', "[1,2,6,20]", [1, 1, 2, 4]),
        ('coordinate_transformation_mode = "asymmetric", nearest_mode = "ceil"', "[1,2,6,20]", [1, 1, 2, 4]),
        ('coordinate_transformation_mode = "asymmetric", nearest_mode = "floor"', "[1,2,6,7]", [1, 1, 2, 1.5]),
        ('coordinate_transformation_mode = "asymmetric", nearest_mode = "floor"', "[1,2,6,20]", [1, 1, 2, 4.1]),
    ],
)
def test_any_other_resize_stays(how: str, to: str, scales: list[float]) -> None:
    change = _resized(how, to=to, scales=scales)
    assert _how(change) != TAKEN
    assert change.error == 0


def test_the_guard_says_why_not() -> None:
    text = """(float[1,2,3,5] x, float[0] roi, float[4] scales) => (float[1,2,6,7] y) {
        y = Resize <coordinate_transformation_mode = "asymmetric", nearest_mode = "floor"> (x, roi, scales) }"""
    model = graph(text, scales=[1, 1, 2, 1.5])
    assert refusals(model, "nearest_at_centres") == {"Resize does more than repeat pixels": 1}
