"""What is worth saying about a valid recipe: mistakes that nothing downstream would notice."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from recipebuild.recipe.schema import Recipe

QUICKSTART = ("quickstart", "calibration")
"""Where the drawn street images that come with recipebuild lie, in whatever copy of the recipes."""
DETECTOR = "quickstart-detector/detector.onnx"
"""A model that is trained on them, as ``quickstart/model`` is."""


def advice(recipe: Recipe) -> list[str]:
    """Sentences for the user, each starting with ``warning:`` or ``note:``; empty if there is nothing to say."""
    return [
        text
        for text in (
            _units(recipe),
            _integers(recipe),
            _revision(recipe),
            _weights(recipe),
            _calibration(recipe),
            _smooth(recipe),
            _method(recipe),
        )
        if text
    ]


def _units(recipe: Recipe) -> str | None:
    if recipe.image is None:
        return None
    mean, std = recipe.image.mean, recipe.image.std
    identity = not any(mean) and all(s == 1 for s in std)
    if identity or not all(abs(m) <= 1 for m in mean) or not all(s <= 1 for s in std):
        return None
    as_255 = ", ".join(f"{value * 255:g}" for value in mean), ", ".join(f"{value * 255:g}" for value in std)
    return (
        "warning: RB102 input.mean and input.std look like 0..1 units, but pixels are 0..255 here; "
        f"if so, write mean: [{as_255[0]}] and std: [{as_255[1]}]"
    )


def _integers(recipe: Recipe) -> str | None:
    names = [tensor.name for tensor in recipe.tensors if tensor.dtype == "int64"]
    if not names:
        return None
    are = f"{names[0]} is int64" if len(names) == 1 else f"{' and '.join(names)} are int64"
    return f"note: RB118 {are}: on the chip it is int32, and a program there feeds that"


def _revision(recipe: Recipe) -> str | None:
    model = recipe.model
    if model.is_local or model.weights == "random" or re.fullmatch("[0-9a-f]{40}", model.revision or ""):
        return None
    now = f"`{model.revision}` can move" if model.revision else "there is none"
    return (
        f"note: RB501 model.revision is not pinned to a commit ({now}), "
        f"so {model.source} may differ from one day to the next"
    )


def _weights(recipe: Recipe) -> str | None:
    if recipe.model.weights == "pretrained":
        return None
    return (
        "note: RB502 model.weights is random: good for trying out the build, but what the model predicts means nothing"
    )


def _smooth(recipe: Recipe) -> str | None:
    if recipe.equalize is None or not recipe.equalize.layer_norm or recipe.quantization.smooth_quant is None:
        return None
    return (
        "note: RB315 quantization.smooth_quant does again what equalize.layer_norm did, by a fixed rule: leave it out, "
        "or set equalize.layer_norm: false"
    )


def _calibration(recipe: Recipe) -> str | None:
    folder = PurePosixPath(recipe.calibration.path)
    trained_on_them = folder.parent / "model", folder.parent.parent / DETECTOR
    if folder.parts[-2:] != QUICKSTART or PurePosixPath(recipe.model.source) in trained_on_them:
        return None
    return (
        "note: RB212 calibration.source is the set of drawn street images that comes with recipebuild; "
        "real images of your own should take their place: --set calibration.source=FOLDER"
    )


def _method(recipe: Recipe) -> str | None:
    if recipe.quantization.method != "auto":
        return None
    return (
        "note: RB316 quantization.method auto is of the embedded toolchain: Pulsar2 has one method for all tensors, "
        "and pulsar2.json says MinMax"
    )
