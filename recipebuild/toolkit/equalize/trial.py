"""What a site wins, tried out: what takes its tensor, in 8 bits, on a real input, before and after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from recipebuild.toolkit.equalize.noise import Spread, extent
from recipebuild.toolkit.equalize.statistics import Measured, Wanted, spread_of
from recipebuild.toolkit.graph.session_options import session_options
from recipebuild.toolkit.quantize.probe import Probe

if TYPE_CHECKING:
    import numpy.typing as npt
    import onnx

    from recipebuild.toolkit.equalize.fold import Constants
    from recipebuild.toolkit.equalize.site import Site
    from recipebuild.toolkit.equalize.trace import Graph
    from recipebuild.toolkit.quantize.dataset import Feed
    from recipebuild.toolkit.quantize.view import View

    Values = npt.NDArray[Any]


class Trial:
    """One operator of two factors, run alone.

    Args:
        node: It: Conv, Gemm or MatMul; what else it takes (a bias) is left out.
        opset: The model's.

    Raises:
        StepError: If ONNX Runtime cannot run it.
    """

    def __init__(self, node: onnx.NodeProto, opset: int) -> None:
        import onnxruntime as ort
        from onnx import TensorProto, helper

        copy = type(node)()
        copy.CopyFrom(node)
        del copy.input[:], copy.output[:]
        copy.input.extend(["left", "right"])
        copy.output.append("product")
        values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("left", "right", "product")]
        graph = helper.make_graph([copy], "trial", values[:2], values[2:])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
        self._session = ort.InferenceSession(
            model.SerializeToString(), session_options(), providers=["CPUExecutionProvider"]
        )

    def __call__(self, left: Values, right: Values) -> Values:
        """The product, in float32."""
        import numpy as np

        feeds = {"left": left.astype(np.float32), "right": right.astype(np.float32)}
        product: Values = self._session.run(None, feeds)[0]
        return product


def in_u8(values: Values, low: float, high: float) -> Values:
    """Values on the grid of 255 steps over a range: as an activation in U8."""
    import numpy as np

    step = (high - low) / 255 or 1.0
    zero = np.rint(-low / step)
    on_grid: Values = (np.clip(np.rint(values / step) + zero, 0, 255) - zero) * step
    return on_grid


def in_s8(weights: Values, outputs: int) -> Values:
    """Weights on their grids of 127.5 steps on each side of 0, one for each output: as weights in S8."""
    import numpy as np

    others = tuple(axis for axis in range(weights.ndim) if axis != outputs)
    step = np.abs(weights).max(axis=others, keepdims=True) / 127.5
    step = np.where(step > 0, step, 1.0)
    return np.clip(np.rint(weights / step), -128, 127) * step


def won(exact: Values, before: Values, after: Values) -> float:
    """How much less noise there is, in dB: 10 log10 of the power of ``before - exact`` over that of ``after - exact``.

    0 where there was none before, and at most ``MOST``.
    """
    import numpy as np

    noise, left = (float(np.square(got - exact, dtype=np.float64).sum()) for got in (before, after))
    if not noise > 0:
        return 0.0
    return min(float(10 * np.log10(noise / left)), MOST) if left > 0 else MOST


_ROOM = 256 << 20
"""Bytes of tensors that are kept at a time; more means to run the model again."""

MOST = 99.0
"""dB: as good as no noise at all."""


class Tensors:
    """Tensors of a model on one input, some at a time.

    Args:
        model: The model.
        graph: It, asked about.
        names: All that may be asked for, in the order in which they will be.
        batch: The model's input; of several a mapping from their names.
    """

    def __init__(self, model: onnx.ModelProto, graph: View, names: Iterable[str], batch: Values | Feed) -> None:
        self._model, self._graph, self._batch = model, graph, batch
        self._order = list(dict.fromkeys(names))
        self._held: dict[str, Values] = {}

    def __call__(self, name: str) -> Values:
        """A tensor; those that will be asked for next come along, as far as there is room.

        Raises:
            StepError: If ONNX Runtime cannot run the model.
        """
        if name in self._graph.inputs:
            return self._batch[name] if isinstance(self._batch, Mapping) else self._batch
        if name not in self._held:
            chosen, total = [name], self._bytes(name)
            for other in self._order[self._order.index(name) + 1 :]:
                total += self._bytes(other)
                if total > _ROOM:
                    break
                chosen.append(other)
            live = [one for one in chosen if one not in self._graph.inputs]
            self._held = dict(zip(live, Probe(self._model, {}, live)(self._batch), strict=True))
        return self._held[name]

    def _bytes(self, name: str) -> int:
        return 4 * (self._graph.sizes.get(name) or 0)


class Trials:
    """Sites tried on one input.

    Args:
        model: The model.
        graph: It, asked about.
        sites: All that may be tried, in the order in which they will be.
        batch: The model's input; of several a mapping from their names.
    """

    def __init__(self, model: onnx.ModelProto, graph: Graph, sites: Sequence[Site], batch: Values | Feed) -> None:
        names = (use.node.input[use.position] for site in sites for use in site.uses)
        self._graph, self._tensor = graph, Tensors(model, graph.view, names, batch)

    def gain(self, site: Site, scale: Any, measured: Mapping[Wanted, Measured], constants: Constants) -> float:
        """What the scales win where they win least, in dB of signal to noise."""
        if site.key:
            use, query = site.key.use, site.key.query
            q, k = (self._tensor(one.node.input[one.position]) for one in (query, use))
            held = [spread_of(one, site.count, measured) for one in (query, use)]
            run = Trial(use.node, self._graph.opset)
            scores = []
            for s in (scale * 0 + 1, scale):
                small = in_u8(q / s[query.channels], *_ends(held[0], s))
                large = in_u8(k * s[use.channels], *_ends(held[1], 1 / s))
                factors = (small, large) if query.position == 0 else (large, small)
                scores.append(run(*factors))
            exact = run(q, k) if query.position == 0 else run(k, q)
            return won(exact, *scores)
        gains = []
        for taker in site.takers:
            x = self._tensor(taker.node.input[taker.position])
            weights = constants.get(taker.weight.node, taker.weight.position)
            held_here = spread_of(taker, site.count, measured)
            run = Trial(taker.node, self._graph.opset)
            products = []
            for s in (scale * 0 + 1, scale):
                small = in_u8(x / s[taker.channels], *_ends(held_here, s))
                large = in_s8(weights * s[taker.weight.channels], taker.outputs)
                products.append(run(small, large) if taker.position == 0 else run(large, small))
            exact = run(x, weights) if taker.position == 0 else run(weights, x)
            gains.append(won(exact, *products))
        return min(gains, default=0.0)


def _ends(held: Spread, scale: Any) -> tuple[float, float]:
    """The range of all channels divided by their scales; 0 is in it."""
    low = min(float((held.low / scale).min()), 0.0)
    return low, low + extent(held, scale)
