"""A place where a tensor's channels can be divided and multiplied again, as techniques find them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from recipebuild.toolkit.equalize.layers import Taker, maker, taker
from recipebuild.toolkit.equalize.trace import Fold, Graph, Use, trace

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class Key:
    """The other factor of Q K^T, whose channels are multiplied by what those of Q are divided by.

    Attributes:
        use: Where K's channels are summed.
        query: Where Q's are: the other input of the same operator.
    """

    use: Use
    query: Use


@dataclass(frozen=True)
class Site:
    """A tensor, what makes its channels, and all that takes them.

    Attributes:
        technique: Which one found it.
        tensor: The tensor.
        count: How many channels.
        divided: Constants to divide by the scale of their channel.
        multiplied: Constants to multiply with it.
        takers: Linear operators that take the channels.
        key: With Q: what its channels are multiplied with.
    """

    technique: str
    tensor: str
    count: int
    divided: tuple[Fold, ...]
    multiplied: tuple[Fold, ...]
    takers: tuple[Taker, ...] = ()
    key: Key | None = None

    @property
    def uses(self) -> tuple[Use | Taker, ...]:
        """Where channels are taken: of Q and K both factors."""
        return (self.key.use, self.key.query) if self.key else self.takers


@dataclass
class Survey:
    """What a technique found.

    Attributes:
        sites: In the graph's order.
        refused: How many places were left as they are, by the reason.
    """

    sites: list[Site] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)


Technique = Callable[[Graph], Survey]
"""Finds the sites of a graph."""


def behind(node: onnx.NodeProto, technique: str, graph: Graph) -> Site | str | None:
    """The site that begins at an operator, if linear layers with stored weights take all of its output.

    Returns:
        The site; or why there is none, in words; ``None`` if the operator makes no channels.
    """
    made = maker(node, graph)
    if made is None:
        return None
    followed = trace(node.output[0], made.channels, graph, lambda use: taker(use, graph) is not None)
    if isinstance(followed, str):
        return followed
    takers = tuple(one for use in followed.uses if (one := taker(use, graph)))
    return Site(
        technique,
        node.output[0],
        made.count,
        divided=(*made.parameters, *followed.added),
        multiplied=tuple(one.weight for one in takers),
        takers=takers,
    )


def all_behind(operators: frozenset[str], technique: str, graph: Graph) -> Survey:
    """The sites that begin at operators of these types."""
    survey = Survey()
    for node in graph.view.nodes:
        if node.op_type in operators:
            one = behind(node, technique, graph)
            if isinstance(one, Site):
                survey.sites.append(one)
            elif one:
                survey.refused[one] += 1
    return survey
