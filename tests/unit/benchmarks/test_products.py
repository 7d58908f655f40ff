from __future__ import annotations

from collections import Counter
from typing import Any

from benchmarks.products import described, products, running_alone


def model() -> Any:
    """Two linear layers that do the same, with a Relu between them, and a product of what they give with itself."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("MatMul", ["x", "v"], ["a"]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("MatMul", ["b", "w"], ["c"]),
        helper.make_node("MatMul", ["c", "c"], ["y"]),
    ]
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [4, 4]) for name in "xy")
    weights = [numpy_helper.from_array(np.ones((4, 4), np.float32), name) for name in "vw"]
    opset = [helper.make_opsetid("", 20)]
    return helper.make_model(helper.make_graph(nodes, "g", [x], [y], weights), opset_imports=opset, ir_version=10)


def test_products_that_do_the_same_are_one_kind_and_weights_stay_weights() -> None:
    import onnx

    kinds = Counter(products(model()))
    counts = {described(onnx.load_from_string(kind)): count for kind, count in kinds.items()}
    assert counts == {"MatMul 4x4 [4x4]": 2, "MatMul 4x4 4x4": 1}


def test_a_product_runs_alone() -> None:
    import onnx

    (out,) = running_alone(onnx.load_from_string(products(model())[0]))()
    assert out.shape == (4, 4)
