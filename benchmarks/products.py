"""Where the time of a plain vision transformer goes on the host: its products of matrices, beside the whole model.

    python -m benchmarks.products                      # DINOv2-S and -B and Depth Anything V2-S, at 518
    python -m benchmarks.products dinov2-small-518x518

Each MatMul and convolution of our graph for the host is made a model of its own, each kind once, and run on one thread
of ONNX Runtime in turn with the whole model: what counts is processor time. What all products take by themselves is
what no change of the graph beside them can win; their multiply-adds a second, beside those of one large product, tell
whether the products themselves leave anything.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper

from benchmarks import results
from benchmarks.graph import exported, rewritten
from benchmarks.timing import machine
from recipebuild.recipe.load import load
from recipebuild.toolkit.graph.cost import multiply_adds
from recipebuild.toolkit.graph.probe import probe
from recipebuild.toolkit.graph.session_options import session_options
from recipebuild.toolkit.models.checkpoint import write_config
from recipebuild.toolkit.models.families import config_for

RECIPES = ("dinov2-small-518x518", "depth-anything-v2-small", "dinov2-base-518x518")
PRODUCTS = ("MatMul", "Gemm", "Conv", "ConvTranspose")
WARM_UP, RUNS, LARGE = 1, 5, 1024

Shapes = tuple[tuple[int, ...], ...]


def main() -> None:
    print(f"ONNX Runtime {ort.__version__}, 1 thread, processor time, medians of {RUNS}, in turn; {machine()}")
    figures: dict[str, results.Figure] = {}
    for name in sys.argv[1:] or RECIPES:
        with tempfile.TemporaryDirectory() as folder:
            figures |= measure(name, Path(folder))
    results.append("products", figures)


def measure(name: str, folder: Path) -> dict[str, results.Figure]:
    """Print a line for each kind of product of the recipe's model, and what they come to."""
    path, image = built(name, folder)
    kinds = Counter(products(onnx.load(path)))
    large = product(helper.make_node("MatMul", ["a", "b"], ["c"]), ((LARGE, LARGE),) * 2, (False, True))
    alone = [onnx.load_from_string(model) for model in [*kinds, large]]
    whole, *each = in_turn([running(path, image), *map(running_alone, alone)])
    work = [multiply_adds(model) for model in alone]
    print(f"{name}: {1000 * whole:.0f} ms")
    for model, count, took, each_work in zip(alone, kinds.values(), each, work, strict=False):
        print(f"  {count:3} x {described(model):50} {1000 * count * took:7.1f} ms  {each_work / took / 1e9:5.1f} G/s")
    total = sum(count * took for count, took in zip(kinds.values(), each, strict=False))
    rate = sum(count * one for count, one in zip(kinds.values(), work, strict=False)) / total / 1e9
    best = work[-1] / each[-1] / 1e9
    print(f"  products alone: {1000 * total:.0f} ms, {100 * total / whole:.0f} % of the model, {rate:.1f} G/s")
    print(f"  one product of {LARGE}x{LARGE}: {best:.1f} G/s", flush=True)
    return {
        f"{name}, products alone": results.Figure(1000 * total, "ms", 1000 * whole, "the model"),
        f"{name}, their speed": results.Figure(rate, "G/s", best, "one large product"),
    }


def built(name: str, folder: Path) -> tuple[Path, dict[str, Any]]:
    """Our graph for the host, with random weights, and an image for it."""
    recipe = load(name, cwd=Path.cwd())[0].recipe
    config = config_for(recipe.model.source)
    assert config is not None and recipe.input is not None
    write_config(config, folder / "model")
    image = probe(recipe.input.shape, "float32")
    simplified, _ = exported(recipe, folder, recipe.export.exporter, recipe.export.opset, image)
    return rewritten(simplified, "host", recipe), {recipe.input.name: image}


def products(model: onnx.ModelProto) -> list[bytes]:
    """Each product of a model as a model of its own: those that do the same are equal."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    values = [*graph.input, *graph.value_info]
    sizes = {value.name: tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim) for value in values}
    weights = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    return [
        product(node, tuple((weights | sizes)[name] for name in node.input[:2]), [n in weights for n in node.input[:2]])
        for node in graph.node
        if node.op_type in PRODUCTS
    ]


def product(like: onnx.NodeProto, shapes: Shapes, stored: Sequence[bool]) -> bytes:
    """A model of one product, without a bias; factors that are stored have random numbers."""
    node = helper.make_node(like.op_type, ["left", "right"], ["out"])
    node.attribute.extend(like.attribute)
    inputs, weights = [], []
    for name, shape, constant in zip(node.input, shapes, stored, strict=True):
        if constant:
            weights.append(numpy_helper.from_array(np.random.default_rng(0).standard_normal(shape, np.float32), name))
        else:
            inputs.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape))
    output = helper.make_tensor_value_info("out", onnx.TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "product", inputs, [output], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    serialized: bytes = onnx.shape_inference.infer_shapes(model).SerializeToString()
    return serialized


def described(model: onnx.ModelProto) -> str:
    """What is multiplied, weights in brackets."""
    (node,) = model.graph.node
    factors = {
        value.name: "x".join(str(d.dim_value) for d in value.type.tensor_type.shape.dim) for value in model.graph.input
    }
    factors |= {tensor.name: f"[{'x'.join(map(str, tensor.dims))}]" for tensor in model.graph.initializer}
    return f"{node.op_type} {factors['left']} {factors['right']}"


def running_alone(model: onnx.ModelProto) -> Callable[[], Any]:
    """A run of a product."""
    sizes = {value.name: [d.dim_value for d in value.type.tensor_type.shape.dim] for value in model.graph.input}
    rng = np.random.default_rng(1)
    return running(
        model.SerializeToString(), {name: rng.standard_normal(size, np.float32) for name, size in sizes.items()}
    )


def running(model: Path | bytes, feed: dict[str, Any]) -> Callable[[], Any]:
    """A run of a model, on one thread."""
    options = session_options()
    options.intra_op_num_threads = 1
    return partial(ort.InferenceSession(model, options, providers=["CPUExecutionProvider"]).run, None, feed)


def in_turn(runs: Sequence[Callable[[], Any]]) -> list[float]:
    """The median processor time of each, in seconds."""
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(WARM_UP + RUNS):
        for run, taken in zip(runs, times, strict=True):
            start = time.process_time()
            run()
            taken.append(time.process_time() - start)
    return [statistics.median(taken[WARM_UP:]) for taken in times]


if __name__ == "__main__":
    main()
