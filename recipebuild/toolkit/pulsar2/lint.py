"""Which nodes of an ONNX model the NPU cannot take, or would run slowly: ``lint(model, "AX650")``, in seconds.

The documented tables of operators are under ``operators/``, one file per hardware, with the limits of their attributes
in ``limits.yaml``; what people found on real hardware is in ``field.yaml``, and each finding says which of the two it
is. Both name the pass of ``toolkit.graph.passes`` that removes it, if there is one. A clean result is no promise: the
tables are a pre-screen, and Pulsar2 rewrites the graph before it compiles.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from recipebuild.errors import RecipeError
from recipebuild.facts.chips import CHIPS
from recipebuild.toolkit.graph.model import opset_of
from recipebuild.toolkit.pulsar2.nodes import CONDITIONS, Look

if TYPE_CHECKING:
    import onnx

OPSET = 11
"""The oldest opset that is taken."""

MANY_INPUTS = 278
"""Of a model, with which a build failed (GitHub AXERA-TECH/Magnetar, issues)."""

FOLDER = Path(__file__).parent / "operators/"

Severity = Literal["fails", "wrong", "slow"]


@dataclass(frozen=True)
class Finding:
    """A node that is trouble.

    Attributes:
        code: The rule, such as ``RB402``.
        node: Its name, or that of its output if it has none; empty if it is about the whole model.
        operator: What it does.
        severity: ``fails``: the NPU does not take it, so it runs on the CPU or the build ends; ``wrong``: it builds and
            gives other numbers; ``slow``.
        reason: Why.
        rewrite: What removes it, where that is known.
        mended_by: The rewrite of a build that does so where its guard allows it.
        source: ``documented``, or ``field`` for what people found on real hardware.
    """

    code: str
    node: str
    operator: str
    severity: Severity
    reason: str
    rewrite: str = ""
    source: Literal["documented", "field"] = "documented"
    mended_by: str = ""

    def __str__(self) -> str:
        where = f"{self.operator} {self.node}: " if self.node else ""
        mended = f"the rewrite {self.mended_by} of a build removes it where it can" if self.mended_by else ""
        return where + "; ".join(filter(None, (self.reason, self.rewrite, mended)))


def hardware_with_tables() -> list[str]:
    """The hardware whose operators are known."""
    return sorted(chip.name for chip in CHIPS.values() if chip.operators)


def lint(model: onnx.ModelProto, hardware: str, npu_mode: str = "") -> list[Finding]:
    """All that is known to be trouble in a model, in the order of its nodes.

    Args:
        model: Weights may be left on disk.
        hardware: ``AX650``...
        npu_mode: ``NPU1``...; without it, nothing is said of what must fit on the chip.

    Raises:
        RecipeError: If there is no table for ``hardware``.
    """
    table = _table(hardware)
    look = Look(model)
    on_chip = CHIPS[CHIPS[hardware].built_as or hardware].on_chip.get(npu_mode)
    findings = list(_whole(model, look))
    for node in look.nodes:
        findings += _documented(node, table, look)
        findings += _field(node, look)
        findings += _too_large(node, look, on_chip)
    return findings


def _whole(model: onnx.ModelProto, look: Look) -> Iterator[Finding]:
    """What is trouble of the model as a whole."""
    opset = opset_of(model)
    if opset < OPSET:
        reason = f"opset {opset}: Pulsar2 takes {OPSET} or newer"
        yield Finding("RB401", "", "", "fails", reason, "export it anew")
    count = len({value.name for value in model.graph.input} - {tensor.name for tensor in model.graph.initializer})
    if count >= MANY_INPUTS:
        reason = f"it has {count} inputs, and a build with {MANY_INPUTS} failed"
        yield Finding("RB408", "", "", "fails", reason, "join inputs, such as the caches of all layers", "field")
    made = [node.op_type for node in look.nodes if node.op_type in ("Constant", "ConstantOfShape")]
    if made and (biased := _biased_product(look)):
        reason = (
            f"{len(made)} {made[0]} nodes force OnnxSlim, which may fuse the three-dimensional MatMul {biased} and its "
            "bias into a Gemm that ends the build (Invalid bias shape for broadcast)"
        )
        yield Finding("RB407", "", "", "fails", reason, "make them initializers, as simplify in a build does", "field")


def _biased_product(look: Look) -> str:
    """The name of a MatMul that gives three dimensions and to which a constant is added; empty if there is none."""
    products = {
        node.output[0]: look.name(node)
        for node in look.nodes
        if node.op_type == "MatMul" and len(look.shape(node.output[0]) or ()) == 3
    }
    for node in look.nodes:
        if node.op_type == "Add":
            for one, other in ((0, 1), (1, 0)):
                if look.input_name(node, one) in products and look.is_constant(node, other):
                    return products[look.input_name(node, one)]
    return ""


def _too_large(node: onnx.NodeProto, look: Look, on_chip: int | None) -> Iterator[Finding]:
    """A table that does not fit on the chip, with one byte for each of its elements, the least that it may take."""
    shape = look.shape(look.input_name(node, 0)) if node.op_type == "Gather" and look.is_constant(node, 0) else None
    if on_chip and shape and math.prod(shape) > on_chip:
        reason = f"its table has {math.prod(shape):,} elements, and {on_chip:,} bytes fit on the chip"
        advice = "look it up in the program, and make the result an input"
        yield Finding("RB409", look.name(node), node.op_type, "fails", reason, advice, "field")


def _documented(node: onnx.NodeProto, table: Mapping[str, Mapping[str, Any]], look: Look) -> Iterator[Finding]:
    name, operator = look.name(node), node.op_type
    mended = _MENDED.get((node.domain, operator), "")
    if node.domain.startswith("com.microsoft"):
        reason = f"is ONNX Runtime's own ({node.domain}), and the table is of ONNX's operators"
        yield Finding("RB403", name, operator, "fails", reason, _ANOTHER, mended_by=mended)
        return
    if operator not in table:
        if operator not in _works_unlisted():
            advice = _KNOWN_REWRITES.get(operator, _ANOTHER)
            yield Finding("RB402", name, operator, "fails", _UNLISTED, advice, mended_by=mended)
        return
    limits = table[operator]
    for code, what, severity, reason in _limits(node, limits, look):
        yield Finding(code, name, operator, severity, reason, mended_by=limits.get("mended", {}).get(what, ""))


def _limits(node: onnx.NodeProto, limits: Mapping[str, Any], look: Look) -> Iterator[tuple[str, str, Severity, str]]:
    """The rule, the attribute or the condition, how bad it is, and why."""
    for attribute, allowed in limits.get("only", {}).items():
        value = look.attribute(node, attribute)
        if value is not None and value not in allowed:
            words = " or ".join(map(str, allowed))
            yield "RB404", attribute, "fails", f"{attribute} is {value}, and only {words} is taken"
    for attribute in limits.get("unset", ()):
        if look.is_set(node, attribute):
            yield "RB404", attribute, "fails", f"{attribute} is not taken"
    for check in limits.get("checks", ()):
        if reason := CONDITIONS[check](node, look):
            yield "RB405", check, "fails", reason
    if "slow" in limits and (reason := CONDITIONS[limits["slow"]](node, look)):
        yield "RB406", limits["slow"], "slow", reason


def _field(node: onnx.NodeProto, look: Look) -> Iterator[Finding]:
    for row in _rows():
        if row["verdict"] == "works" or not {node.op_type, "*"} & set(row["operators"]):
            continue
        if "if" not in row or CONDITIONS[row["if"]](node, look):
            advice, mended = row.get("rewrite", ""), row.get("mended", "")
            name = look.name(node)
            yield Finding(row["code"], name, node.op_type, row["verdict"], row["says"], advice, "field", mended)


_UNLISTED = "is not in the table of the NPU's operators"
_ANOTHER = "replace it before export, or end the model before it"
_BRANCH = (
    "the NPU runs one fixed sequence: export the branch that is taken alone, or the loop unrolled; simplify in a build "
    "removes one whose condition is constant"
)
_KNOWN_REWRITES = {
    "If": _BRANCH,
    "Loop": _BRANCH,
    "Scan": _BRANCH,
    "Einsum": "MatMul, with Transpose and Reshape around it",
    "Mod": "a - b * floor(a / b) in float",
    "IsNaN": "take it out with the Where that uses it, which is exact where there is no mask",
    "Dropout": "export in evaluation mode",
    "Shape": "simplify the model for one input shape: then it is a constant",
    "Range": "simplify the model for one input shape: then it is a constant",
    "Reciprocal": "Div of 1 by it",
    "ReduceSumSquare": "Mul of it by itself, then ReduceSum",
}
_MENDED = {
    ("", "Dropout"): "drop_no_ops",
    ("", "IsNaN"): "drop_nan_guard",
    ("", "Reciprocal"): "reciprocal_as_div",
    **dict.fromkeys(
        [("com.microsoft", operator) for operator in ("BiasGelu", "FastGelu", "Gelu", "QuickGelu")],
        "spell_out_activations",
    ),
}
"""The rewrites that remove operators that no table has."""


@functools.cache
def _table(hardware: str) -> dict[str, dict[str, Any]]:
    """The limits of each operator that the hardware is documented to take."""
    chip = CHIPS.get(hardware)
    if chip is None or chip.operators is None:
        raise RecipeError(
            f"the documentation has no table of operators for {hardware}",
            remedy=f"there are tables for {', '.join(hardware_with_tables())}",
        )
    table = _read(FOLDER / f"{chip.operators}.yaml")
    limits = {**_read(FOLDER / "limits.yaml"), **table.get("differs", {})}
    return {operator: limits.get(operator, {}) for operator in table["operators"]}


@functools.cache
def _rows() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = _read(FOLDER / "field.yaml")
    return rows


def _works_unlisted() -> set[str]:
    return {operator for row in _rows() if row["verdict"] == "works" for operator in row["operators"]}


def _read(file: Path) -> Any:
    import yaml

    return yaml.safe_load(file.read_text("utf-8"))
