"""How fast our graphs are, against the classic graph, ONNX Runtime's own optimizer and Olive.

    python -m benchmarks.graph                     # b0-cityscapes
    python -m benchmarks.graph dinov2-small-518x518 depth-anything-v2-small

The classic graph is what people make by hand: torch's tracing exporter at opset 11, onnxsim, and the head. Olive's is
made from it, where `make bench` has installed Olive. All graphs
run in one process on ONNX Runtime's CPU provider with 2 threads: spinning is stopped (`session.force_spinning_stop`),
as idle workers of one session would take the other's cores; runs are interleaved; medians are compared. Weights are
random, with biases and norms stirred, as zeros would be folded away; for segmentation the logits are spread per class,
as otherwise every pixel has one class and ArgMax cannot differ.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort

from benchmarks import chains, results
from recipebuild.recipe.load import load as load_recipe
from recipebuild.recipe.schema import Recipe
from recipebuild.toolkit.graph.cost import layout_changes, multiply_adds
from recipebuild.toolkit.graph.files import load as load_onnx
from recipebuild.toolkit.graph.files import save
from recipebuild.toolkit.graph.head import Head, add_argmax
from recipebuild.toolkit.graph.passes import defaults
from recipebuild.toolkit.graph.probe import probe
from recipebuild.toolkit.graph.rewrite import Limits, rewrite_file
from recipebuild.toolkit.graph.simplify import simplify
from recipebuild.toolkit.models.checkpoint import write_config
from recipebuild.toolkit.models.export import attention_for, export
from recipebuild.toolkit.models.families import config_for
from recipebuild.toolkit.models.load import load

WARM_UP, RUNS, THREADS = 3, 12, 2


def main() -> None:
    for name in sys.argv[1:] or ["b0-cityscapes"]:
        (variant,) = load_recipe(name, cwd=Path.cwd())
        with tempfile.TemporaryDirectory() as folder:
            compare(variant.recipe, Path(folder))


def compare(recipe: Recipe, folder: Path) -> None:
    """Print a line for each graph of the recipe's model."""
    config = config_for(recipe.model.source)
    assert config is not None
    write_config(config, folder / "model")
    assert recipe.input is not None
    image = probe(recipe.input.shape, "float32")
    classic, expected = exported(recipe, folder, "torchscript", 11, image)
    modern, _ = exported(recipe, folder, recipe.export.exporter, recipe.export.opset, image)
    graphs = {"classic": classic, "ONNX Runtime's transformer optimizer": optimized(classic)}
    if chains.has("olive"):
        graphs["Olive"] = olive(classic)
    else:
        print("Olive is left out: `make bench` installs it")
    for target in ("AX650", "host"):
        graphs[f"ours, {target}"] = rewritten(modern, target, recipe)
    finals = {name: with_head(path, recipe) for name, path in graphs.items()}
    seconds = timed(list(finals.values()), recipe.input.name, image)
    figures: dict[str, results.Figure] = {}
    print(
        f"{recipe.name}: {'x'.join(map(str, recipe.input.shape))}, {THREADS} threads, median of {RUNS} interleaved runs"
    )
    for (name, path), took in zip(finals.items(), seconds, strict=True):
        model = onnx.load(path)
        actual = run(path, recipe.input.name, image)
        print(
            f"  {name:38} {1000 * took:7.1f} ms  {seconds[0] / took:5.2f}x  {len(model.graph.node):4} nodes  "
            f"{multiply_adds(model) / 1e9:6.2f} G multiply-adds  {layout_changes(model):4} layout changes  "
            f"{agreement(expected, actual, recipe)}"
        )
        figures[name] = results.Figure(1000 * took, "ms", 1000 * seconds[0], "classic")
        figures[f"{name}, nodes"] = results.Figure(len(model.graph.node), "nodes")
    results.append(f"graph {recipe.name}", figures)


def exported(recipe: Recipe, folder: Path, exporter: str, opset: int, image: Any) -> tuple[Path, Any]:
    """The simplified graph, and what the PyTorch model makes of ``image``."""
    import torch

    model = recipe.model
    module = load(
        folder / "model", task=model.task, weights="random", seed=0, attention=attention_for(opset),
        features=model.features, normalize=model.normalize,
    )  # fmt: skip
    example = torch.from_numpy(image)
    stir(module)
    if model.task == "semantic-segmentation":
        spread(module, example)
    if model.task == "depth-estimation":
        lift(module)
    with torch.inference_mode():
        expected = module(example).numpy()
    assert recipe.input is not None
    raw, path = folder / f"{exporter}.onnx", folder / f"{exporter}-simplified.onnx"
    names = {"input_name": recipe.input.name, "output_name": recipe.export.output}
    export(module, raw, shape=recipe.input.shape, opset=opset, exporter=exporter, **names)
    save(simplify(raw, recipe.input.name, recipe.input.shape), path)
    return path, expected


def stir(module: Any) -> None:
    """Give biases and norms, which start as zeros and ones, values as training leaves them."""
    import torch

    generator = torch.Generator().manual_seed(1)
    for name, parameter in module.named_parameters():
        if name.endswith("bias") or "norm" in name:
            parameter.data.add_(0.2 * torch.randn(parameter.shape, generator=generator))


def lift(module: Any) -> None:
    """Keep depth off zero, which a final ReLU makes of all that is negative: zeros agree with anything."""
    last_conv(module).bias.data.fill_(1.0)


def spread(module: Any, example: Any) -> None:
    """Give every class of a segmentation model its share of the pixels."""
    import torch

    last = last_conv(module)
    with torch.no_grad():
        logits = module(example)
        mean, deviation = logits.mean((0, 2, 3)), logits.std((0, 2, 3))
        last.weight.div_(deviation[:, None, None, None])
        last.bias.sub_(mean).div_(deviation)


def optimized(path: Path) -> Path:
    """The graph as ``onnxruntime.transformers.optimizer`` makes it."""
    from onnxruntime.transformers import optimizer

    target = path.with_name("optimized.onnx")
    optimizer.optimize_model(str(path), model_type="vit", opt_level=1).save_model_to_file(str(target))
    return target


def last_conv(module: Any) -> Any:
    """The Conv that gives logits, or depth."""
    import torch

    return [part for part in module.modules() if isinstance(part, torch.nn.Conv2d)][-1]


def olive(path: Path) -> Path:
    """The graph as Olive makes it for the CPU: its passes for an ONNX file that stays in float.

    These are those of ``olive optimize`` (Olive 0.13, ``cli/optimize.py``). The model type is said, as Olive skips the
    second pass without one, and the level is that of ``optimized``.
    """
    out = path.with_name("olive")
    config = {
        "input_model": {"type": "OnnxModel", "model_path": str(path)},
        "passes": {
            "peephole": {"type": "OnnxPeepholeOptimizer"},
            "transformers": {"type": "OrtTransformersOptimization", "model_type": "vit", "opt_level": 1},
        },
        "output_dir": str(out),
        "cache_dir": str(path.with_name("olive-cache")),
    }
    config_path = path.with_name("olive.json")
    config_path.write_text(json.dumps(config), encoding="utf-8")
    # CI: OLIVE_DISABLE_TELEMETRY is looked at only after a first message has been sent.
    environment = {**os.environ, "CI": "true"}
    command = [str(chains.TOOLS / "olive"), "run", "--config", str(config_path)]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return out / "model.onnx"


def rewritten(path: Path, target: str, recipe: Recipe) -> Path:
    """Our graph for a target."""
    out = path.with_name(f"{target}.onnx")
    axis = recipe.head.axis if recipe.head.kind == "argmax" else None
    figures = rewrite_file(path, out, defaults(target), Limits(class_axis=axis), lambda fraction, text: None)
    assert not figures.rolled_back, figures.rolled_back
    return out


def with_head(path: Path, recipe: Recipe) -> Path:
    """The graph with the recipe's head."""
    if recipe.head.kind != "argmax":
        return path
    target = path.with_name(f"final-{path.name}")
    save(add_argmax(load_onnx(path), Head(**recipe.head.model_dump(exclude={"kind"}))), target)
    return target


def session(path: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.log_severity_level = 3
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def run(path: Path, name: str, image: Any) -> Any:
    return session(path).run(None, {name: image})[-1]


def timed(paths: list[Path], name: str, image: Any) -> list[float]:
    """The median time of a run of each model."""
    sessions = [session(path) for path in paths]
    times: list[list[float]] = [[] for _ in sessions]
    for _ in range(WARM_UP + RUNS):
        for one, taken in zip(sessions, times, strict=True):
            start = time.perf_counter()
            one.run(None, {name: image})
            taken.append(time.perf_counter() - start)
    return [statistics.median(taken[WARM_UP:]) for taken in times]


def agreement(expected: Any, actual: Any, recipe: Recipe) -> str:
    if recipe.head.kind == "argmax":
        classes = expected.argmax(recipe.head.axis, keepdims=recipe.head.keepdims)
        return (
            f"ArgMax equal to PyTorch on {100 * (classes == actual).mean():.3f} % ({len(np.unique(classes))} classes)"
        )
    return f"{np.abs(expected - actual).max() / np.abs(expected).max():.1e} from PyTorch"


if __name__ == "__main__":
    main()
