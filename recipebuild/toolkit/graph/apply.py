"""Passes applied to a graph in memory, one after the other; what each did, and why it did no more.

Use: ``done = rewrite(prepare(load_ir(path)), defaults("AX650"))``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.graph.edit import Edit
from recipebuild.toolkit.graph.passes import PASSES
from recipebuild.toolkit.graph.promises import hold_sight, obscured, too_old

if TYPE_CHECKING:
    import onnx_ir as ir

_CLEANUP = ("fold_layer_scale", "transpose_4d", "merge_moves", "sink_reshape")
_LAST = tuple(PASSES)[tuple(PASSES).index("share_equal") :]
"""What another pass may make possible is done again after each that comes later, but for the last, which undo some."""


@dataclass(frozen=True)
class Applied:
    """What a pass did: how often, and how many nodes the graph had before and after."""

    name: str
    times: int
    before: int
    after: int


@dataclass(frozen=True)
class Refused:
    """How many places a pass left as they were when it was last tried, for a reason that its guard gave."""

    name: str
    reason: str
    times: int


@dataclass(frozen=True)
class RewriteOutcome:
    """What passes did, and what they left: in the order of the passes, and the most frequent reason first."""

    applied: tuple[Applied, ...] = ()
    refused: tuple[Refused, ...] = ()


def rewrite(model: ir.Model, names: Sequence[str]) -> RewriteOutcome:
    """Apply passes in the order of ``PASSES``, each until it finds nothing more.

    Args:
        model: What ``prepare`` gives; changed in place.
        names: Which passes.

    Raises:
        BrokenPromiseError: If a pass is wrong: it leaves what the next ones cannot work on.
    """
    from onnx_ir.passes import common

    edit = Edit(model.graph)
    cleanup: list[str] = []
    applied: list[Applied] = []
    refused: dict[str, Counter[str]] = {}

    unknown = obscured(model.graph)

    def apply(name: str) -> int:
        before = len(model.graph)
        times, refused[name] = _apply(edit, name)
        if times:
            hold_sight(name, unknown, model.graph)
            if name in cleanup and name not in {each.name for each in applied}:  # what a later pass made possible
                applied.append(Applied(name, times, before, len(model.graph)))
        return times

    for name in PASSES:
        if name not in names:
            continue
        if reason := too_old(model, PASSES[name]):
            refused[name] = Counter([reason])
            continue
        before = len(model.graph)
        times = apply(name)
        if times:
            while name not in _LAST and sum(apply(again) for again in cleanup) > 0:
                times += apply(name)
            applied.append(Applied(name, times, before, len(model.graph)))
        if name in _CLEANUP:
            cleanup.append(name)
    common.RemoveUnusedOpsetsPass()(model)
    model.graph.sort()  # a pass puts a node where it is needed; what took the old one may stand before that
    _name_apart(model.graph)
    return RewriteOutcome(tuple(applied), tuple(_refusals(refused)))


def _apply(edit: Edit, name: str) -> tuple[int, Counter[str]]:
    """How often the pass found and changed something, and how often it may not in what is left, by reason."""
    one = PASSES[name]
    times = 0
    while True:
        changed, reasons = 0, Counter[str]()
        for node in list(edit.graph):
            if node.graph is None:
                continue  # gone with an earlier match
            match = one.pattern(node)
            if match is None:
                continue
            reason = one.check(match)
            if reason is None:
                one.rewrite(edit, match)
                changed += 1
            else:
                reasons[reason] += 1
        if not changed:
            return times, reasons
        times += changed


def _refusals(counts: Mapping[str, Counter[str]]) -> Iterator[Refused]:
    for name in PASSES:
        for reason, times in sorted(counts.get(name, {}).items(), key=lambda pair: (-pair[1], pair[0])):
            yield Refused(name, reason, times)


def _name_apart(graph: ir.Graph) -> None:
    """Give nodes without a name, or with one that another has, that of what they make."""
    seen: set[str | None] = {None, ""}
    for node in graph:
        if node.name in seen:
            node.name = node.outputs[0].name
        seen.add(node.name)
