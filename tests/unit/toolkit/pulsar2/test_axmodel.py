"""Reading compiled models."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from recipebuild.errors import StepError
from recipebuild.toolkit.pulsar2.axmodel import Subgraph, describe
from recipebuild.toolkit.pulsar2.wire import fields

STANDINS = Path(__file__).resolve().parents[3] / "standins"
DOCUMENTED = (
    "CgsKBWlucHV0EAEYAgoICgZvdXRwdXQSATEaQQoOc3ViZ3JhcGhfbnB1XzBSLwoVc3ViZ3JhcGhfbnB1XzBfYjFfbmV1EAEaFAoGcGFyYW1z"
    "GgpucHVfcGFyYW1zIgA="
)
"""The example of the documentation's page user_guides_quick/quick_start_ax650."""


def model(kinds: tuple[str, ...] = ("neu mode",), extra: str = DOCUMENTED) -> onnx.ModelProto:
    names = ["input", *(f"t{at}" for at in range(len(kinds) - 1)), "output"]
    nodes = [helper.make_node(kind, [names[at]], [names[at + 1]], f"part_{at}") for at, kind in enumerate(kinds)]
    proto = helper.make_model(
        helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info("input", TensorProto.UINT8, [1, 224, 224, 3])],
            [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1000])],
        ),
        producer_name="Pulsar2",
        doc_string="Pulsar2 Version:  4.0\nPulsar2 Commit: 64a0e58f",
    )
    if extra:
        proto.metadata_props.add(key="extra_data", value=extra)
    return proto


def test_the_documented_example(tmp_path: Path) -> None:
    onnx.save(model(), tmp_path / "a.axmodel")
    description = describe(tmp_path / "a.axmodel")
    assert (description.version, description.commit) == ("4.0", "64a0e58f")
    assert [str(tensor) for tensor in (*description.inputs, *description.outputs)] == [
        "input (uint8 1x224x224x3)",
        "output (float32 1x1000)",
    ]
    assert description.colours == {"input": "NHWC BGR"}
    assert (description.npu_mode, description.hardware) == ("NPU1", "AX650")
    assert description.subgraphs == (Subgraph("part_0", "NPU"),)
    assert json.dumps(description.as_json())


@pytest.mark.parametrize(
    ("extra", "hardware"),
    [
        (
            "CgsKBWlucHV0EAEYAgoICgZvdXRwdXQSATEaMgoFbnB1XzBSKQoNbnB1XzBfYjFfZGF0YRABGhYKBnBhcmFtcxoMbnB1XzBfcGFyYW1z"
            "IgAoAQ==",
            "AX620E",
        ),
        (
            "CgsKBWlucHV0EAEYAgoICgZvdXRwdXQSATEaQwoOc3ViZ3JhcGhfbnB1XzBSMQoVc3ViZ3JhcGhfbnB1XzBfYjFfbmV1EAEaFgoGcGFy"
            "YW1zGgxucHVfMF9wYXJhbXMiACgE",
            "M57",
        ),
    ],
)
def test_the_documented_examples_for_other_chips_say_which(tmp_path: Path, extra: str, hardware: str) -> None:
    onnx.save(model(extra=extra), tmp_path / "a.axmodel")
    description = describe(tmp_path / "a.axmodel")
    assert description.hardware == hardware
    assert description.alike == {"AX620E": ("AX630C", "AX620Q"), "M57": ("M57H",)}[hardware]


SILERO = importlib.util.find_spec("silero_vad_axera")


@pytest.mark.skipif(SILERO is None, reason="silero-vad-axera is not installed")
@pytest.mark.parametrize(
    ("chip", "npu_mode", "hardware"), [("ax650", "NPU3", "AX650"), ("ax630c", "NPU2", "AX620E")], ids=str
)
def test_real_models_say_their_interface_mode_and_chip(chip: str, npu_mode: str, hardware: str) -> None:
    assert SILERO is not None
    assert SILERO.origin is not None
    description = describe(Path(SILERO.origin).parent / "data" / f"silero_vad_{chip}.axmodel")
    assert (description.version, description.npu_mode, description.hardware) == ("7.0", npu_mode, hardware)
    assert [str(tensor) for tensor in (*description.inputs, *description.outputs)] == [
        "data (float32 1x640)",
        "state (float32 2x1x128)",
        "output (float32 1x1)",
        "next_state (float32 2x1x128)",
    ]
    assert description.subgraphs == (Subgraph("subgraph_npu_0", "NPU"),)


def test_parts_on_the_cpu(tmp_path: Path) -> None:
    onnx.save(model(("neu mode", "NonZero", "Cast", "neu mode")), tmp_path / "a.axmodel")
    assert describe(tmp_path / "a.axmodel").subgraphs == (
        Subgraph("part_0", "NPU"),
        Subgraph("part_1", "CPU", ("NonZero", "Cast")),
        Subgraph("part_3", "NPU"),
    )


@pytest.mark.parametrize("extra", ["", "not base64!", "AAAA", "CgsK"])
def test_metadata_that_cannot_be_read_is_passed_over(tmp_path: Path, extra: str) -> None:
    onnx.save(model(extra=extra), tmp_path / "a.axmodel")
    assert describe(tmp_path / "a.axmodel").colours == {}


def test_what_is_no_compiled_model(tmp_path: Path, small_onnx: Path) -> None:
    with pytest.raises(StepError, match="was not made by Pulsar2"):
        describe(small_onnx)
    (tmp_path / "b.axmodel").write_bytes(b"\xff" * 99)
    with pytest.raises(StepError, match="not an ONNX model"):
        describe(tmp_path / "b.axmodel")


def test_the_stand_ins_models_read_as_the_tools_do(tmp_path: Path) -> None:
    sys.path.insert(0, str(STANDINS))
    try:
        import onnx_wire
    finally:
        sys.path.remove(str(STANDINS))
    tensors = {"x": (2, [1, 8, 8, 3])}, {"y": (1, [1, 5])}
    data = onnx_wire.axmodel("Pulsar2 Version:  7.0\nPulsar2 Commit: abc", *tensors, b"program", 2, {"x": 3}, "NonZero")
    (tmp_path / "c.axmodel").write_bytes(data)
    description = describe(tmp_path / "c.axmodel")
    assert (description.version, description.npu_mode, description.colours) == ("7.0", "NPU3", {"x": "NHWC RGB"})
    assert [part.runs_on for part in description.subgraphs] == ["NPU", "CPU"]


@pytest.mark.parametrize("data", [b"\x0a", b"\x0a\x05ab", b"\x0f\x01", b"\x80" * 12])
def test_damaged_messages(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"cut short|wire type"):
        fields(data)
