"""Mistakes that the tool accepts in silence are found, and what is right is left in peace."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from support.graphs import graph

from recipebuild.toolkit.pulsar2.config import BuildConfig
from recipebuild.toolkit.pulsar2.config.read import read
from recipebuild.toolkit.pulsar2.facts import Facts, facts
from recipebuild.toolkit.pulsar2.mistakes import _data, mistakes

CONFIGS = Path(__file__).resolve().parents[5] / "shared" / "pulsar2-configs"
IMAGENET = {"calibration_mean": [123.675, 116.28, 103.53], "calibration_std": [58.395, 57.12, 57.375]}
U8 = {"src_dtype": "U8", "src_layout": "NHWC", "tensor_format": "RGB", "src_format": "RGB"}


def config(
    calibration: dict[str, Any] | None = None,
    processor: dict[str, Any] | None = None,
    layers: list[dict[str, Any]] | None = None,
    **fields: Any,
) -> BuildConfig:
    archive = {"tensor_name": "x", "calibration_dataset": "c.tar"}
    quant = {"input_configs": [archive | (IMAGENET if calibration is None else calibration)]}
    quant |= {"layer_configs": layers or []} | fields.pop("quant", {})
    processors = [{"tensor_name": "x"} | (U8 if processor is None else processor)]
    values = {"input": "m.onnx", "output_dir": "o", "quant": quant, "input_processors": processors} | fields
    return BuildConfig.model_validate_json(json.dumps(values))


def kinds(build: BuildConfig, known: Facts | None = None) -> list[str]:
    return [mistake.kind for mistake in (mistakes(build, known) if known else mistakes(build))]


WRONG: list[tuple[str, str, dict[str, Any]]] = [
    (
        "RB102",
        "units",
        {"calibration": {"calibration_mean": [0.485, 0.456, 0.406], "calibration_std": [0.229, 0.224, 0.225]}},
    ),
    (
        "RB104",
        "typing-error",
        {"calibration": {"calibration_mean": [123.675, 116.28, 103.53], "calibration_std": [58.395, 57.12, 53.375]}},
    ),
    (
        "RB104",
        "typing-error",
        {"calibration": {"calibration_mean": [103.53, 116.28, 132.675], "calibration_std": [57.375, 57.12, 58.395]}},
    ),
    (
        "RB103",
        "mixed-normalization",
        {"calibration": {"calibration_mean": [123.675, 116.28, 103.53], "calibration_std": [68.5, 66.63, 70.32]}},
    ),
    ("RB108", "lengths", {"calibration": {"calibration_mean": [1, 2, 3], "calibration_std": [1]}}),
    ("RB109", "zero-std", {"calibration": {"calibration_mean": [9, 9, 9], "calibration_std": [1, 0, 1]}}),
    ("RB110", "ignored-mean", {"calibration": {"calibration_format": "Numpy", **IMAGENET}}),
    ("RB201", "elsewhere", {"calibration": {"calibration_dataset": "s3://bucket/a.zip", **IMAGENET}}),
    ("RB201", "elsewhere", {"calibration": {"calibration_dataset": "/data/me/a.zip", **IMAGENET}}),
    ("RB105", "runtime-normalization", {"processor": U8 | {"mean": [0, 0, 0], "std": [255, 255, 255]}}),
    ("RB106", "normalizes-floats", {"processor": {"src_dtype": "FP32"}}),
    ("RB101", "no-conversion", {"processor": U8 | {"src_format": "BGR"}}),
    ("RB113", "half-input", {"processor": U8 | {"src_dtype": "FP16", "mean": [0, 0, 0], "std": [1, 1, 1]}}),
    ("RB309", "fp32-fails", {"layers": [{"op_type": "Softmax", "data_type": "FP32"}]}),
    ("RB107", "ignored-csc", {"processor": U8 | {"csc_mode": "FullRange"}}),
    (
        "RB107",
        "ignored-csc",
        {"processor": U8 | {"src_format": "YUV420SP", "csc_mode": "FullRange", "csc_mat": [1.0] * 12}},
    ),
    ("RB301", "fp32-ignored", {"layers": [{"op_type": "MatMul", "data_type": "FP32"}]}),
    ("RB301", "fp32-ignored", {"layers": [{"layer_name": "/decoder/Pad_1", "data_type": "FP32"}]}),
    ("RB309", "fp32-fails", {"layers": [{"layer_names": ["op_9:onnx.LayerNormalization_0"], "data_type": "FP32"}]}),
    ("RB302", "moves-data", {"layers": [{"op_types": ["Reshape"], "data_type": "U16"}]}),
    ("RB303", "conv-only", {"layers": [{"op_type": "Add", "data_type": "U16", "output_data_type": "U16"}]}),
    (
        "RB304",
        "twice",
        {"layers": [{"layer_name": "a", "data_type": "U16"}, {"layer_names": ["b", "a"], "data_type": "S16"}]},
    ),
    ("RB306", "all-float", {"quant": {"highest_mix_precision": True}}),
    ("RB307", "needs-cuda", {"quant": {"enable_lsq": True}}),
    ("RB308", "without-effect", {"quant": {"smooth_quant_strength": 0.9}}),
    ("RB308", "without-effect", {"quant": {"precision_analysis_method": "EndToEnd"}}),
    ("RB308", "without-effect", {"compiler": {"check_rtol": 0.1}}),
]


@pytest.mark.parametrize(("code", "kind", "changes"), WRONG)
def test_each_is_found_and_nothing_else(code: str, kind: str, changes: dict[str, Any]) -> None:
    (mistake,) = mistakes(config(**changes))
    assert (mistake.code, mistake.kind) == (code, kind)
    assert mistake.field in mistake.message
    assert mistake.remedy
    assert "\n" not in mistake.message


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"calibration": {"calibration_mean": [103.939, 116.779, 123.68], "calibration_std": [58.0, 58.0, 58.0]}},
        {"calibration": {"calibration_mean": [0, 0, 0], "calibration_std": [1, 1, 1]}},
        {"calibration": {"calibration_mean": [0, 0, 0], "calibration_std": [255, 255, 255]}},
        {"calibration": {"calibration_mean": [123.68, 116.779, 103.939], "calibration_std": [58.62, 57.34, 57.6]}},
        {"calibration": {"calibration_format": "Binary"}, "processor": {"src_dtype": "FP32"}},
        {"processor": {"src_dtype": "FP32", "mean": [0, 0, 0], "std": [1, 1, 1]}},
        {"processor": U8 | {"src_format": "YUV420SP", "csc_mode": "LimitedRange"}},
        {"processor": U8 | {"mean": IMAGENET["calibration_mean"], "std": IMAGENET["calibration_std"]}},
        {
            "layers": [
                {"op_type": "Sigmoid", "data_type": "FP32"},
                {"layer_name": "op_1:onnx.Add_0", "data_type": "U16"},
            ]
        },
        {"layers": [{"op_type": "Conv", "data_type": "U8", "output_data_type": "FP32"}]},
        {"quant": {"enable_adaround": True, "device": "cuda:0", "finetune_epochs": 50}},
        {"quant": {"precision_analysis": True, "precision_analysis_method": "EndToEnd"}},
        {"compiler": {"check": 3, "check_cosine_simularity": 0.99}},
    ],
)
def test_what_is_right_is_left_in_peace(changes: dict[str, Any]) -> None:
    assert mistakes(config(**changes)) == []


def test_with_the_model_at_hand_selectors_and_names_are_looked_up() -> None:
    known = Facts({"x": (1, 3, 8, 8)}, ("y",), {"/decoder/conv": "Conv", "/decoder/act": "Tanh"})
    layers: list[dict[str, Any]] = [
        {"layer_names": ["/decoder/conf", "op_3:onnx.Softmax_0"], "data_type": "U16"},
        {"layer_name": "/decoder/act", "data_type": "FP32"},
    ]
    build = config(layers=layers, output_processors=[{"tensor_name": "z"}])
    first, second, third = mistakes(build, known)
    assert (first.kind, second.kind, third.kind) == ("no-such-layer", "fp32-ignored", "no-such-tensor")
    assert (first.code, third.code) == ("RB305", "RB112")
    assert "did you mean /decoder/conv?" in first.remedy
    assert "Tanh (/decoder/act)" in second.message
    renamed = Facts({"pixels": None}, ("y",))
    assert kinds(config(), renamed) == ["no-such-tensor", "no-such-tensor"]


@pytest.mark.parametrize(
    ("layers", "undone"),
    [
        ([{"op_types": ["Conv", "Mul"], "data_type": "U16"}], True),
        ([{"op_types": ["Conv", "Mul", "Concat"], "data_type": "U16"}], False),
        ([{"op_types": ["Conv"], "data_type": "U16"}, {"layer_name": "join", "data_type": "U16"}], False),
        ([{"op_type": "Conv", "data_type": "U16"}, {"op_type": "Concat", "data_type": "S16"}], False),
        ([{"op_types": ["Add"], "data_type": "U16"}], False),
        ([{"op_types": ["Conv"], "data_type": "S8"}], False),
        ([{"op_types": ["Conv"], "data_type": "U16"},
          {"start_tensor_names": ["DEFAULT"], "end_tensor_names": ["DEFAULT"], "data_type": "U16"}], False),
    ],
)  # fmt: skip
def test_a_concat_of_8_bits_undoes_what_it_joins(layers: list[dict[str, Any]], undone: bool, tmp_path: Path) -> None:
    text = """(float[1,3,8,8] x, float[4,3,1,1] w) => (float[1,8,8,8] y) {
        a = Conv (x, w) b = Conv (x, w) c = Mul (b, b) d = Transpose <perm = [0, 1, 3, 2]> (c)
        y = Concat <axis = 1> (a, d) }"""
    model = graph(text, w=np.zeros((4, 3, 1, 1)))
    model.graph.node[-1].name = "join"
    onnx.save(model, tmp_path / "m.onnx")
    known = Facts(joins=facts(tmp_path / "m.onnx").joins)
    reported = [(each.code, each.message.partition(" asks ")[0]) for each in mistakes(config(layers=layers), known)]
    assert reported == ([("RB310", "quant.layer_configs[0]")] if undone else [])


def test_archives_at_hand_are_counted(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "c.tar", "w") as tar:
        for name in ("a.jpg", "b.PNG", "readme.txt"):
            tar.addfile(tarfile.TarInfo(name))
    known = facts(None, ["c.tar", "missing.tar"], tmp_path)
    assert [(mistake.code, mistake.kind) for mistake in mistakes(config(), known)] == [("RB202", "too-few")]
    assert kinds(config(IMAGENET | {"calibration_size": 2}), known) == []
    assert kinds(config(IMAGENET | {"calibration_size": -1}), known) == []
    (none,) = mistakes(config({"calibration_format": "Numpy"}), known)
    assert (none.code, none.kind) == ("RB203", "no-files")


@pytest.mark.skipif(not CONFIGS.is_dir(), reason="the folder of published configurations is not here")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cnclip-text-u16", ["elsewhere"]),
        ("cnclip-vision-u16", ["mixed-normalization", "elsewhere", "runtime-normalization"]),
        ("cnclip-vision-u16u8", ["units", "elsewhere", "normalizes-floats"]),
        ("depth-anything-v2", ["twice", "no-conversion"]),
        ("edgetam-image-encoder", ["typing-error", "normalizes-floats"]),
        ("edgetam-mask-decoder", []),
        ("metric3d-u16", ["fp32-ignored", "no-conversion"]),
        ("raft-stereo", []),
    ],
)
def test_published_configurations(name: str, expected: list[str]) -> None:
    assert kinds(read(CONFIGS / f"{name}.json").config) == expected


def test_every_kind_is_tried() -> None:
    tried = {kind for _, kind, _ in WRONG} | {"no-such-layer", "no-such-tensor", "too-few", "no-files", "slash"}
    tried |= {"undone-by-concat"}
    assert set(_data()["mistakes"]) == tried
    slashes = mistakes(config({"tensor_name": "a/x", **IMAGENET}, U8 | {"tensor_name": "a/x"}))
    assert [(mistake.code, mistake.kind) for mistake in slashes] == [("RB111", "slash")] * 2
