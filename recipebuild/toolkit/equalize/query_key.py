"""Q against K: what the channels of one are divided by, those of the other are multiplied with.

(q_j / s_j) (s_j k_j) = q_j k_j    so    (Q / s) (s K)^T = Q K^T
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from recipebuild.toolkit.equalize.layers import Maker, maker
from recipebuild.toolkit.equalize.site import Key, Site, Survey
from recipebuild.toolkit.equalize.trace import Fold, Graph, Trace, Use, trace, uniform

if TYPE_CHECKING:
    from recipebuild.toolkit.equalize.trace import Channels


@dataclass(frozen=True)
class _Factor:
    """A linear layer whose output is one factor of products of two tensors, and nothing else."""

    tensor: str
    made: Maker
    followed: Trace

    @property
    def products(self) -> frozenset[str]:
        """The outputs of those products."""
        return frozenset(use.node.output[0] for use in self.followed.uses)


def sites(graph: Graph) -> Survey:
    """Each pair of linear layers whose outputs are multiplied with each other, channel by channel."""
    survey = Survey()
    factors: dict[frozenset[str], list[_Factor]] = {}
    for node in graph.view.nodes:
        made = maker(node, graph) if node.op_type in ("Conv", "Gemm", "MatMul") else None
        followed = made and trace(node.output[0], made.channels, graph, lambda use: _is_product(use, graph))
        if made and isinstance(followed, Trace) and followed.uses:
            factor = _Factor(node.output[0], made, followed)
            factors.setdefault(factor.products, []).append(factor)
    for pair in factors.values():
        if len(pair) != 2:
            survey.refused["only one factor of Q K^T is a linear layer's output"] += 1
            continue
        one = _site(*sorted(pair, key=lambda factor: factor.followed.uses[0].position))
        if isinstance(one, str):
            survey.refused[one] += 1
        else:
            survey.sites.append(one)
    return survey


def _is_product(use: Use, graph: Graph) -> bool:
    return use.node.op_type == "MatMul" and not any(name in graph.constants for name in use.node.input)


def _site(query: _Factor, key: _Factor) -> Site | str:
    """The site of a pair, if each channel of one meets just one channel of the other."""
    import numpy as np

    if query.made.count != key.made.count:
        return "Q and K have different numbers of channels"
    met = np.full(key.made.count, -1, np.int32)
    for mine in query.followed.uses:
        other = next(use for use in key.followed.uses if use.node.output[0] == mine.node.output[0])
        left, right = _summed(mine), _summed(other)
        if left is None or right is None:
            return "channels of Q or K differ from token to token"
        left, right = (np.broadcast_to(side, np.broadcast_shapes(left.shape, right.shape)) for side in (left, right))
        known = met[right] >= 0
        if not np.array_equal(met[right][known], left[known]):
            return "a channel of K meets several of Q"
        met[right] = left
        if not np.array_equal(met[right], left):
            return "a channel of K meets several of Q"
    if sorted(met) != list(range(query.made.count)):
        return "a channel of K meets none of Q, or several"
    folds = (*key.made.parameters, *key.followed.added)
    multiplied = tuple(Fold(fold.node, fold.position, met[fold.channels]) for fold in folds)
    use = key.followed.uses[0]
    mine = next(one for one in query.followed.uses if one.node.output[0] == use.node.output[0])
    return Site(
        "query_key",
        query.tensor,
        query.made.count,
        divided=(*query.made.parameters, *query.followed.added),
        multiplied=multiplied,
        key=Key(Use(use.node, use.position, met[use.channels]), mine),
    )


def _summed(use: Use) -> Channels | None:
    """The channels of a factor along the axis over which the product sums; ``None`` if tokens differ."""
    tokens = use.channels.ndim - (2 if use.position == 0 else 1)
    reduced = uniform(use.channels, [1 if axis == tokens else size for axis, size in enumerate(use.channels.shape)])
    return None if reduced is None else reduced.reshape(*reduced.shape[:-2], -1)
