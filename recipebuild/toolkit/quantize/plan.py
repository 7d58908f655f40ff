"""Which tensor gets which parameters, and why: the plan of a quantized model, as data to be looked up.

    plan.stored["relu_out"]      # Stored(tensor='relu_out', group='relu_out', rule='...')
    plan.groups["relu_out"]      # Group(name='relu_out', type='U8', members=('relu_out', 'flat'))
    plan.uses["MatMul_4", 0]     # Use(node='MatMul_4', position=0, tensor='relu_out', group='relu_out@S8', rule='...')

The planner makes it of the graph alone; ranges come to it later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from recipebuild.toolkit.quantize.numbers import BITS, Type
from recipebuild.toolkit.quantize.precision import Dropped, Precision

Place = tuple[str, int]
"""An input of a node: its name, and the input's position."""


@dataclass(frozen=True)
class Group:
    """Tensors with one scale and zero point, over the union of their ranges.

    Attributes:
        name: After its first tensor; for a copy, ``<tensor>@<type>``.
        type: Of the codes.
        members: The tensors whose ranges count.
    """

    name: str
    type: Type
    members: tuple[str, ...]


@dataclass(frozen=True)
class Stored:
    """How an activation is kept between operators.

    Attributes:
        tensor: Its name.
        group: Whose parameters it has; ``None`` if it stays in float.
        rule: Why.
    """

    tensor: str
    group: str | None
    rule: str


@dataclass(frozen=True)
class Use:
    """How an operator takes an activation.

    Attributes:
        node: The operator's name.
        position: Of the input.
        tensor: What it takes.
        group: Whose parameters it has there: those under which it is stored, or those of a copy; ``None`` for float.
        rule: Why.
    """

    node: str
    position: int
    tensor: str
    group: str | None
    rule: str


@dataclass(frozen=True)
class Constant:
    """How a stored weight or constant operand is kept.

    Attributes:
        node: The operator's name.
        position: Of the input.
        tensor: The initializer.
        type: Of its codes; FP32 if it stays as it is.
        axis: Of the channels that have scales of their own; ``None`` if there is one for all.
        symmetric: Whether it is over as much below zero as above, as weights are; else it is over its own range.
        rule: Why.
    """

    node: str
    position: int
    tensor: str
    type: Type
    axis: int | None
    symmetric: bool
    rule: str


@dataclass(frozen=True)
class Bias:
    """A bias, added in the accumulator: its scale is the product of the input's and the weight's.

    Attributes:
        node: The operator's name.
        position: Of the input.
        tensor: The initializer.
        type: S32, or FP32.
        input: The activation that is multiplied.
        weight: What it is multiplied with.
        rule: Why.
    """

    node: str
    position: int
    tensor: str
    type: Type
    input: Place
    weight: Place
    rule: str


@dataclass(frozen=True)
class QuantizationPlan:
    """The plan of a quantized model.

    Attributes:
        groups: By name.
        stored: By tensor, in the graph's order. A tensor that exists inside a fused operator only is not there.
        uses: By place: all inputs that are activations.
        constants: By place: weights and constant operands.
        biases: By place.
        precision: What each node computes in, by its name.
        dropped: Precisions that were asked for and have no effect.
    """

    groups: Mapping[str, Group]
    stored: Mapping[str, Stored]
    uses: Mapping[Place, Use]
    constants: Mapping[Place, Constant]
    biases: Mapping[Place, Bias]
    precision: Mapping[str, Precision]
    dropped: tuple[Dropped, ...]

    @property
    def measured(self) -> tuple[str, ...]:
        """The tensors whose ranges it needs, in the graph's order."""
        needed = {name for group in self.groups.values() for name in group.members}
        return tuple(name for name in self.stored if name in needed)

    def type_of(self, group: str | None) -> Type:
        """The type of a group's codes; FP32 for none."""
        return self.groups[group].type if group is not None else "FP32"

    def bits(self, node: str) -> int:
        """The widest activation that a node takes, in bits: 8, 16, or 32 for float."""
        widths = [BITS[self.type_of(use.group)] for use in self.uses.values() if use.node == node]
        return max(widths, default=32)
