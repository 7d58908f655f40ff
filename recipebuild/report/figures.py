"""The figure that matters of each step, in a few words, from its metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from recipebuild.facts.metrics import metric_title, metrics_of
from recipebuild.facts.tasks import TASKS
from recipebuild.figures.bundled import Bundled
from recipebuild.figures.calibration_set import CalibrationSet
from recipebuild.figures.compiled import Compiled
from recipebuild.figures.corrected import CorrectedBiases
from recipebuild.figures.deployed import Deployed
from recipebuild.figures.equalized import Equalized
from recipebuild.figures.evaluation import Evaluation
from recipebuild.figures.exported import Exported
from recipebuild.figures.final_model import FinalModel
from recipebuild.figures.judged import Judged
from recipebuild.figures.ladder import Ladder
from recipebuild.figures.layers import Layers
from recipebuild.figures.linted import Linted
from recipebuild.figures.rewritten import Rewritten
from recipebuild.figures.sensitivity import Sensitivity
from recipebuild.figures.simplified import Simplified
from recipebuild.figures.values import read_figures
from recipebuild.figures.verification import Verification
from recipebuild.report.units import first_sentence, shown, size

if TYPE_CHECKING:
    from recipebuild.figures.values import Figures

Metrics = Mapping[str, Any]


def figure(entry: Mapping[str, Any]) -> str:
    """What a step of a manifest came to; empty where there is nothing to say.

    Args:
        entry: The step's entry in the manifest.
    """
    if "error" in entry:
        return str(entry["error"]["message"])
    say = _FIGURES.get(entry["name"])
    try:
        return say(entry["metrics"]) if say else ""
    except KeyError:  # a manifest of another version
        return ""


def _evaluate(evaluation: Evaluation) -> str:
    metric = evaluation.metric
    values = [(row, value) for row in ("float", "quantized") if (value := evaluation.score(row)) is not None]
    scores = ", ".join(f"{shown(metric, value)} {row}" for row, value in values)
    return f"{metric_title(metric)} {scores} ({evaluation.images} {_what(evaluation)})"


def _what(evaluation: Evaluation) -> str:
    if "retrieval_float" in evaluation.scores:
        return "texts"
    return "samples" if evaluation.per_output else "images"


def _verify(verification: Verification) -> str:
    parts = []
    if verification.agreement is not None:
        parts.append(f"agrees with {verification.reference} on {100 * verification.agreement:.2f} %")
    if verification.relative is not None:
        parts.append(f"error {verification.relative:.1e}")
    return ", ".join(parts)


def _compile(compiled: Compiled) -> str:
    return size(compiled.bytes) + (f", {compiled.method}" if compiled.method else "")


def _ladder(ladder: Ladder) -> str:
    return first_sentence(ladder.verdict)


def _export(exported: Exported) -> str:
    return f"{exported.nodes} nodes, {size(exported.bytes)}"


def _simplify(simplified: Simplified) -> str:
    return f"{simplified.nodes_before} -> {simplified.nodes_after} nodes"


def _rewrite(rewritten: Rewritten) -> str:
    before, after = rewritten.multiply_adds_before, rewritten.multiply_adds_after
    text = f"{rewritten.nodes_before} -> {rewritten.nodes_after} nodes, {before / 1e9:.1f} -> {after / 1e9:.1f} G MACs"
    return text + (f", taken back: {', '.join(rewritten.rolled_back)}" if rewritten.rolled_back else "")


def _equalize(equalized: Equalized) -> str:
    best = max((site["measured_db"] for site in equalized.sites), default=0.0)
    text = f"{len(equalized.sites)} tensors, up to {best:.1f} dB"
    return text + (f", taken back: {len(equalized.rolled_back)}" if equalized.rolled_back else "")


def _correct(corrected: CorrectedBiases) -> str:
    best = max((site["gain_db"] for site in corrected.sites), default=0.0)
    return f"{len(corrected.sites)} biases, up to {best:.1f} dB"


def _lint(linted: Linted) -> str:
    parts = [f"{linted.findings} findings"] if linted.findings else []
    if linted.estimated_ms:
        parts.append(f"about {linted.estimated_ms['ms']:.1f} ms on {linted.hardware} {linted.npu_mode}, estimated")
    return ", ".join(parts)


def _head(final: FinalModel) -> str:
    return ", ".join(f"{each['name']} {'x'.join(map(str, each['shape'] or ()))}" for each in final.outputs)


def _layers(layers: Layers) -> str:
    text = "as the float model" if layers.snr_db is None else f"{layers.snr_db:.1f} dB at the output"
    worst = next((layer["snr_db"] for layer in layers.worst if layer["snr_db"] is not None), None)
    return text if worst is None else f"{text}, worst layer {worst:.1f} dB"


def _calibrate(calibration: CalibrationSet) -> str:
    return f"{calibration.images} images, {size(calibration.bytes)}"


def _sensitivity(sensitivity: Sensitivity) -> str:
    return f"{len(sensitivity.blocks)} blocks, most to win in {sensitivity.blocks[0]['block']}"


def _bundle(bundled: Bundled) -> str:
    return f"{bundled.files} files, {size(bundled.bytes)}"


def _judge(judged: Judged) -> str:
    checks = [f"{check['figure']} {check['value']:.6g}, {check['bound']} {check['limit']:g}" for check in judged.checks]
    return "; ".join(checks) or "the recipe sets no limit"


def _deploy(deployed: Deployed) -> str:
    text = f"{deployed.latency_ms['avg']:.3f} ms on {deployed.board}"
    for metric in (name for task in TASKS for name in metrics_of(task, labels=True)[:1]):
        if f"{metric}_board" in deployed.scores:
            value = shown(metric, deployed.scores[f"{metric}_board"])
            text += f", {metric_title(metric)} {value} ({deployed.images} images)"
    if deployed.ladder:
        board = deployed.ladder["rows"][-1]
        text += f", {100 * board['bytes_same']:.2f} % of the bytes as in NPUBackend"
    return text


def _typed(kind: type[Figures], say: Callable[[Figures], str]) -> Callable[[Metrics], str]:
    """What ``say`` makes of the figures of a step; nothing where they are not all there."""

    def in_words(metrics: Metrics) -> str:
        figures = read_figures(kind, metrics)
        return say(figures) if figures else ""

    return in_words


_FIGURES: dict[str, Callable[[Metrics], str]] = {
    "export": _typed(Exported, _export),
    "simplify": _typed(Simplified, _simplify),
    "rewrite": _typed(Rewritten, _rewrite),
    "equalize": _typed(Equalized, _equalize),
    "head": _typed(FinalModel, _head),
    "correct-bias": _typed(CorrectedBiases, _correct),
    "lint": _typed(Linted, _lint),
    "verify": _typed(Verification, _verify),
    "calibrate": _typed(CalibrationSet, _calibrate),
    "compile": _typed(Compiled, _compile),
    "evaluate": _typed(Evaluation, _evaluate),
    "ladder": _typed(Ladder, _ladder),
    "layers": _typed(Layers, _layers),
    "sensitivity": _typed(Sensitivity, _sensitivity),
    "judge": _typed(Judged, _judge),
    "deploy": _typed(Deployed, _deploy),
    "judge-board": _typed(Judged, _judge),
    "bundle": _typed(Bundled, _bundle),
}
