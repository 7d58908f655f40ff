"""Greedy search: settings one by one, those that help together, then blocks in 16 bit by what they win for their cost.

    result = search(Start("MinMax", 32), goal, measure, blocks)

It ends as soon as something meets the target, with the cheapest kind of change first: settings cost nothing on the
chip, 16 bits in operators without multiply-adds little, in blocks more. What met the target is then made smaller:
whatever can be left out is. Blocks are ordered as if what they lose added up, as in HAWQ-V2 (Z. Dong et al.,
arXiv:1911.03852); trials correct that. With such an order there is little for a general optimizer to find that a prefix
of it does not have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from recipebuild.figures.evaluation import Evaluation
from recipebuild.verbs.tuning.change import RecipeChange, TunableBlock
from recipebuild.verbs.tuning.equalizing import Setting

METHODS = ("MinMax", "Percentile", "MSE", "KL")
OPERATORS = (
    ("Add",),
    ("Add", "LayerNormalization"),
    ("Softmax",),
    ("Add", "LayerNormalization", "Concat"),
    ("Add", "LayerNormalization", "Softmax"),
)
"""Types of operators that get 16 bits together, without a multiply-add more: the residual stream first. What a Concat
joins has one type, so it comes along with its inputs."""
_LEAST_IMAGES = 4
_METHOD, _COUNT = "quantization.method", "calibration.count"
_WORTH = 0.02
"""Blocks with a smaller share of the largest one's gain are left in 8 bit."""
_CHEAP = 0.02
"""What a block costs beyond its multiply-adds: that somebody has to read it."""
_CHANCE = 0.05
"""Of what is lost: what a setting must win to be taken on."""
_NOISE = 1e-9


class Goal(Protocol):
    """Where to come to, and what may be spent; the recipe's section ``tune``."""

    @property
    def max_drop(self) -> float:
        """The largest drop that is good enough."""

    @property
    def max_16bit_share(self) -> float:
        """The largest share of multiply-adds in 16 bit, 0..1."""

    @property
    def trials(self) -> int:
        """How many changes to try."""


@dataclass(frozen=True)
class Start:
    """What the recipe says.

    Attributes:
        method: How ranges become scales.
        count: Of calibration images.
        equalize: Settings of ``equalize`` that it does not have.
    """

    method: str
    count: int
    equalize: tuple[Setting, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What a trial came to.

    Attributes:
        drop: By how much the quantized model is worse than the float one, in the metric's own unit; 0 where it is
            better, which is chance.
        share: Of multiply-adds in 16 bit.
        evaluation: All that was measured; ``None`` of a trial that failed.
        distance: How far the quantized answers are from the float ones, which the search makes small: it tells changes
            apart that the metric, which goes by the labels, finds alike. ``None`` goes by ``drop``.
        error: Why it failed.
    """

    drop: float
    share: float = 0.0
    evaluation: Evaluation | None = None
    error: str = ""
    distance: float | None = None

    @property
    def loss(self) -> float:
        """What is to be made small."""
        return self.drop if self.distance is None else self.distance


def failed(error: str) -> Outcome:
    """The outcome of a variant that could not be built."""
    return Outcome(float("inf"), 1.0, error=error)


Measure = Callable[[Sequence[RecipeChange]], Sequence[Outcome]]
"""Builds and evaluates variants, all at once; ``failed`` of those that could not be built."""


@dataclass
class SearchResult:
    """What a search came to.

    Attributes:
        trials: All that was tried, in order; the first is the recipe as it is.
        best: The change to make: the smallest that was found to meet the goal, or else that with the smallest drop.
        met: Whether it meets the goal.
        cut: Why the search ended before it was through; empty if it was.
    """

    trials: list[tuple[RecipeChange, Outcome]]
    best: RecipeChange
    met: bool
    cut: str = ""

    def outcome(self, change: RecipeChange) -> Outcome:
        """What a change that was tried came to."""
        return next(outcome for tried, outcome in self.trials if tried.key == change.key)


def search(
    start: Start,
    goal: Goal,
    measure: Measure,
    blocks: Callable[[RecipeChange], Sequence[TunableBlock]],
    in_time: Callable[[], bool] = lambda: True,
) -> SearchResult:
    """Find the smallest change that meets the goal.

    Args:
        start: The recipe's settings, which are not tried again.
        goal: Where to come to.
        measure: What tries changes.
        blocks: The blocks of the model with given settings, and what each would win.
        in_time: Whether there is time for more trials.
    """
    return _Search(start, goal, measure, blocks, in_time).run()


class _Stopped(Exception):  # noqa: N818 - it ends the search, and is no error
    """No trials, or no time, are left."""


class _Search:
    def __init__(
        self,
        start: Start,
        goal: Goal,
        measure: Measure,
        blocks: Callable[[RecipeChange], Sequence[TunableBlock]],
        in_time: Callable[[], bool],
    ) -> None:
        self._start, self._goal, self._measure, self._blocks, self._in_time = start, goal, measure, blocks, in_time
        self._tried: dict[str, tuple[RecipeChange, Outcome]] = {}

    def run(self) -> SearchResult:
        cut = ""
        try:
            self._search()
        except _Stopped as reason:
            cut = str(reason)
        trials = list(self._tried.values())
        good = [change for change, outcome in trials if self._meets(outcome)]
        fits = [change for change, outcome in trials if outcome.share <= self._goal.max_16bit_share + _NOISE]
        if good:
            return SearchResult(trials, min(good, key=self._size), True, cut)
        return SearchResult(trials, min(fits or [RecipeChange()], key=self._loss), False, cut)

    def _search(self) -> None:
        if self._any([RecipeChange()]):
            return
        settings = self._with_settings(RecipeChange())
        if self._meets_already(settings):
            self._smaller(settings)
            return
        # Settings that are best for all of the model in 8 bit need not be so for what stays in 8 bit: a clipped range,
        # for one, is clipped in 16 bit, too.
        operators = self._with_operators(settings)
        if self._meets_already(operators):
            self._smaller(operators)
            return
        for base in {change.key: change for change in (RecipeChange(), settings, operators)}.values():
            wide = self._wide(base)
            if wide is not None:
                self._smaller(wide)
                return
        best = min((change for change, _ in self._tried.values() if change.wide), key=self._loss, default=None)
        if best is not None and self._meets_already(adjusted := self._with_settings(best)):
            self._smaller(adjusted)

    def _with_settings(self, base: RecipeChange) -> RecipeChange:
        """A change with one other setting, if that is enough; else with those that help, one after the other."""
        singles = [(name, value, base.with_setting(name, value)) for name, value in self._settings(base)]
        if self._any([single for *_, single in singles]):
            return min((change for *_, change in singles if self._meets_already(change)), key=self._size)
        current, chosen = base, set[str]()
        for name, value, single in sorted(singles, key=lambda entry: self._loss(entry[2])):
            if name in chosen or not self._helps(single, base):
                continue
            more = current.with_setting(name, value)
            enough = self._any([more])
            if self._helps(more, current):
                current = more
                chosen.add(name)
            if enough:
                return more
        return current

    def _with_operators(self, base: RecipeChange) -> RecipeChange:
        """A change with operators in 16 bit that have no multiply-adds, if that helps."""
        wider = [replace(base, operators=operators) for operators in OPERATORS]
        if self._any(wider):
            return min((change for change in wider if self._meets_already(change)), key=self._size)
        best = min(wider, key=self._loss)
        return best if self._helps(best, base) else base

    def _settings(self, base: RecipeChange) -> Iterable[tuple[str, object]]:
        """Each other value of each setting."""
        yield from (each for each in self._start.equalize if each[0] not in base.settings)
        method = base.settings.get(_METHOD, self._start.method)
        yield from ((_METHOD, other) for other in METHODS if other != method)
        if _COUNT not in base.settings:
            yield _COUNT, 2 * self._start.count
            if self._start.count // 2 >= _LEAST_IMAGES:
                yield _COUNT, self._start.count // 2

    def _helps(self, change: RecipeChange, before: RecipeChange) -> bool:
        """Whether a change loses less by more than what chance would do."""
        return self._loss(change) < (1 - _CHANCE) * self._loss(before)

    def _wide(self, settings: RecipeChange) -> RecipeChange | None:
        """The shortest prefix of the blocks, in order of gain for cost, that meets the goal with these settings."""
        order = self._order(settings)
        lengths = list(range(1, len(order) + 1))
        few = sorted({n for n in (1, 2, 3, 5, 8, 13, 21, 34) if n < len(order)} | ({len(order)} if order else set()))
        prefix = {n: replace(settings, wide=tuple(order[:n])) for n in lengths}
        self._any([prefix[n] for n in few])
        good = next((n for n in few if self._meets_already(prefix[n])), None)
        if good is None:
            return None
        short = max((n for n in few if n < good), default=0)
        while good - short > 1:
            middle = (good + short) // 2
            good, short = (middle, short) if self._any([prefix[middle]]) else (good, middle)
        return prefix[good]

    def _order(self, settings: RecipeChange) -> list[TunableBlock]:
        """Blocks that are worth 16 bits, as many as fit into the budget."""
        blocks = self._blocks(settings)
        least = _WORTH * max((block.gain for block in blocks), default=0.0)
        order: list[TunableBlock] = []
        for block in sorted(blocks, key=lambda block: -block.gain / (block.share + _CHEAP)):
            share = sum(block.share for block in order) + block.share
            if block.gain > least and share <= self._goal.max_16bit_share:
                order.append(block)
        return order

    def _smaller(self, change: RecipeChange) -> None:
        """Leave out what can be left out, the most costly first, until nothing more can be."""
        while True:
            fewer = [change.without_setting(name) for name in change.settings]
            fewer += [
                replace(change, wide=tuple(kept for kept in change.wide if kept is not block))
                for block in sorted(change.wide, key=lambda block: -block.share)
            ]
            fewer += [
                replace(change, operators=tuple(kept for kept in change.operators if kept != operator))
                for operator in change.operators
            ]
            fewer = [change for change in fewer if change.parts]
            self._any(fewer)
            good = [change for change in fewer if self._meets_already(change)]
            if not good:
                return
            change = min(good, key=self._size)

    def _size(self, change: RecipeChange) -> tuple[float, int, float]:
        """How large a change is: share in 16 bit in whole per cents, then things to read, then what it loses."""
        outcome = self._tried[change.key][1]
        return round(outcome.share, 2), change.parts, outcome.loss

    def _meets(self, outcome: Outcome) -> bool:
        fits = outcome.share <= self._goal.max_16bit_share + _NOISE
        return fits and outcome.drop <= self._goal.max_drop + _NOISE

    def _loss(self, change: RecipeChange) -> float:
        return self._tried[change.key][1].loss

    def _any(self, changes: Sequence[RecipeChange]) -> bool:
        """Try changes that were not tried yet, as many as there may be; tell whether any of them meets the goal."""
        new = {change.key: change for change in changes if change.key not in self._tried}
        allowed = list(new.values())[: max(0, self._goal.trials - len(self._tried))]
        if new and not self._in_time() and self._tried:
            raise _Stopped("the time is up")
        if allowed:
            for change, outcome in zip(allowed, self._measure(allowed), strict=True):
                self._tried[change.key] = (change, outcome)
        if len(allowed) < len(new):
            raise _Stopped(f"{self._goal.trials} trials are done")
        return any(self._meets_already(change) for change in changes)

    def _meets_already(self, change: RecipeChange) -> bool:
        return self._meets(self._tried[change.key][1])
