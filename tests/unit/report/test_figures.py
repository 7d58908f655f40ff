"""The figure that matters of each step, in a few words."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

import recipebuild.report
from recipebuild.report.figures import figure

LOSS = {"figure": "loss of mIoU", "value": 0.0123456, "bound": "at most", "limit": 0.02}
NEAR = {"figure": "mean cosine of logits", "value": 0.999, "bound": "at least", "limit": 0.98}

NOISE = {"noise": 0.01, "snr_db": 20.0, "agreement": None}
BLOCK: dict[str, Any] = {
    "block": "decoder",
    "module": None,
    "layers": [],
    "share": 0.2,
    "alone": NOISE,
    "without": NOISE,
}
WORK = {
    "nodes_before": 9, "multiply_adds_before": 2e9, "layout_changes_before": 4, "peak_activation_bytes_before": 1000,
    "nodes_after": 7, "multiply_adds_after": 1e9, "layout_changes_after": 2, "peak_activation_bytes_after": 500,
}  # fmt: skip
LOGITS = {"name": "logits", "dtype": "float32", "shape": [1, 19, 16, 32]}
SITE = {"technique": "linear", "tensor": "v", "channels": 8, "predicted_db": 2.0, "measured_db": 1.5}
WORDS: dict[str, tuple[dict[str, Any], str]] = {
    "export": (
        {"opset": 17, "nodes": 60, "bytes": 2000, "parameters": 9, "exporter": "dynamo", "operators": {"Add": 60}},
        "60 nodes, 2.0 kB",
    ),
    "simplify": (
        {"operators": [], "nodes_before": 60, "nodes_after": 49, "bytes_before": 2000, "bytes": 1000},
        "60 -> 49 nodes",
    ),
    "rewrite": (
        {
            "passes": [], "refused": [], "rolled_back": ["fuse_gelu"], "relative": None, "agreement": None, **WORK,
            "operators": [], "bytes": 1000,
        },
        "9 -> 7 nodes, 2.0 -> 1.0 G MACs, taken back: fuse_gelu",
    ),
    "equalize": (
        {"sites": [SITE, {**SITE, "measured_db": 2.5}], "refused": [], "rolled_back": [], "relative": 0.0, "bytes": 1},
        "2 tensors, up to 2.5 dB",
    ),
    "correct-bias": (
        {"sites": [{"tensor": "v", "channels": 8, "gain_db": gain} for gain in (0.4, 3.21)], "refused": [], "bytes": 1},
        "2 biases, up to 3.2 dB",
    ),
    "head": ({"nodes": 7, "bytes": 1000, "inputs": [], "outputs": [LOGITS]}, "logits 1x19x16x32"),
    "calibrate": (
        {"images": 32, "bytes": 9000, "smallest": "32x32", "largest": "64x64", "warnings": []},
        "32 images, 9.0 kB",
    ),
    "sensitivity": (
        {"images": 2, "full": NOISE, "none": NOISE, "blocks": [BLOCK]},
        "1 blocks, most to win in decoder",
    ),
    "bundle": ({"files": 7, "bytes": 9000, "model": "mine.axmodel", "runner": None}, "7 files, 9.0 kB"),
}  # fmt: skip
"""What manifests have of steps, and what is said of it."""


@pytest.mark.parametrize("step", WORDS)
def test_the_figures_that_a_manifest_has_of_a_step_are_told(step: str) -> None:
    metrics, words = WORDS[step]
    assert figure({"name": step, "metrics": metrics}) == words


@pytest.mark.parametrize("step", WORDS)
def test_nothing_is_told_of_figures_that_are_not_all_there(step: str) -> None:
    metrics, _ = WORDS[step]
    for name in metrics:
        assert figure({"name": step, "metrics": {key: metrics[key] for key in metrics if key != name}}) == ""


def judged(*checks: dict[str, Any]) -> str:
    return figure({"name": "judge", "metrics": {"checks": list(checks)}})


def test_what_was_judged_stands_beside_its_limit() -> None:
    assert judged(LOSS, NEAR) == "loss of mIoU 0.0123456, at most 0.02; mean cosine of logits 0.999, at least 0.98"


def test_a_recipe_without_limits_is_told_to_have_none() -> None:
    assert judged() == "the recipe sets no limit"


def test_reports_read_figures_by_their_types_never_by_strings() -> None:
    """So that mypy sees a figure that was renamed."""
    folder = Path(recipebuild.report.__path__[0])
    files = sorted(folder.rglob("*.py"))
    by_string = [
        f"{file.relative_to(folder)}:{node.lineno}"
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.expr | ast.Assign) and reads_by_string(node)
    ]
    assert files and not by_string


@pytest.mark.parametrize(
    "code",
    [
        "metrics['nodes']", "lambda m: m['nodes']", "entry['metrics']['nodes']", "entry['metrics'].get('nodes')",
        "built.metrics('head')['nodes']", "built.metrics('head').get('nodes')", "'nodes' in metrics",
        "(figures := built.metrics('head'))", "figures = entry['metrics']",
    ],
)  # fmt: skip
def test_what_reads_figures_by_strings_is_noticed(code: str) -> None:
    nodes = ast.walk(ast.parse(code))
    assert any(isinstance(node, ast.expr | ast.Assign) and reads_by_string(node) for node in nodes)


def reads_by_string(node: ast.expr | ast.Assign) -> bool:
    """Whether code takes one figure out of a step's metrics by its name, or puts them aside where it could."""
    match node:
        case ast.Subscript(value=metrics, slice=ast.Constant(value=str())):
            return is_metrics(metrics)
        case ast.Call(func=ast.Attribute(value=metrics, attr="get")):
            return is_metrics(metrics)
        case ast.Compare(left=ast.Constant(value=str()), comparators=[metrics]):
            return is_metrics(metrics)
        case ast.Assign(value=metrics) | ast.NamedExpr(value=metrics):
            return is_metrics(metrics)
    return False


def is_metrics(node: ast.expr) -> bool:
    match node:
        case ast.Name(id="metrics" | "m"):
            return True
        case ast.Subscript(slice=ast.Constant(value="metrics")):
            return True
        case ast.Call(func=ast.Attribute(attr="metrics")):
            return True
    return False
