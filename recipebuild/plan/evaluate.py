"""The steps that measure: the dataset, the simulation of what was compiled, accuracy, the ladder, a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.engine.step import Output, Source
from recipebuild.facts.tasks import DETECTION, RESTORATION, SEGMENTATION, TASKS
from recipebuild.recipe.evaluate import HUB, Evaluate
from recipebuild.recipe.schema import Recipe

if TYPE_CHECKING:
    from recipebuild.plan.steps import ResolvedToolchain, Steps


_OTHER_MODE = {"NPUBackend": ("simulate-reference", "Reference"), "Reference": ("simulate-npu", "NPUBackend")}
"""For what is evaluated: the step that simulates the other one, and its mode."""


def measuring(
    steps: Steps,
    toolchain: ResolvedToolchain,
    models: Mapping[str, Output],
    compiled: Output,
    calibration: Mapping[str, Output],
) -> dict[str, Output]:
    """Add the steps, and give what the bundle tells of them.

    Args:
        steps: The steps so far.
        toolchain: What compiles.
        models: The models after each step, by the names under which verify compares them.
        compiled: What is measured.
        calibration: The calibration set.
    """
    recipe = steps.recipe
    shown: dict[str, Output | Source] = {"compiled": compiled} if compiled.name.endswith(".onnx") else {}
    outputs = {}
    spec: dict[str, Any] = {}
    climbing: dict[str, Output] = {}
    climbed: dict[str, Any] = {}
    if (evaluate := recipe.evaluate) is not None:
        dataset = {"dataset": _dataset(steps, evaluate)}
        laid_out = dataset_params(recipe)
        drawn = {"dataset": laid_out, "count": evaluate.count, "seed": evaluate.seed}
        here = _answers(steps, models, compiled, dataset)
        answers = dict(here)
        runtime = recipe.target.runtime_input
        permuted = {"permuted": recipe.target.permuted} if recipe.target.permuted else {}
        if toolchain.name == "pulsar2" and (runtime.is_made_of_images or not recipe.image):
            params = {
                "input": steps.fed, "runtime": runtime.model_dump(mode="json"), **drawn, "mode": evaluate.mode,
                **toolchain.params, **permuted,
            }  # fmt: skip
            models_of = {
                "NPUBackend": {"compiled": compiled},
                "Reference": {"compiled": compiled, "quantized": replace(compiled, name="quant")},
            }
            answers["quantized"] = steps.add(
                "simulate", "predictions.tar", params, {**models_of[evaluate.mode], **dataset}, facts=toolchain.facts
            )
            # Both go up the ladder, so that what the quantizer and what the compiler costs are two figures.
            kind, other = _OTHER_MODE[evaluate.mode]
            simulated = steps.add(
                kind, "predictions.tar", {**params, "mode": other, "few": True}, {**models_of[other], **dataset},
                facts=toolchain.facts,
            )  # fmt: skip
            by_mode = {evaluate.mode: answers["quantized"], other: simulated}
            climbing = {"predictions": by_mode["NPUBackend"], "reference_predictions": by_mode["Reference"]}
            climbed = {"mode": evaluate.mode, "sixteen_bits": _has_16_bits(recipe)}
        weights = {"weights": models["model"]} if "model" in models else {}
        params = {**drawn, "depth": evaluate.depth, "metric": evaluate.metric, **steps.detector}
        if recipe.head.kind == "threshold":
            params["threshold"] = recipe.head.threshold
        pixels = {"image": steps.image} if recipe.model.task in (DETECTION, RESTORATION) else {}
        outputs["evaluation"] = steps.add(
            "evaluate", "evaluation.json", {**params, **steps.labels, **pixels},
            {"model": models["head"], **answers, **weights, **dataset, **calibration},
        )  # fmt: skip
        pytorch = {"model": models["model"]} if "model" in models else {}
        axis = {"class_axis": recipe.head.axis} if recipe.head.kind == "argmax" and recipe.head.axis != 1 else {}
        metric = params.pop("metric")
        rungs = steps.add(
            "rungs", "rungs.json",
            {
                "input": steps.fed, "original": steps.image, "weights": steps.weights, **params, **axis,
                **steps.labels,
            },
            {**models, **_but_pytorch(here), **climbing, **dataset},
        )  # fmt: skip
        judged = {"original": steps.image, "metric": metric, **climbed}
        steps.add("ladder", "ladder.json", judged, {"rungs": rungs, **pytorch, **outputs})
        if laid_out["layout"] != "images":
            shown = {
                **dataset,
                **weights,
                **{name: answers[name] for name in ("float", "quantized") if name in answers},
            }
            spec = drawn
    _preview(steps, {"model": models["head"], **shown, **calibration}, spec)
    return outputs


def _preview(steps: Steps, inputs: Mapping[str, Output | Source], spec: Mapping[str, Any]) -> None:
    """Show masks, boxes, or what became of images; of other tasks, and without an image, there is nothing to see."""
    task = steps.recipe.model.task
    if steps.recipe.tensors or not inputs.keys() & {"calibration", "dataset"}:
        return
    if task == SEGMENTATION:
        params = {"input": steps.fed, **spec, **steps.labels}
        steps.add("preview", "preview.png", params, {**inputs, **steps.config})
    elif task == DETECTION:
        params = {"input": steps.fed, **spec, **steps.labels, **steps.detector}
        steps.add("preview/boxes", "preview.png", params, {**inputs, **steps.config})
    elif task == RESTORATION:
        params = {"input": steps.fed, "original": steps.image, **spec}
        steps.add("preview/images", "preview.png", params, {k: v for k, v in inputs.items() if k != "weights"})


def detector_params(recipe: Recipe) -> dict[str, Any] | None:
    """How outputs become boxes; ``None`` where the model's config.json tells."""
    return recipe.detector.model_dump(mode="json") if recipe.detector else None


def _answers(
    steps: Steps, models: Mapping[str, Output], compiled: Output, dataset: Mapping[str, Output | Source]
) -> dict[str, Output]:
    """What each model that runs here gives for the dataset, by the rows of evaluate."""
    evaluate = steps.recipe.evaluate
    assert evaluate is not None, "only recipes that evaluate have a dataset"  # noqa: S101
    laid_out = dataset_params(steps.recipe)
    images = {
        "dataset": {
            name: laid_out[name] for name in ("task", "layout", "split", "tensors", "has_image") if name in laid_out
        },
        "count": evaluate.count,
        "seed": evaluate.seed,
        **state_specs(steps.recipe),
    }
    models_of: dict[str, dict[str, Output]] = {"float": {"model": models["head"]}}
    if evaluate.reference == "pytorch":
        models_of["pytorch"] = {"weights": models["model"]}
    if compiled.name.endswith(".onnx"):
        models_of["quantized"] = {"model": compiled}
    answers = {}
    for row, inputs in models_of.items():
        params = {"input": steps.fed, **images}
        if row == "pytorch":
            params |= {"input": steps.image, "weights": steps.weights}
        answers[row] = _shared_out(steps, row, params, {**inputs, **dataset}, evaluate.shares)
    return answers


def _shared_out(
    steps: Steps, row: str, params: Mapping[str, Any], inputs: Mapping[str, Output | Source], shares: int
) -> Output:
    """A model's answers, of one step or of several."""
    if shares == 1:
        return steps.add(f"answers-{row}", "answers.tar", params, inputs)
    parts = {
        f"share_{number}": steps.add(
            f"answers-{row}", "answers.tar", {**params, "share": [number, shares]}, inputs, number=number + 1
        )
        for number in range(shares)
    }
    return steps.add(f"join-{row}", "answers.tar", {}, parts)


def _but_pytorch(answers: Mapping[str, Output]) -> dict[str, Output]:
    return {row: kept for row, kept in answers.items() if row != "pytorch"}


def _has_16_bits(recipe: Recipe) -> bool:
    return any(dtype in ("U16", "S16") for layer in recipe.layers for dtype in (layer.dtype, layer.output_dtype))


def dataset_params(recipe: Recipe) -> dict[str, Any]:
    """How the dataset is laid out, for the steps that read it."""
    evaluate = recipe.evaluate
    assert evaluate is not None, "only recipes that evaluate have a dataset"  # noqa: S101
    common: dict[str, Any] = {"task": recipe.model.task, "depth_scale": evaluate.depth_scale}
    if recipe.tensors:
        common |= {"tensors": tensor_specs(recipe, states=True), "has_image": recipe.image is not None}
    if evaluate.is_prepared:
        return {
            **common,
            "layout": TASKS[recipe.model.task].layout,
            "split": None,
            "reduce_labels": evaluate.reduce_labels,
            "class_folders": "ids",  # as the step dataset names them
        }
    return common | evaluate.model_dump(mode="json", include={"layout", "split", "reduce_labels", "class_folders"})


def tensor_specs(recipe: Recipe, *, states: bool = False) -> list[dict[str, Any]]:
    """The inputs that are no images, for the steps that read them; with those that outputs are fed back to, or not."""
    return [
        tensor.model_dump(mode="json", exclude={"kind", "source", "feedback"})
        for tensor in recipe.tensors
        if states or not tensor.feedback
    ]


def state_specs(recipe: Recipe) -> dict[str, list[dict[str, Any]]]:
    """As ``states``: the inputs that outputs are fed back to; nothing of a model that has none."""
    states = [
        {**tensor.model_dump(mode="json", include={"name", "shape", "dtype"}), "output": tensor.feedback}
        for tensor in recipe.tensors
        if tensor.feedback
    ]
    return {"states": states} if states else {}


def _dataset(steps: Steps, evaluate: Evaluate) -> Output | Source:
    """The folder of the dataset; of texts, and where the library `datasets` reads it, what a step made of it."""
    if steps.recipe.tokens:
        return steps.tokens(Source(Path(evaluate.dataset)), as_dataset=True)
    if state_specs(steps.recipe):
        return steps.fed_back("states-dataset", "dataset", {"dataset": Source(Path(evaluate.dataset))})
    if not evaluate.is_prepared:
        return Source(Path(evaluate.dataset))
    hub = evaluate.dataset.startswith(HUB)
    name, _, revision = evaluate.dataset.removeprefix(HUB).partition("@")
    params = {
        "hub_id": name if hub else None,
        "revision": revision or None,
        "task": steps.recipe.model.task,
        **evaluate.model_dump(mode="json", include={"split", "columns", "count", "seed"}),
    }
    return steps.add("dataset", "dataset", params, {} if hub else {"source": Source(Path(evaluate.dataset))})
