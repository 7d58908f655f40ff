"""Hugging Face's ``preprocessor_config.json`` -> how pixels of 0..255 become the network's input.

transformers' image processors compute, in this order and each if the file does not switch it off (``do_...``):

    x = pixel * rescale_factor            rescale_factor is 1/255 unless it is given
    x = (x - image_mean) / image_std
    x = x with the channels the other way round: blue first (do_flip_channel_order)

In units of 0..255 that is (pixel - image_mean / rescale_factor) / (image_std / rescale_factor).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from recipebuild.verbs.draft.facts import Fact, Facts, figure

FILE = "preprocessor_config.json"

_FLIPPED = ("MobileViT",)
"""Image processors that turn the channels round unless the file says otherwise."""


def colours(settings: Mapping[str, Any]) -> Facts:
    """``input.color``, ``input.mean`` and ``input.std``, as far as the file says them."""
    kind = str(settings.get("image_processor_type") or settings.get("feature_extractor_type") or "")
    flip = settings.get("do_flip_channel_order", kind.startswith(_FLIPPED))
    fields = {"input.color": Fact("BGR" if flip else "RGB", _colour_reason(settings, kind, flip=bool(flip)))}
    scale = settings.get("rescale_factor", 1 / 255) if settings.get("do_rescale", True) else 1
    if not _is_number(scale) or scale <= 0:
        return fields
    mean, std = settings.get("image_mean"), settings.get("image_std")
    if settings.get("do_normalize", mean is not None and std is not None) is False:
        by = f"{FILE}: do_normalize is off" if "do_normalize" in settings else f"{FILE} has no image_mean"
        fields["input.mean"] = Fact([0, 0, 0], f"{by}, pixels are only scaled")
        fields["input.std"] = Fact([figure(1 / scale)] * 3, "1 / rescale_factor" if scale != 1 else by)
        return fields
    times = "" if math.isclose(scale, 1) else " x 255" if math.isclose(scale, 1 / 255) else " / rescale_factor"
    for field, value, name in (("input.mean", mean, "image_mean"), ("input.std", std, "image_std")):
        three = [value] * 3 if _is_number(value) else value
        if isinstance(three, list) and len(three) == 3 and all(map(_is_number, three)):
            fields[field] = Fact([figure(number / scale) for number in three], f"{name}{times}: {FILE}")
    return fields


def size(settings: Mapping[str, Any]) -> Fact | None:
    """Height and width in pixels that images are brought to, as ``Fact([height, width], why)``."""
    crops = settings.get("do_center_crop", "crop_size" in settings)
    for name in ("crop_size", "size"):
        if name == "crop_size" and not crops:
            continue
        if sides := pair(settings.get(name)):
            return Fact(list(sides), f"{name} in {FILE}")
    return None


def divisor(settings: Mapping[str, Any]) -> int:
    """Of what height and width must be multiples."""
    values = [settings.get(name) for name in ("size_divisor", "size_divisibility", "ensure_multiple_of")]
    return next((value for value in values if isinstance(value, int) and value > 0), 1)


def pair(value: Any) -> tuple[int, int] | None:
    """Height and width as Hugging Face's files write them: a number, a list of two, a mapping; else ``None``."""
    if isinstance(value, Mapping):
        edge = value.get("shortest_edge")
        value = [value.get("height", edge), value.get("width", edge)]
    sides = value if isinstance(value, list) else [value, value]
    if len(sides) == 2 and all(isinstance(side, int) and not isinstance(side, bool) and side > 0 for side in sides):
        return sides[0], sides[1]
    return None


def _colour_reason(settings: Mapping[str, Any], kind: str, *, flip: bool) -> str:
    if "do_flip_channel_order" in settings:
        return f"do_flip_channel_order in {FILE}"
    return f"{kind} turns the channels round" if flip else f"{FILE} leaves the channels as they are"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
