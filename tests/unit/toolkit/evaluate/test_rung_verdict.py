"""The words on which rung lost the most, by its own images, by evaluate's, and by what became of the class ids."""

from __future__ import annotations

from typing import Any

from recipebuild.figures.evaluation import Evaluation
from recipebuild.toolkit.evaluate.rung_verdict import verdict, with_evaluation


def row(rung: str, value: float, change: float | None = None, *, spread: float = 0.1, **more: Any) -> dict[str, Any]:
    """A rung's row; its change is between ``change - spread`` and ``change + spread``."""
    against = {} if change is None else {"change": change, "change_interval": [change - spread, change + spread]}
    return {"rung": rung, "title": rung, "top1": value, **against, **more}


def words(*rows: dict[str, Any], evaluation: Evaluation | None = None) -> str:
    return verdict(with_evaluation(rows, evaluation, "top1"), "top1")


EVALUATION = Evaluation(
    images=1200, metric="top1", against="labels", interval={}, drop=0.284, drop_interval=[0.25, 0.31],
    scores={"top1_float": 0.514, "top1_quantized": 0.23},
)  # fmt: skip


def test_the_rung_that_lost_most_is_named_with_what_to_look_at() -> None:
    sentence = words(row("pytorch", 1.0), row("export", 0.95, -0.05), row("quantized", 0.5, -0.45))
    assert sentence.startswith(
        "Largest loss: quantized, top-1 95.00 to 50.00 % (95 %: -55.00 to -35.00 points). Try equalize"
    )
    sentence = words(row("preprocessor", 1.0), row("pytorch", 0.5, -0.5), row("quantized", 0.45, -0.05))
    assert "pytorch, top-1 100.00 to 50.00 %" in sentence and "input.mean" in sentence


def test_a_difference_that_may_be_chance_is_called_that_beside_agreement_and_noise() -> None:
    sentence = words(row("pytorch", 0.8), row("quantized", 0.78, -0.02, same=0.97, snr_before=21.04))
    assert sentence == (
        "No stage loses measurable accuracy. Largest change: quantized, top-1 80.00 to 78.00 % "
        "(97.00 % equal class ids, SNR 21.0 dB)."
    )


def test_what_evaluate_measured_on_all_images_goes_before_the_few_of_the_ladder() -> None:
    rows = row("head", 0.25), row("quantized", 0.19, -0.06, same=0.95)
    assert "No stage loses measurable" in words(*rows)
    sentence = words(*rows, evaluation=EVALUATION)
    assert sentence.startswith(
        "Largest loss: quantized, top-1 51.40 to 23.00 % on 1200 images (95 %: -31.00 to -25.00 points). Try"
    )
    judged = with_evaluation(rows, EVALUATION, "top1")[-1]
    assert (judged["change"], judged["within_noise"]) == (-0.06, False)
    assert judged["evaluated"] == {"images": 1200, "top1": 0.23, "change": -0.284, "change_interval": [-0.31, -0.25]}


def test_of_another_metric_evaluate_says_nothing() -> None:
    other = Evaluation(images=1200, metric="top5", against="labels", interval={}, scores=EVALUATION.scores)
    assert "No stage loses measurable" in words(row("head", 0.25), row("quantized", 0.19, -0.06), evaluation=other)


def test_class_ids_that_differ_are_never_noise() -> None:
    rows = row("head", 0.25), row("quantized", 0.19, -0.06, same=0.25, snr_before=1.5)
    assert not with_evaluation(rows, None, "top1")[-1]["within_noise"]
    sentence = words(*rows)
    assert sentence.startswith("Largest change: quantized, top-1 25.00 to 19.00 % (25.00 % equal class ids,")
    assert "Try equalize" in sentence
    gained = words(row("head", 0.25), row("quantized", 0.30, +0.05, same=0.25))
    assert gained.startswith("Largest change: quantized")


def test_no_loss_is_said_to_be_none() -> None:
    assert words(row("pytorch", 0.75), row("quantized", 0.85, 0.1)) == "No stage loses accuracy."
    assert words(row("pytorch", 0.75)) == "No stage was compared with another."


def test_errors_that_grow_are_losses() -> None:
    table = [
        {"rung": "pytorch", "title": "a", "abs_rel": 0.1},
        {"rung": "quantized", "title": "b", "abs_rel": 0.3, "change": 0.2, "change_interval": [0.1, 0.3]},
    ]
    assert "AbsRel 0.1000 to 0.3000" in verdict(table, "abs_rel")


def test_of_errors_too_evaluate_goes_first() -> None:
    rows = [
        {"rung": "head", "title": "a", "abs_rel": 0.1},
        {"rung": "quantized", "title": "b", "abs_rel": 0.11, "change": 0.01, "change_interval": [-0.1, 0.2]},
    ]
    scores = {"abs_rel_float": 0.1, "abs_rel_quantized": 0.13}
    evaluation = Evaluation(654, "abs_rel", "labels", {}, scores, drop=0.03, drop_interval=[0.02, 0.04])
    sentence = verdict(with_evaluation(rows, evaluation, "abs_rel"), "abs_rel")
    assert "AbsRel 0.1000 to 0.1300 on 654 images (95 %: +0.0200 to +0.0400)" in sentence


def test_what_evaluate_measured_over_two_rungs_is_told_of_both() -> None:
    rows = row("head", 0.5), row("emulated", 0.48, -0.02, same=0.97), row("simulated", 0.42, -0.06, same=0.95)
    judged = with_evaluation(rows, EVALUATION, "top1")
    assert "evaluated" not in judged[-1] and judged[-1]["since_head"]["change"] == -0.284
    sentence = verdict(judged, "top1")
    assert sentence.startswith(
        "Largest loss: quantization and compiler together, top-1 51.40 to 23.00 % on 1200 images"
    )
    assert "the larger part is simulated, top-1 48.00 to 42.00 %" in sentence
    sure = row("head", 0.5), row("emulated", 0.2, -0.3, same=0.97), row("simulated", 0.19, -0.01)
    assert words(*sure, evaluation=EVALUATION).startswith("Largest loss: emulated")
    graph = row("head", 0.5, -0.4), row("emulated", 0.48, -0.02), row("simulated", 0.42, -0.06)
    assert words(row("pytorch", 0.9), *graph, evaluation=EVALUATION).startswith("Largest loss: head")


def test_in_mode_reference_evaluate_measured_the_quantized_model() -> None:
    rows = row("head", 0.25), row("emulated", 0.19, -0.06, same=0.95), row("simulated", 0.19, 0.0, same=1.0)
    judged = with_evaluation(rows, EVALUATION, "top1", "emulated")
    assert judged[1]["evaluated"]["top1"] == 0.23
    assert "evaluated" not in judged[2] and "since_head" not in judged[2]
