"""What a compiled model must look like from outside."""

from __future__ import annotations

import json
from typing import Any

import pytest

from recipebuild.toolkit.graph.statistics import Tensor
from recipebuild.toolkit.pulsar2.axmodel import AxModel
from recipebuild.toolkit.pulsar2.config import BuildConfig
from recipebuild.toolkit.pulsar2.interface import surprises

IMAGE = Tensor("x", "float32", (1, 3, 8, 16))
CLASSES = Tensor("y", "int64", (1, 1, 8, 16))


def check(processor: dict[str, Any], got: Tensor, outputs: tuple[Tensor, ...] = (CLASSES,), **fields: Any) -> list[str]:
    values = {"input": "m", "output_dir": "o", "input_processors": [{"tensor_name": "DEFAULT"} | processor]} | fields
    config = BuildConfig.model_validate_json(json.dumps(values))
    return surprises(config, [IMAGE], [CLASSES], AxModel("7.0", "", (got,), outputs, {}, "", ()))


U8 = {"src_dtype": "U8", "src_layout": "NHWC"}
YUV = U8 | {"src_format": "YUV420SP", "csc_mode": "FullRange"}


@pytest.mark.parametrize(
    ("processor", "dtype", "shape", "fields"),
    [
        (U8, "uint8", (1, 8, 16, 3), {}),
        ({}, "float32", (1, 3, 8, 16), {}),
        (YUV, "uint8", (1, 12, 16, 1), {}),
        (YUV | {"src_format": "YUYV422"}, "uint8", (1, 8, 16, 2), {}),
        (U8, "uint8", (4, 8, 16, 3), {"compiler": {"static_batch_sizes": [1, 2, 4]}}),
        (U8, "uint8", (4, 8, 16, 3), {"compiler": {"max_dynamic_batch_size": 4}}),
        (U8 | {"slicing": [0] * 8}, "uint8", (1, 7, 15, 3), {}),
    ],
)
def test_as_promised(processor: dict[str, Any], dtype: str, shape: tuple[int, ...], fields: dict[str, Any]) -> None:
    assert check(processor, Tensor("x", dtype, shape), **fields) == []


@pytest.mark.parametrize(
    ("got", "outputs", "says"),
    [
        (Tensor("x", "float32", (1, 8, 16, 3)), (CLASSES,), "input x is float32, not uint8"),
        (Tensor("x", "uint8", (1, 3, 8, 16)), (CLASSES,), "has the shape (1, 3, 8, 16), not (1, 8, 16, 3)"),
        (Tensor("z", "uint8", (1, 8, 16, 3)), (CLASSES,), "its inputs are z, not x"),
        (Tensor("x", "uint8", (1, 8, 16, 3)), (IMAGE,), "its outputs are x, not y"),
    ],
)
def test_surprises(got: Tensor, outputs: tuple[Tensor, ...], says: str) -> None:
    (problem,) = check(U8, got, outputs)
    assert says in problem
