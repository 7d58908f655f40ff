"""``recipebuild tune``: the smallest change of a recipe with which quantization loses little enough.

    tuned = tune("quickstart", Options())
    print(tuned.diff)

A trial is a variant of the recipe like any entry of a matrix: planned, built and evaluated by the engine, and kept in
the store. So a search that was broken off goes on where it was, and trials run wherever steps run. All are built by the
embedded toolchain, on the graph that is for the chip.

The dataset is cut into halves: the search sees one of them, the last figures are of the other.
"""

from __future__ import annotations

import difflib
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipebuild.engine.events import OnEvent
from recipebuild.errors import RecipeError
from recipebuild.facts.metrics import METRICS, metric_title
from recipebuild.files import write_text
from recipebuild.recipe.edit import with_values
from recipebuild.recipe.find import find
from recipebuild.recipe.tune import Tune
from recipebuild.session import DEFAULTS, Options, RecipeName
from recipebuild.verbs.tuning.change import RecipeChange
from recipebuild.verbs.tuning.equalizing import BIASES, left_out, switches_for
from recipebuild.verbs.tuning.search import SearchResult, Start, search
from recipebuild.verbs.tuning.trials import Figures, Trials

__all__ = ["Figures", "Options", "Tuned", "tune"]


@dataclass(frozen=True)
class Tuned:
    """What tuning came to.

    Attributes:
        recipe: The recipe's name.
        path: Its file.
        goal: What was asked for.
        metric: The metric's name.
        search: All trials, and the best one.
        values: The fields that change, and their values; empty if none has to.
        tuning: On the half that the search saw.
        heldout: On the other.
        share: Of multiply-adds in 16 bit.
        text: The recipe with the change.
        diff: The change as a unified diff; empty without one.
    """

    recipe: str
    path: Path
    goal: Tune
    metric: str
    search: SearchResult
    values: dict[str, Any]
    tuning: Figures
    heldout: Figures
    share: float
    text: str
    diff: str

    @property
    def met(self) -> bool:
        """Whether the goal is met, on the images that the search has not seen, too."""
        return self.search.met and self.heldout.drop <= self.goal.max_drop

    @property
    def title(self) -> str:
        """What people call the metric."""
        return metric_title(self.metric)

    @property
    def points(self) -> str:
        """What follows a loss of the metric: `` points`` of a figure in per cent, else nothing."""
        return " points" if METRICS[self.metric].unit == "%" else ""

    def shown(self, value: float) -> str:
        """A figure of the metric, or a loss of it, without its unit: fractions in per cent."""
        if not math.isfinite(value):
            return "failed"
        return f"{100 * value:.2f}" if METRICS[self.metric].unit == "%" else f"{value:.4f}"

    def write(self) -> None:
        """Write the change into the recipe.

        Raises:
            RecipeError: If its file cannot be written.
        """
        try:
            write_text(self.path, self.text)
        except OSError as error:
            raise RecipeError(
                f"{self.path} cannot be written: {error.strerror}", remedy="copy the recipe into your own folder"
            ) from error

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        trials = [
            {
                "change": str(change),
                "values": change.values(()),
                "drop": outcome.drop if math.isfinite(outcome.drop) else None,
                "share_16bit": outcome.share,
                **({"distance": outcome.distance} if outcome.distance is not None else {}),
                **({"error": outcome.error} if outcome.error else {}),
            }
            for change, outcome in self.search.trials
        ]
        return {
            "recipe": self.recipe, "met": self.met, "met_on_tuning": self.search.met, "cut": self.search.cut,
            "metric": self.metric,
            "goal": self.goal.model_dump(), "change": self.values, "share_16bit": self.share,
            "tuning": vars(self.tuning), "heldout": vars(self.heldout), "trials": trials, "diff": self.diff,
        }  # fmt: skip


def tune(recipe: RecipeName, options: Options = DEFAULTS, on_event: OnEvent = lambda event: None) -> Tuned:
    """Search for the smallest change that meets the recipe's ``tune``, and measure it on images that were kept apart.

    Args:
        recipe: A path, or the name of a shipped recipe.
        options: How to build.
        on_event: Called with each event of each step.

    Raises:
        RecipeError: If the recipe is wrong, has a matrix, no ``evaluate``, or too few images to cut into halves.
        RecipebuildError: If the recipe as it is cannot be built.
        Interrupted: After Ctrl-C; what was built is kept, and another call goes on from there.
    """
    trials = Trials(str(recipe), options, on_event)
    own = trials.own
    goal = own.tune or Tune()
    began = time.monotonic()
    quantization = own.quantization
    biases = [] if quantization.smooth_quant or quantization.finetune else [BIASES]  # these change the weights
    equalize = left_out(own.equalize, [*switches_for(trials.model()), *biases])
    start = Start(quantization.method, own.calibration.count, equalize)
    result = search(
        start, goal, lambda changes: trials.measure(changes, "tuning"), trials.blocks,
        lambda: time.monotonic() - began < 60 * goal.minutes,
    )  # fmt: skip
    kept = [RecipeChange(), result.best]
    last = trials.measure(kept, "heldout")
    values = result.best.values(trials.layers)
    path = find(str(recipe), Path.cwd())
    before = path.read_bytes().decode("utf-8-sig")
    after = with_values(before, values) if values else before
    shown = os.path.relpath(path)
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), _ended(after).splitlines(keepends=True), shown, shown, n=2
    )
    return Tuned(
        own.name, path, goal, trials.metric, result, values,
        trials.figures([result.outcome(change) for change in kept]),
        trials.figures(last), last[1].share, after, "".join(lines),
    )  # fmt: skip


def _ended(text: str) -> str:
    """With a line break at its end: a diff of a text without one cannot be read."""
    return text if text.endswith("\n") or not text else f"{text}\n"
