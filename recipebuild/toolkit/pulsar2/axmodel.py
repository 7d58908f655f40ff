"""What a compiled model says of itself: ``describe(path)``, without a board.

An ``.axmodel`` is an ONNX file: producer Pulsar2, its version in the doc string, one node ``neu mode`` for each part
that runs on the NPU. A metadata property ``extra_data`` holds a protobuf message, in base64. Its schema is not
published: that fields 1 to 4 are tensors, version, subgraphs and build is seen in the example of the documentation's
page user_guides_quick/quick_start_ax650; that the build's third field is the NPU mode follows from the order in which
GitHub onnxsim/onnxsim, docs/axera-bsp-mining.md, names its fields. Field 5 is the chip: absent in the models for
AX650, 1 for AX620E, 4 for M57, in the examples of their quick starts (Pulsar2 1.8 to 4.0) and in two models of 7.0 that
the PyPI package silero-vad-axera ships. No more is claimed.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError
from recipebuild.facts.chips import CHIPS
from recipebuild.toolkit.graph.files import load
from recipebuild.toolkit.graph.statistics import Tensor, inputs, outputs
from recipebuild.toolkit.pulsar2.wire import fields, integer, messages, text

if TYPE_CHECKING:
    import onnx

NEU = "neu mode"
_STAMP = re.compile(r"Pulsar2 (Version|Commit):\s*([\w.\-]+)")
_LAYOUTS = {0: "", 1: "NHWC", 2: "NCHW"}
_COLOURS = {
    0: "", 1: "GRAY", 2: "BGR", 3: "RGB", 4: "RGBA", 6: "YUV420SP", 7: "YVU420SP", 8: "YUYV422", 9: "UYVY422",
    10: "RAW",
}  # fmt: skip
_MODES = {0: "NPU1", 1: "NPU2", 2: "NPU3"}
_HARDWARE = {0: "AX650", 1: "AX620E", 4: "M57"}


@dataclass(frozen=True)
class Subgraph:
    """A part of the model.

    Attributes:
        name: Its name.
        runs_on: ``NPU`` or ``CPU``.
        operators: What is computed on the CPU; empty on the NPU.
    """

    name: str
    runs_on: str
    operators: tuple[str, ...] = ()


@dataclass(frozen=True)
class AxModel:
    """A compiled model.

    Attributes:
        version: Of the Pulsar2 that made it; empty if it does not say.
        commit: Likewise.
        inputs: What it is fed.
        outputs: What it gives.
        colours: Of inputs that are images, such as ``NHWC BGR``, by name.
        npu_mode: How many cores it was compiled for, as far as the file says; empty if it does not.
        subgraphs: Its parts, in order.
        hardware: What Pulsar2 calls the chip, such as ``AX620E`` for AX630C; empty if the file does not say.
    """

    version: str
    commit: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    colours: dict[str, str]
    npu_mode: str
    subgraphs: tuple[Subgraph, ...]
    hardware: str = ""

    @property
    def alike(self) -> tuple[str, ...]:
        """Chips of other names that it runs on, too."""
        return tuple(chip.name for chip in CHIPS.values() if self.hardware and chip.built_as == self.hardware)

    def as_json(self) -> dict[str, Any]:
        """What ``inspect --json`` prints."""
        return asdict(self)


def describe(path: Path) -> AxModel:
    """Read a compiled model.

    Raises:
        StepError: If it is no ONNX file, or none that Pulsar2 made.
    """
    model = load(path, weights=False)
    if model.producer_name != "Pulsar2" and not any(node.op_type == NEU for node in model.graph.node):
        raise StepError(f"{path.name} was not made by Pulsar2", remedy="an .axmodel is made by pulsar2 build")
    stamp = dict(_STAMP.findall(model.doc_string))
    colours, mode, hardware = _extra(model)
    return AxModel(
        stamp.get("Version", ""),
        stamp.get("Commit", ""),
        tuple(inputs(model)),
        tuple(outputs(model)),
        colours,
        mode,
        tuple(_subgraphs(model)),
        hardware,
    )


def _subgraphs(model: onnx.ModelProto) -> list[Subgraph]:
    """The NPU's nodes one by one, and each run of other nodes between them as one part that the CPU does."""
    subgraphs: list[Subgraph] = []
    for node in model.graph.node:
        if node.op_type == NEU:
            subgraphs.append(Subgraph(node.name, "NPU"))
        elif subgraphs and subgraphs[-1].runs_on == "CPU":
            last = subgraphs.pop()
            subgraphs.append(Subgraph(last.name, "CPU", (*last.operators, node.op_type)))
        else:
            subgraphs.append(Subgraph(node.name or node.output[0], "CPU", (node.op_type,)))
    return subgraphs


def _extra(model: onnx.ModelProto) -> tuple[dict[str, str], str, str]:
    """Layout and colours of the tensors, NPU mode and chip, by ``extra_data``; nothing if it cannot be read."""
    encoded = next((entry.value for entry in model.metadata_props if entry.key == "extra_data"), "")
    try:
        extra = fields(base64.b64decode(encoded, validate=True))
        colours = {}
        for tensor in messages(extra, 1):
            words = [_LAYOUTS.get(integer(tensor, 2), ""), _COLOURS.get(integer(tensor, 3), "")]
            if layout := " ".join(filter(None, words)):
                colours[text(tensor, 1)] = layout
        build = messages(extra, 4)
    except (binascii.Error, ValueError):
        return {}, "", ""
    if not build:
        return colours, "", ""
    return colours, _MODES.get(integer(build[0], 3), ""), _HARDWARE.get(integer(extra, 5), "")
