"""What fields of a recipe must agree on: the faults of one that is right field by field."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from recipebuild.facts.metrics import metrics_of
from recipebuild.facts.tasks import DETECTION, OTHER, TASKS, TEXT
from recipebuild.recipe.model import CHECKPOINT

if TYPE_CHECKING:
    from recipebuild.recipe.schema import Recipe


class Fault(NamedTuple):
    """Something that may be wrong.

    Attributes:
        is_wrong: Whether it is.
        field: The field, dotted.
        message: What is wrong.
        remedy: What to do.
        twin: Of two fields with one name: the other one, with which the message ends.
    """

    is_wrong: object
    field: str
    message: str
    remedy: str
    twin: str = ""


def first_fault(recipe: Recipe) -> Fault | None:
    """Return what is wrong with a recipe, the first of it; ``None`` if all agrees."""
    return next((each for rule in _RULES for each in rule(recipe) if each.is_wrong), None)


def _described_once(recipe: Recipe) -> Iterator[Fault]:
    if not recipe.inputs:
        return
    images = [at for at, entry in enumerate(recipe.inputs) if entry.kind == "image"]
    all_of_it = "`inputs` describes all that the model takes"
    yield Fault(recipe.input is not None, "input", all_of_it, "move it to inputs, with kind: image")
    yield Fault(recipe.more_inputs, "more_inputs", all_of_it, "move them to inputs")
    second = f"inputs.{images[-1] if images else 0}"
    yield Fault(len(images) > 1, second, "a model can have one image", "give the other one as tensors: kind: tensor")
    yield Fault(
        not images and recipe.calibration.source, "calibration.source", "the model takes no image",
        "leave it out: each tensor has a source of its own",
    )  # fmt: skip


def _evaluated_as_the_task_is(recipe: Recipe) -> Iterator[Fault]:
    task, evaluate = recipe.model.task, recipe.evaluate
    if evaluate is None:
        return
    known = metrics_of(task)
    yield Fault(
        evaluate.metric and evaluate.metric not in known, "evaluate.metric", f"{task} has no {evaluate.metric}",
        f"say {' or '.join(known)}",
    )  # fmt: skip
    has_classes = task == DETECTION or TASKS[task].class_rank is not None
    yield Fault(
        evaluate.labels and not has_classes, "evaluate.labels", f"{task} has no classes", "leave evaluate.labels out"
    )


def _taken_as_it_is(recipe: Recipe) -> Iterator[Fault]:
    if recipe.model.task != OTHER:
        return
    yield Fault(
        not recipe.model.is_onnx, "model.task", f"{OTHER} is for ONNX files",
        "say what the model is for: recipebuild new drafts a recipe for a folder",
    )  # fmt: skip
    yield Fault(recipe.head.kind != "none", "head.kind", "its outputs are taken as they are", "head: {kind: none}")


def _detected(recipe: Recipe) -> Iterator[Fault]:
    is_detector, detector = recipe.model.task == DETECTION, recipe.detector
    yield Fault(
        is_detector and recipe.head.kind != "none", "head.kind", "boxes are made by the program, not by a head",
        "head: {kind: none}",
    )  # fmt: skip
    yield Fault(
        is_detector and detector is None and recipe.model.is_onnx, "detector",
        "an ONNX file does not say how its outputs become boxes",
        "detector: {kind: yolov8, classes: 80}; docs/how-to/detection.md has all kinds",
    )  # fmt: skip
    yield Fault(
        detector and not is_detector, "detector", f"{recipe.model.task} has no boxes",
        f"model.task: {DETECTION}, or leave detector out",
    )  # fmt: skip
    labels = recipe.evaluate.labels if recipe.evaluate else None
    if detector and labels is not None:
        yield Fault(
            len(labels) != detector.classes, "evaluate.labels",
            f"{len(labels)} names, but detector.classes is {detector.classes}",
            "name all classes, in the order of their ids",
        )  # fmt: skip
    letterboxed = recipe.image is not None and recipe.image.resize == "letterbox"
    yield Fault(
        letterboxed and recipe.calibration.format == "Image", "calibration.format",
        "Pulsar2 stretches the images of a calibration set itself", "format: Numpy, which it takes as they are",
    )  # fmt: skip


def _fed_colours(recipe: Recipe) -> Iterator[Fault]:
    runtime, image, field = recipe.target.runtime_input, recipe.image, "target.runtime_input.format"
    uneven = runtime.uneven([*([image.shape] if image else []), *runtime.extra_shapes])
    yield Fault(uneven, field, uneven or "", "give input.shape even sides, or feed another format")
    if image:
        yield Fault(
            runtime.format is not None and image.color in ("GRAY", "RGBA"), field,
            f"nothing makes {image.color} of {runtime.format} on the chip", "leave it out",
        )  # fmt: skip


def _names(recipe: Recipe) -> Iterator[Fault]:
    taken = {recipe.input.name: "input.name"} if recipe.input else {}
    others = [("export.output", recipe.export.output)]
    if recipe.head.kind != "none":
        others.append(("head.output", recipe.head.output))
    others += [(f"inputs.{at}.name", entry.name) for at, entry in enumerate(recipe.inputs) if entry.kind != "tokens"]
    others += [(f"inputs.{at}.names", name) for at, name in _token_names(recipe)]
    others += [(f"more_inputs.{at}.name", more.name) for at, more in enumerate(recipe.more_inputs)]
    for field, name in others:
        twin = taken.get(name, "")
        yield Fault(twin, field, f"`{name}` is already {twin}", "give each tensor a name of its own", twin)
        taken[name] = field


def _token_names(recipe: Recipe) -> Iterator[tuple[int, str]]:
    return ((at, name) for at, entry in enumerate(recipe.inputs) if entry.kind == "tokens" for name in entry.names)


def _of_text(recipe: Recipe) -> Iterator[Fault]:
    is_text, tokens = recipe.model.task == TEXT, recipe.tokens
    yield Fault(
        is_text and not tokens, "inputs" if recipe.inputs else "input", f"{TEXT} is for models of text",
        "inputs: [{kind: tokens, length: 64, source: ./texts.txt}]; of images, task: image-feature-extraction",
    )  # fmt: skip
    if not tokens:
        return
    at = next(at for at, entry in enumerate(recipe.inputs) if entry.kind == "tokens")
    yield Fault(not is_text, "model.task", f"{recipe.model.task} takes no text", f"task: {TEXT}")
    yield Fault(
        len(recipe.inputs) > 1, f"inputs.{at}", "a model of text takes nothing else", "leave the other inputs out"
    )
    yield Fault(
        recipe.model.is_onnx, "model.source", "an ONNX file has no tokenizer",
        "name the folder that it was exported from; or feed it ids, as kind: tensor",
    )  # fmt: skip
    yield Fault("input_ids" not in tokens.names, f"inputs.{at}.names", "a model of text takes input_ids", "add it")
    yield Fault(recipe.head.kind != "none", "head.kind", "an embedding is taken as it is", "head: {kind: none}")


def _toolchains(recipe: Recipe) -> Iterator[Fault]:
    yield Fault(
        recipe.pulsar2.is_quantized and recipe.target.toolchain == "onnxruntime", "target.toolchain",
        f"the embedded toolchain quantizes float models, and pulsar2.model_type is {recipe.pulsar2.model_type}",
        "toolchain: pulsar2, or auto",
    )  # fmt: skip
    yield Fault(
        recipe.quantization.method == "auto" and recipe.target.toolchain != "onnxruntime", "quantization.method",
        "auto chooses a method for each tensor, and Pulsar2 has one for all of them",
        "target: {toolchain: onnxruntime}, or name a method; recipebuild tune tries them",
    )  # fmt: skip
    yield Fault(
        recipe.evaluate and recipe.evaluate.reference == "pytorch" and recipe.model.is_onnx, "evaluate.reference",
        "the recipe starts from an ONNX file: there is no PyTorch model", "reference: onnx",
    )  # fmt: skip


def _bias_correction(recipe: Recipe) -> Iterator[Fault]:
    quantization = recipe.quantization
    changes = {"smooth_quant": quantization.smooth_quant, "finetune": quantization.finetune}
    for field, changes_weights in changes.items():
        yield Fault(
            recipe.corrects_biases and changes_weights, "equalize.bias_correction",
            f"biases are corrected for the weights of model.onnx, and quantization.{field} changes them",
            f"leave out bias_correction, or quantization.{field}",
        )  # fmt: skip
    yield Fault(
        recipe.corrects_biases and recipe.pulsar2.is_quantized, "equalize.bias_correction",
        f"the model is quantized already: pulsar2.model_type is {recipe.pulsar2.model_type}",
        "leave out bias_correction",
    )  # fmt: skip


def _uncalibrated(recipe: Recipe) -> Iterator[Fault]:
    is_left_out = recipe.image is not None and not recipe.calibration.source
    yield Fault(
        is_left_out and recipe.tensors, "calibration", "tensors beside an image are named by its calibration images",
        "set calibration.source",
    )  # fmt: skip


def _checkpoint(recipe: Recipe) -> Iterator[Fault]:
    yield Fault(
        recipe.model.source.endswith(CHECKPOINT) and not recipe.model.allow_pickle, "model.allow_pickle",
        "a .pth file is a pickle, which can run code when read", "allow_pickle: true; torch reads it with weights_only",
    )  # fmt: skip


def _states(recipe: Recipe) -> Iterator[Fault]:
    tensors = recipe.described_tensors
    states = [(field, entry) for field, entry in tensors if entry.feedback]
    for field, entry in tensors:
        yield Fault(
            not entry.source and not entry.feedback, f"{field}.source", "nothing says what it is fed",
            "name a folder of its files; of a state, feedback: the output that is fed back here",
        )  # fmt: skip
        yield Fault(
            entry.source and entry.feedback, f"{field}.feedback", "what is fed back has no files",
            "leave out either source or feedback",
        )  # fmt: skip
    if not states:
        return
    field = f"{states[0][0]}.feedback"
    yield Fault(recipe.image, field, "states beside an image are not fed back", "give them as files: source")
    yield Fault(len(states) == len(tensors), field, "a model takes more than its state", "describe its other inputs")
    evaluate = recipe.evaluate
    yield Fault(
        evaluate and evaluate.count, "evaluate.count", "a model with a state is measured on whole sequences",
        "leave it out; put fewer samples into evaluate.dataset",
    )  # fmt: skip
    yield Fault(
        evaluate and evaluate.shares > 1, "evaluate.shares", "each sample of a sequence waits for the one before",
        "leave it out",
    )  # fmt: skip


def _several_inputs(recipe: Recipe) -> Iterator[Fault]:
    if not recipe.tensors:
        return
    format_, alone = recipe.calibration.format, recipe.is_one_tensor
    yield Fault(
        not recipe.tokens and not recipe.model.is_onnx, "model.source",
        "models of several inputs come as .onnx files",
        "export the model yourself; what is exported here has one input, the image",
    )  # fmt: skip
    asked = "format" in recipe.calibration.model_fields_set
    yield Fault(
        asked and format_ != "NumpyObject" and not alone, "calibration.format",
        "several inputs are calibrated together", "format: NumpyObject",
    )  # fmt: skip
    yield Fault(
        asked and format_ == "Image" and alone, "calibration.format", "what the model takes is no image",
        "format: NumpyObject, Numpy or Binary",
    )  # fmt: skip
    yield Fault(
        recipe.evaluate and recipe.model.task not in (OTHER, TEXT), "evaluate",
        "labelled images alone are not all that this model takes",
        f"model.task: {OTHER} holds its outputs against the float model's; or leave evaluate out",
    )  # fmt: skip
    yield Fault(
        recipe.evaluate and (recipe.evaluate.layout != "auto" or recipe.evaluate.is_prepared), "evaluate.layout",
        "tensors lie in folders of their inputs' names", "leave it out; docs/how-to/inputs.md tells how they lie",
    )  # fmt: skip
    yield Fault(
        recipe.board.runner, "board.runner", "programs of ax-samples feed an image, and nothing else",
        "remove board.runner",
    )  # fmt: skip


_RULES: tuple[Callable[[Recipe], Iterator[Fault]], ...] = (
    _described_once, _of_text, _evaluated_as_the_task_is, _taken_as_it_is, _detected, _fed_colours, _names, _toolchains,
    _bias_correction, _uncalibrated, _checkpoint, _several_inputs, _states,
)  # fmt: skip
