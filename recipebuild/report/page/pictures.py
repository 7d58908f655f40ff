"""The section with pictures: input, ground truth, what the models give, and where they differ, under a slider."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from recipebuild.report.page.built import Built
from recipebuild.report.page.parts import PageSection
from recipebuild.toolkit.evaluate.gallery import STRONGER

_ORDER = ("input", "ground-truth", "target", "float", "quantized", "board", "difference")
_TYPES = {".png": "image/png", ".jpg": "image/jpeg"}


def pictures(built: Built, budget: int) -> PageSection | None:
    """The pictures of the step preview; ``None`` if there are none.

    Args:
        built: The build.
        budget: How many bytes of pictures the page may still take; what is beyond is left out, and that is said.
    """
    entry = built.step("preview")
    names = [output["name"] for output in entry["outputs"] if output["name"].startswith("panels/")] if entry else []
    rows: dict[str, dict[str, bytes]] = {}
    kinds: dict[str, str] = {}
    left_out = False
    for name in sorted(names, key=_place):
        row, _, file = name.removeprefix("panels/").partition("/")
        stem, dot, ending = file.rpartition(".")
        if dot + ending not in _TYPES or (content := built.output("preview", name)) is None:
            continue
        if len(content) > budget:
            left_out = True
            continue
        budget -= len(content)
        title = stem.replace("-", " ")
        kinds[title] = _TYPES[dot + ending]
        rows.setdefault(row, {})[title] = content
    if not rows:
        return None
    titles = list(dict.fromkeys(title for row in rows.values() for title in row))
    changed = {row: _changed(shown) for row, shown in rows.items()}
    order = sorted(rows, key=lambda row: -(changed[row] or 0))  # the worst first
    note = "Drag the slider to lay one picture over the other, or click a picture to enlarge it."
    if any(changed.values()):
        note += " The image that quantization changes most comes first."
    classes = _classes(built)
    if "difference" in titles:
        note += (
            " In the difference, red marks each pixel whose class changed by quantization."
            if classes
            else f" The difference that quantization makes is shown {STRONGER} times as strong as it is."
        )
    if left_out:
        note += " Some pictures are left out, to keep the page small; they are in the build folder."
    shown = [
        {title: f"data:{kinds[title]};base64,{b64encode(content).decode()}" for title, content in rows[row].items()}
        for row in order
    ]
    said = ["" if (part := changed[row]) is None else f"{100 * part:.1f} % changed" for row in order]
    more = {"rows": shown, "changed": said, "titles": titles, "classes": classes, "id": built.label or "all"}
    return PageSection("pictures", "Pictures", note, more={"pictures": more})


def _changed(row: Mapping[str, bytes]) -> float | None:
    """The share (0..1) of pixels that the quantized model gives otherwise; ``None`` if a picture is missing."""
    if "float" not in row or "quantized" not in row:
        return None
    from PIL import Image, ImageChops

    one, other = (Image.open(io.BytesIO(row[title])).convert("RGB") for title in ("float", "quantized"))
    if one.size != other.size:
        return None
    red, green, blue = ImageChops.difference(one, other).split()
    same = ImageChops.lighter(ImageChops.lighter(red, green), blue).histogram()[0]
    return 1 - same / (one.width * one.height)


def _place(name: str) -> tuple[str, int]:
    row, _, file = name.removeprefix("panels/").partition("/")
    stem = file.rpartition(".")[0]
    return row, _ORDER.index(stem) if stem in _ORDER else len(_ORDER)


def _classes(built: Built) -> list[dict[str, Any]]:
    """The classes of the legend: those that were seen in the evaluation, or all."""
    classes = built.json("preview", "panels/classes.json")
    if not isinstance(classes, list):
        return []
    seen = (built.evaluation and built.evaluation.per_class) or {}
    chosen = [entry for index, entry in enumerate(classes) if not seen or str(index) in seen]
    return [entry for entry in chosen if str(entry.get("color", "")).lstrip("#").isalnum()]
