"""The recipe's board: the program there that runs the model, and what the recipe must be for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from recipebuild.facts.runners import Runner, runners
from recipebuild.recipe.layers import merge
from recipebuild.recipe.section import Count, Section

if TYPE_CHECKING:
    from recipebuild.recipe.schema import Recipe

Fraction = Annotated[float, Field(ge=0, le=1)]
Fault = tuple[tuple[str, ...], str, str]
"""Field, what is wrong with it, what to write in its place."""


class Board(Section):
    """The board: what runs the model there, and how it is measured."""

    runner: Literal["ax_segformer", "ax_dinov2", "ax_depth_anything", "ax_glpdepth"] | None = Field(
        default=None,
        description="Program of ax-samples that runs the model: the build matches its inputs and outputs",
    )
    repeat: Count = Field(default=100, description="Timed runs, 1 or more")
    warmup: Annotated[int, Field(ge=0, le=100_000)] = Field(
        default=10, description="Warm-up runs before those, 0 or more"
    )
    affinity: Annotated[int, Field(ge=1, le=7)] | None = Field(
        default=None, description="Mask of the NPU cores to use, 1 to 7; by default the board's program decides"
    )
    vnpu: Annotated[int, Field(ge=0, le=2)] | None = Field(
        default=None, description="Virtual NPU: 0 off, 1 standard, 2 big and little; by default the program decides"
    )
    min_agreement: Fraction = Field(
        default=0.9, description="Smallest fraction of pixels, 0 to 1, to which board and host give the same class"
    )
    min_cosine: Fraction = Field(
        default=0.98, description="Smallest mean cosine, 0 to 1, between an output on the board and on the host"
    )


def for_runner(data: dict[str, Any]) -> dict[str, Any]:
    """A recipe's merged values, with what its ``board.runner`` needs where the recipe says nothing on it."""
    board, head = data.get("board"), data.get("head")
    runner = runners().get(str(board.get("runner"))) if isinstance(board, dict) and "runner" in board else None
    if runner is None:
        return data
    if "class_ids" in runner.outputs and isinstance(head, dict) and head.get("kind") == "argmax":
        data = {**data, "head": {"keep_logits": True, **head}}
    needs: dict[str, Any] = {"target": {"runtime_input": {"format": runner.color}}}
    if "class_ids" not in runner.outputs and (head is None or (isinstance(head, dict) and head.get("kind") == "none")):
        needs["head"] = {"kind": "none", **({"add_axis": 1} if "depth" in runner.outputs else {})}
    model = data.get("model")
    if "features" in runner.outputs and isinstance(model, dict) and model.get("task") == runner.task:
        needs["model"] = {"features": "patches"}
    return merge(needs, data)


def contradictions(recipe: Recipe) -> Iterator[Fault]:
    """What in a recipe its ``board.runner`` cannot work with."""
    if recipe.board.runner is None:
        return
    runner = runners()[recipe.board.runner]
    if recipe.model.task != runner.task:
        yield (
            ("board", "runner"),
            f"{runner.name} is for {runner.task}, and model.task is {recipe.model.task}",
            _WAY_OUT,
        )
        return
    yield from _head(recipe, runner)
    yield from _input(recipe, runner)


_WAY_OUT = "remove board.runner: the bundle's own run.py runs any model"


def _head(recipe: Recipe, runner: Runner) -> Iterator[Fault]:
    head = recipe.head
    if "class_ids" not in runner.outputs:
        if head.kind != "none":
            yield ("head", "kind"), f"{runner.name} reads the network's own output", "head: {kind: none}"
        if recipe.model.features not in (None, "patches"):
            yield (
                ("model", "features"),
                f"{runner.name} reads the tokens of patches, not {recipe.model.features}",
                "features: patches, or leave it out",
            )
        return
    if head.kind != "argmax":
        yield ("head", "kind"), f"{runner.name} reads class ids as output 1", "head: {kind: argmax, keep_logits: true}"
        return
    if not head.keep_logits:
        yield (
            ("head", "keep_logits"),
            f"{runner.name} reads class ids as output 1, after the logits",
            "keep_logits: true, or leave it out",
        )
    if head.axis not in (1, -3):
        yield ("head", "axis"), f"{runner.name} takes a class for each pixel: axis 1 of N, C, H, W", "axis: 1"


def _input(recipe: Recipe, runner: Runner) -> Iterator[Fault]:
    if recipe.image is None:
        yield ("board", "runner"), f"{runner.name} feeds an image, and the model takes none", _WAY_OUT
        return
    batch, _, height, width = recipe.image.shape
    if batch != 1:
        yield ("input", "shape"), f"{runner.name} feeds one image at a time", f"shape: [1, 3, {height}, {width}]"
    if not runner.any_size and (height, width) != runner.size:
        h, w = runner.size
        yield ("input", "shape"), f"{runner.name} feeds {h}x{w} only, not {height}x{width}", f"shape: [1, 3, {h}, {w}]"
    runtime = recipe.target.runtime_input
    place = ("target", "runtime_input")
    if runtime.format != runner.color:
        yield (
            (*place, "format"),
            f"{runner.name} feeds {runner.color}, not {runtime.format}",
            f"format: {runner.color}, or leave it out: the swap is folded into the network's weights",
        )
    if (runtime.dtype, runtime.layout) != ("U8", "NHWC"):
        yield place, f"{runner.name} feeds U8 in NHWC", "leave dtype and layout out"
