"""Equalize a model: find sites, choose scales by predicted noise, try each on a real input, fold, find it the same.

Source: ``docs/equalize.md``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from recipebuild.toolkit.equalize import layer_norm, linear, query_key
from recipebuild.toolkit.equalize.attention import WORTH, LongRows, Quotient, deferred, gains, long_rows, ranges_of
from recipebuild.toolkit.equalize.fold import Constants, Scaled, folded
from recipebuild.toolkit.equalize.noise import Linear, Noisy, Score, Spread, choose
from recipebuild.toolkit.equalize.parts import in_parts
from recipebuild.toolkit.equalize.same import Same, harmless, named
from recipebuild.toolkit.equalize.site import Site, Technique
from recipebuild.toolkit.equalize.statistics import Measured, Wanted, kept_axes, measure, spread_of
from recipebuild.toolkit.equalize.tokens import RATIO, differ, ends, kinds, norm_of
from recipebuild.toolkit.equalize.tokens import gains as token_gains
from recipebuild.toolkit.equalize.trace import Graph
from recipebuild.toolkit.equalize.trial import Tensors, Trials
from recipebuild.toolkit.graph.model import opset_of
from recipebuild.toolkit.quantize.view import view

if TYPE_CHECKING:
    import numpy.typing as npt
    import onnx

    from recipebuild.toolkit.quantize.dataset import Batches
    from recipebuild.toolkit.quantize.view import View

TECHNIQUES: Mapping[str, Technique] = {
    "layer_norm": layer_norm.sites,
    "linear": linear.sites,
    "query_key": query_key.sites,
}
"""By name, in the order in which they are applied."""

_WORTH = 0.1
"""dB; a site that promises less is left as it is."""


@dataclass(frozen=True)
class Done:
    """A site that was equalized.

    Attributes:
        technique: Which one.
        tensor: The tensor whose channels were divided; of attention the scores, of tokens what is in parts.
        channels: How many; of attention the keys of a row, of tokens the parts.
        predicted: What was to be won, in dB of signal to noise of what takes the tensor.
        measured: What was won on the first calibration image, by the worst of what takes it.
    """

    technique: str
    tensor: str
    channels: int
    predicted: float
    measured: float


@dataclass(frozen=True)
class Equalized:
    """An equalized model.

    Attributes:
        model: It: the same operators with other constants; of attention with a division in another place, of tokens
            with operators for each kind.
        sites: What was done.
        refused: How many places were left as they are, by technique and reason.
        rolled_back: Tensors of sites that were taken back, as they changed the output of the model.
        relative: How far an output is from what it was at most: root mean square over root mean square.
    """

    model: onnx.ModelProto
    sites: tuple[Done, ...]
    refused: Mapping[tuple[str, str], int]
    rolled_back: tuple[str, ...]
    relative: float


def equalize(
    model: onnx.ModelProto,
    techniques: Sequence[str],
    batches: Batches,
    progress: Callable[[float, str], None] = lambda fraction, text: None,
    attention: Quotient | None = None,
    tokens: bool = False,
) -> Equalized:
    """Equalize a copy of the model.

    Args:
        model: In float32, with static shapes, and types and shapes of all tensors where ONNX can infer them.
        techniques: Names out of ``TECHNIQUES``.
        batches: The calibration set as the model's inputs.
        progress: Told how far it is.
        attention: Defer the division of attention over long rows, with what it takes in this type; ``None`` does not.
        tokens: Keep kinds of tokens apart where their ranges differ.

    Raises:
        StepError: If ONNX Runtime cannot run the model.
    """
    share = 1.0 - 0.1 * bool(attention) - 0.3 * tokens
    result = _scaled(model, techniques, batches, lambda fraction, text: progress(share * fraction, text))
    if tokens:
        progress(share, "kinds of tokens")
        result = _with_tokens(model, result, batches)
    if attention:
        progress(0.9, "attention over long rows")
        result = _with_long_rows(model, result, batches, attention)
    return result


def _scaled(
    model: onnx.ModelProto, techniques: Sequence[str], batches: Batches, progress: Callable[[float, str], None]
) -> Equalized:
    """With scales moved between constants."""
    import onnx

    plain = onnx.shape_inference.infer_shapes(named(model), data_prop=True)
    opset = opset_of(plain)
    graph = Graph(view(plain), {tensor.name: tensor for tensor in plain.graph.initializer}, opset)
    refused: Counter[tuple[str, str]] = Counter()
    sites: list[Site] = []
    for name in (name for name in TECHNIQUES if name in techniques):
        survey = TECHNIQUES[name](graph)
        sites += survey.sites
        refused.update({(name, reason): times for reason, times in survey.refused.items()})
    if not sites:
        return Equalized(model, (), refused, (), 0.0)
    total = len(batches)
    measured = measure(
        plain,
        [wanted for site in sites for wanted in _wanted(site)],
        lambda name: len(graph.view.shapes[name]),
        batches,
        lambda done: progress(0.8 * done / total, f"channels, sample {done} of {total}"),
    )
    first: Any = next(iter(batches))
    constants = Constants(plain)
    tried = Trials(plain, graph, sites, first)
    chosen: list[tuple[Scaled, Done]] = []
    for number, site in enumerate(sites):
        progress(0.8 + 0.15 * number / len(sites), "scales")
        scaled, done = _chosen(site, graph, measured, constants, tried)
        if scaled is None:
            refused[site.technique, "it would win nothing"] += 1
        elif done.measured <= 0:
            refused[site.technique, "it won nothing when it was tried"] += 1
        else:
            chosen.append((scaled, done))
            constants.scale(scaled)
    progress(0.95, "the same function")
    same = Same(plain, first)
    kept, equalized = harmless(plain, chosen, same, folded)
    rolled_back = tuple(done.tensor for _, done in chosen if done not in kept)
    return Equalized(equalized, tuple(kept), refused, rolled_back, same(equalized))


def _wanted(site: Site) -> list[Wanted]:
    """What must be known of a site: its channels where they are taken, and what comes out there."""
    return [
        *(Wanted(use.node.input[use.position], kept_axes(use.channels)) for use in site.uses),
        *(Wanted(use.node.output[0]) for use in site.uses),
    ]


def _chosen(
    site: Site, graph: Graph, measured: Mapping[Wanted, Measured], constants: Constants, tried: Trials
) -> tuple[Scaled | None, Done]:
    """The scales of a site and what they win; ``None`` for scales that promise nothing."""
    import numpy as np

    takers: list[Noisy] = []
    if site.key:
        of_key, of_query = (spread_of(use, site.count, measured) for use in (site.key.use, site.key.query))
        one = of_query
        takers.append(Score(of_query, of_key, _variance(site.key.use.node, 1, measured)))
    else:
        spreads = [spread_of(use, site.count, measured) for use in site.takers]
        for taker, held in zip(site.takers, spreads, strict=True):
            weights = np.abs(constants.get(taker.weight.node, taker.weight.position))
            rows = np.moveaxis(weights, taker.outputs, 0)
            channels = np.moveaxis(_broadcast(taker.weight.channels, weights.shape, taker.outputs), taker.outputs, 0)
            takers.append(
                Linear(
                    held,
                    rows.reshape(len(rows), -1),
                    channels.reshape(len(channels), -1),
                    _variance(taker.node, len(rows), measured),
                )
            )
        one = Spread(
            np.min([held.low for held in spreads], axis=0),
            np.max([held.high for held in spreads], axis=0),
            np.max([held.square for held in spreads], axis=0),
        )
    choice = choose(one, takers)
    if choice.gain < _WORTH:
        return None, Done(site.technique, site.tensor, site.count, round(choice.gain, 3), 0.0)
    scaled = Scaled(site, choice.scale)
    gain = tried.gain(site, choice.scale, measured, constants)
    return scaled, Done(site.technique, site.tensor, site.count, round(choice.gain, 3), round(gain, 3))


def _broadcast(channels: npt.NDArray[Any], shape: tuple[int, ...], outputs: int) -> npt.NDArray[Any]:
    """The channels of weights on all axes but that of the outputs, if they are the same for each."""
    import numpy as np

    padded = channels.reshape((*[1] * (len(shape) - channels.ndim), *channels.shape))
    wanted = [size if axis != outputs else padded.shape[axis] for axis, size in enumerate(shape)]
    return np.broadcast_to(padded, wanted)


def _variance(node: onnx.NodeProto, outputs: int, measured: Mapping[Wanted, Measured]) -> float:
    """The variance of what a node gives, times the number of its outputs; never 0."""
    whole = measured[Wanted(node.output[0])]
    return outputs * max(float(whole.square - whole.mean**2), 1e-30)


def _with_tokens(before: onnx.ModelProto, scaled: Equalized, batches: Batches) -> Equalized:
    """With kinds of tokens in tensors of their own, if their ranges differ and that wins enough."""
    import onnx

    def refused(reason: str) -> Equalized:
        return replace(scaled, refused={**scaled.refused, ("tokens", reason): 1})

    model = onnx.shape_inference.infer_shapes(named(scaled.model), data_prop=True)
    graph, lengths = view(model), kinds(model)
    if not any(norm_of(name, graph) for name in lengths):
        return refused("no LayerNormalization takes tokens of several kinds")
    measured = measure(model, [Wanted(name, (1,)) for name in lengths], lambda name: len(graph.shapes[name]), batches)
    ranges = {name: ends(measured[Wanted(name, (1,))], own) for name, own in lengths.items()}
    apart = [name for name in graph.sizes if name in ranges and differ(ranges[name])]
    if not apart:
        return refused(f"the ranges of kinds differ by less than {RATIO:g}")
    first: Any = next(iter(batches))
    tensor = Tensors(model, graph, apart, first)
    sites = []
    for name in apart:
        gains_ = token_gains(tensor(name), lengths[name], ranges[name], norm_of(name, graph))
        sites.append(Done("tokens", name, len(lengths[name]), *(round(gain, 3) for gain in gains_)))
    if max(site.measured for site in sites) < WORTH:
        return refused(f"it won less than {WORTH:g} dB when it was tried")
    same = Same(before, first)
    kept, changed = harmless(model, [(apart, sites)], same, lambda whole, _: in_parts(whole, lengths, apart))
    if not kept:
        return replace(scaled, rolled_back=(*scaled.rolled_back, *apart))
    return replace(scaled, model=changed, sites=(*scaled.sites, *sites), relative=same(changed))


def _with_long_rows(before: onnx.ModelProto, scaled: Equalized, batches: Batches, quotient: Quotient) -> Equalized:
    """With the division of attention deferred where that wins enough."""
    import onnx

    model = onnx.shape_inference.infer_shapes(named(scaled.model), data_prop=True)
    graph = view(model)
    places, reasons = long_rows(graph)
    wanted = [one for place in places for one in _of(place, graph)]
    measured = measure(model, wanted, lambda name: len(graph.shapes[name]), batches)
    first: Any = next(iter(batches))
    tensor = Tensors(model, graph, [name for place in places for name in (place.scores, place.values)], first)
    refused = Counter({("attention", reason): times for reason, times in reasons.items()})
    chosen: list[tuple[LongRows, Done]] = []
    for place in places:
        over = ranges_of(*(measured[one] for one in _of(place, graph)))
        predicted, won = gains(tensor(place.scores), tensor(place.values), over, quotient)
        if won < WORTH:
            refused["attention", f"it won less than {WORTH:g} dB when it was tried"] += 1
        else:
            done = Done("attention", place.scores, place.keys, round(predicted, 3), round(won, 3))
            chosen.append((place, done))
    same = Same(before, first)
    kept, changed = harmless(model, chosen, same, deferred)
    return Equalized(
        changed if kept else scaled.model,
        (*scaled.sites, *kept),
        {**scaled.refused, **refused},
        (*scaled.rolled_back, *(done.tensor for _, done in chosen if done not in kept)),
        same(changed) if kept else scaled.relative,
    )


def _of(place: LongRows, graph: View) -> tuple[Wanted, Wanted, Wanted]:
    """What must be known of a place: the scores, the weights, and the values by their channels."""
    keys = len(graph.shapes[place.values]) - 2
    return (
        Wanted(place.scores),
        Wanted(place.weights),
        Wanted(place.values, (*range(keys), keys + 1)),
    )
