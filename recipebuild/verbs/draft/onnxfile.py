"""An ONNX file -> the fields of its recipe: its inputs, and what its output looks like."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.errors import RecipeError
from recipebuild.facts.tasks import CLASSIFICATION, DEPTH, DETECTION, FEATURES, OTHER, RESTORATION, SEGMENTATION
from recipebuild.recipe.section import INPUT_NAME, TENSOR_NAME
from recipebuild.toolkit.graph.image_layout import layout
from recipebuild.verbs.draft import detector, preprocessor, tensors
from recipebuild.verbs.draft.checkpoint import head
from recipebuild.verbs.draft.facts import Fact, usual_colours

if TYPE_CHECKING:
    from recipebuild.toolkit.graph.statistics import Tensor


def facts(path: Path, settings: Mapping[str, Any] | None, task: str | None = None) -> dict[str, Fact]:
    """What the model at ``path`` says of itself.

    Args:
        path: An ONNX file.
        settings: The content of a preprocessor_config.json beside it; ``None`` if there is none.
        task: What the model is for, if that was said.

    Raises:
        StepError: If it is no ONNX model.
        RecipeError: If there can be no recipe for it, as it has inputs of no known shape or type, or none.
    """
    from recipebuild.toolkit.graph.files import load
    from recipebuild.toolkit.graph.statistics import inputs, outputs

    model = load(path, weights=False)
    taken, results = inputs(model), outputs(model)
    _check_names(path, taken)
    image = _image(taken)
    others = [tensor for tensor in taken if tensor is not image]
    if image is None:
        return {"inputs": tensors.described(path, others), **_raw(results)}
    fields = {"input.name": Fact(image.name, f"the input of {path.name}")}
    fields["input.shape"] = _shape(path, image, settings or {})
    fields |= _colours(fields["input.shape"].value[1], None if image.dtype == "uint8" else settings)
    if image.dtype == "uint8":
        channels = fields["input.shape"].value[1]
        fields["input.mean"] = Fact([0] * channels, "the model takes raw bytes")
        fields["input.std"] = Fact([1] * channels, "the model takes raw bytes")
    if others:
        fields["more_inputs"] = tensors.described(path, others)
    sides = fields["input.shape"].value[2:]
    if task in (None, DETECTION) and (boxes := detector.facts(model, results, sides)):
        return fields | {name: fact for name, fact in boxes.items() if name not in fields}
    kind, why, sure = (task, "given on the command line", True) if task else _task(results, sides)
    fields["model.task"] = Fact(kind, why, sure)
    for name, fact in usual_colours(kind, "an ONNX file does not say").items():
        fields.setdefault(name, fact)
    if kind == FEATURES:
        fields["model.features"] = Fact("tokens", "the whole output of the graph")
    named = results[0].name
    if re.fullmatch(TENSOR_NAME, named) and named not in (*(each.name for each in taken), "argmax_output"):
        fields["export.output"] = Fact(named, f"the output of {path.name}")
    if len(results) == 1 and results[0].dtype.startswith("float"):
        fields |= head(kind, 1 if (results[0].shape or ())[1:2] == (1,) else None)
        if kind == SEGMENTATION and _classes_last(results[0], sides):
            fields["head.axis"] = Fact(3, f"{results[0]} has the classes last", sure=False)
    else:
        fields["head.kind"] = Fact("none", f"the graph's outputs: {', '.join(map(str, results))}")
    return fields


def _check_names(path: Path, taken: Sequence[Tensor]) -> None:
    if not taken:
        raise RecipeError(f"{path.name} takes no input", remedy="recipes support only models with an input")
    for tensor in taken:
        if not re.fullmatch(INPUT_NAME, tensor.name):
            raise RecipeError(
                f"{path.name} calls its input {tensor.name}, which cannot be a file's name on the board",
                remedy="export it with a name of letters, digits, _, - and ., or rename it, in model.graph.input and "
                "in the nodes that read it, with the onnx package",
            )


def _image(taken: Sequence[Tensor]) -> Tensor | None:
    """The input that is an image: of several the first with colours, and else none; a lone one may be grey."""
    images = [tensor for tensor in taken if layout(tensor) or (len(taken) == 1 and _of_any_colours(tensor))]
    in_colours = [tensor for tensor in images if 3 in (tensor.shape or ())]
    return next(iter(in_colours or (images if len(taken) == 1 else [])), None)


def _of_any_colours(tensor: Tensor) -> bool:
    """Whether it may be an image whose number of channels is not known."""
    shape = tensor.shape or ()
    return len(shape) == 4 and isinstance(shape[1], str) and tensor.dtype == "float32"


def _colours(channels: int, settings: Mapping[str, Any] | None) -> dict[str, Fact]:
    """Colour, mean and deviation: of three channels what the settings say; else pixels scaled to 0..1."""
    if channels != 3:
        color = {1: "GRAY", 4: "RGBA"}[channels]
        why = "an ONNX file does not say: pixels scaled to 0..1"
        return {
            "input.color": Fact(color, f"the input has {channels} channel{'s' if channels > 1 else ''}"),
            "input.mean": Fact([0] * channels, why, sure=False),
            "input.std": Fact([255] * channels, why, sure=False),
        }
    return dict(preprocessor.colours(settings)) if settings is not None else {}


def _raw(results: Sequence[Tensor]) -> dict[str, Fact]:
    """The fields of a model without an image: what it gives is taken as it is."""
    why = f"it gives {', '.join(map(str, results))}"
    return {
        "model.task": Fact(OTHER, "its outputs are compared as they are", sure=False),
        "head.kind": Fact("none", why),
    }


def _shape(path: Path, image: Tensor, settings: Mapping[str, Any]) -> Fact:
    """N, C, H, W, in whatever order the model has them."""
    batch, channels, *sides = image.shape or ()
    of = image.name
    if layout(image) == "NHWC":
        sides, channels = [channels, sides[0]], sides[1]
        of = f"{image.name}, whose channels are last,"
    channels = channels if isinstance(channels, int) and channels > 0 else 3
    count = batch if isinstance(batch, int) and batch > 0 else 1
    if all(isinstance(side, int) and side > 0 for side in sides):
        return Fact([count, channels, *sides], f"of {of} in {path.name}")
    if size := preprocessor.size(settings):
        return Fact([count, channels, *size.value], f"{path.name} takes any size; {size.why}")
    usual = [side if isinstance(side, int) and side > 0 else 512 for side in sides]
    return Fact([count, channels, *usual], f"{path.name} takes any size: a usual one", sure=False)


def _task(outputs: list[Tensor], sides: Sequence[int]) -> tuple[str, str, bool]:
    """What a graph with these outputs is for, as far as their shapes tell, beside the image's height and width."""
    first = outputs[0]
    shape = first.shape or ()
    why = f"its output is {first}"
    maps = [_is_map(each, sides) or _classes_last(each, sides) for each in outputs]
    if len({(each.shape or ())[-2:] for each in outputs}) > 1 or (len(outputs) > 1 and not all(maps)):
        listed = ", ".join(map(str, outputs))
        return OTHER, f"its outputs are {listed}: of no task that is known here, so taken as they are", False
    if first.dtype == "bool":
        return OTHER, f"{why}: true or false, so taken as it is", False
    if not first.dtype.startswith("float") and len(shape) in (3, 4):
        known = len(shape) == 3 or maps[0]
        return (SEGMENTATION, f"{why}: class ids", True) if known else (OTHER, f"{why}: no map of the image", False)
    if len(shape) == 4 and shape[1] == 3 and _is_enlarged(shape[2:], sides):
        return RESTORATION, f"{why}: an image larger than the one that it takes", False
    if len(shape) == 4 and shape[1] != 1:
        if not maps[0]:
            return OTHER, f"{why}: no map of the image, so taken as it is", False
        return SEGMENTATION, why, _is_map(first, sides)
    if len(shape) == 4:
        return DEPTH, why, False
    if len(shape) == 2:
        return CLASSIFICATION, why, False
    return FEATURES, why, False


def _is_map(output: Tensor, sides: Sequence[int]) -> bool:
    """Whether an output N, C, h, w is a map of an image of ``sides``, height and width: smaller by the same factor."""
    return len(output.shape or ()) == 4 and _shrunk((output.shape or ())[2:], sides)


def _classes_last(output: Tensor, sides: Sequence[int]) -> bool:
    """Whether it is one only if the classes are taken for last: N, h, w, C."""
    shape = output.shape or ()
    return len(shape) == 4 and not _is_map(output, sides) and _shrunk(shape[1:3], sides)


def _is_enlarged(size: Sequence[int | str], sides: Sequence[int]) -> bool:
    """Whether an image of ``size`` is larger than ``sides`` by one whole number."""
    height, width = size
    if not isinstance(height, int) or not isinstance(width, int):
        return False
    factor = height // sides[0]
    return factor > 1 and (height, width) == (factor * sides[0], factor * sides[1])


def _shrunk(size: Sequence[int | str], sides: Sequence[int]) -> bool:
    """Whether ``sides`` are the same multiple of ``size``; a size that is not known may be anything."""
    if not all(isinstance(each, int) and each > 0 for each in size):
        return True
    height, width = (side / int(each) for side, each in zip(sides, size, strict=True))
    return height == width and height >= 1
