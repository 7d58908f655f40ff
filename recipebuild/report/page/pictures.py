"""The section with pictures: input, ground truth, what the models give, and where they differ, under a slider."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from recipebuild.report.page.built import Built
from recipebuild.report.page.parts import PageSection
from recipebuild.toolkit.evaluate.gallery import STRONGER

_ORDER = ("input", "ground-truth", "target", "float", "quantized", "board", "difference")


def pictures(built: Built, budget: int) -> PageSection | None:
    """The pictures of the step preview; ``None`` if there are none.

    Args:
        built: The build.
        budget: How many bytes of pictures the page may still take; what is beyond is left out, and that is said.
    """
    rows, left_out = panels(built, budget)
    if not rows:
        return None
    titles = list(dict.fromkeys(title for row in rows.values() for title in row))
    changed = {row: _changed(shown.get("float"), shown.get("quantized")) for row, shown in rows.items()}
    order = sorted(rows, key=lambda row: -(changed[row] or 0))  # the worst first
    note = "Drag the slider to lay one picture over the other, or click a picture to enlarge it."
    if any(changed.values()):
        note += " The image that quantization changes most comes first."
    classes = legend(built)
    if "difference" in titles:
        note += (
            " In the difference, red marks each pixel whose class quantization changes."
            if classes
            else f" The difference between float and quantized is amplified {STRONGER} times."
        )
    if left_out:
        note += " Some pictures are left out to keep the page small; the build folder has them all."
    more = {
        "rows": [{title: inline(content) for title, content in rows[row].items()} for row in order],
        "changed": [_share_text(changed[row]) for row in order],
        "titles": titles,
        "classes": classes,
        "left": "input",
        "right": "quantized" if "quantized" in titles else "float",
    }
    return PageSection("pictures", "Pictures", note, more={"pictures": more})


def side_by_side(builds: Sequence[Built], titles: Sequence[str], budget: int) -> PageSection | None:
    """What several quantized models give for the same images; ``None`` if they share no image.

    Args:
        builds: The builds.
        titles: What they are called.
        budget: As of ``pictures``.
    """
    every = [panels(built, budget // len(builds))[0] for built in builds]
    first = every[0]
    shared = [
        row
        for row, shown in first.items()
        if "input" in shown
        and all(each.get(row, {}).get("input") == shown["input"] and "quantized" in each[row] for each in every)
    ]
    if not shared:
        return None
    changed = {}
    for row in shared:
        shares = [_changed(first[row]["quantized"], each[row]["quantized"]) or 0.0 for each in every[1:]]
        changed[row] = max(shares)
    known = [title for title in ("input", "ground truth") if title in first[shared[0]]]
    order = sorted(shared, key=lambda row: -changed[row])
    more = {
        "rows": [
            {title: inline(first[row][title]) for title in known if title in first[row]}
            | {title: inline(each[row]["quantized"]) for title, each in zip(titles, every, strict=True)}
            for row in order
        ],
        "changed": [_share_text(changed[row]) for row in order],
        "titles": [*known, *titles],
        "classes": legend(builds[0]),
        "left": titles[0],
        "right": titles[-1],
    }
    note = (
        "What each quantized model gives. Drag the slider to lay one picture over the other, or click a picture to "
        f"enlarge it. The image that differs most from {titles[0]} comes first."
    )
    return PageSection("pictures", "Pictures", note, more={"pictures": more})


def panels(built: Built, budget: int) -> tuple[dict[str, dict[str, bytes]], bool]:
    """The pictures of the step preview, by row and title, within a budget of bytes; and whether some are left out."""
    entry = built.step("preview")
    names = [output["name"] for output in entry["outputs"] if output["name"].startswith("panels/")] if entry else []
    rows: dict[str, dict[str, bytes]] = {}
    left_out = False
    for name in sorted(names, key=_place):
        row, _, file = name.removeprefix("panels/").partition("/")
        stem, _, ending = file.rpartition(".")
        if ending not in ("png", "jpg") or (content := built.output("preview", name)) is None:
            continue
        if len(content) > budget:
            left_out = True
            continue
        budget -= len(content)
        rows.setdefault(row, {})[stem.replace("-", " ")] = content
    return rows, left_out


def inline(content: bytes) -> str:
    """A PNG or JPEG file as a ``data:`` address."""
    kind = "png" if content.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{b64encode(content).decode()}"


def _share_text(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} % changed"


def _changed(before: bytes | None, after: bytes | None) -> float | None:
    """The share (0..1) of pixels in which two pictures differ; ``None`` if one is missing or of another size."""
    if before is None or after is None:
        return None
    from PIL import Image, ImageChops

    one, other = (Image.open(io.BytesIO(content)).convert("RGB") for content in (before, after))
    if one.size != other.size:
        return None
    red, green, blue = ImageChops.difference(one, other).split()
    same = ImageChops.lighter(ImageChops.lighter(red, green), blue).histogram()[0]
    return 1 - same / (one.width * one.height)


def _place(name: str) -> tuple[str, int]:
    row, _, file = name.removeprefix("panels/").partition("/")
    stem = file.rpartition(".")[0]
    return row, _ORDER.index(stem) if stem in _ORDER else len(_ORDER)


def legend(built: Built) -> list[dict[str, Any]]:
    """The classes of the legend: those that were seen in the evaluation, or all."""
    classes = built.json("preview", "panels/classes.json")
    if not isinstance(classes, list):
        return []
    seen = (built.evaluation and built.evaluation.per_class) or {}
    chosen = [entry for index, entry in enumerate(classes) if not seen or str(index) in seen]
    return [entry for entry in chosen if str(entry.get("color", "")).lstrip("#").isalnum()]
