"""Hypothesis strategies for configurations of ``pulsar2 build``: what the documentation allows, and what not."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

NAMES = st.text("abcXYZ019_/.:", min_size=1, max_size=8)
NAME_LISTS = st.lists(NAMES, min_size=1, max_size=3)
FLOATS = st.floats(-1e4, 1e4, width=32)
MEANS = st.lists(FLOATS, max_size=3)
QUANT = st.sampled_from(["U8", "S8", "U16", "S16", "FP32"])
INT32 = st.integers(-(2**31), 2**31 - 1)
COUNTS = st.integers(1, 2**31 - 1)
STRUCTS = st.dictionaries(
    NAMES, st.one_of(st.integers(-99, 99), st.booleans(), NAMES, st.lists(st.integers(-9, 9), max_size=3)), max_size=3
)


def message(required: dict[str, Any] | None = None, **optional: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(required or {}, optional=optional)


INPUT_QUANT = message(
    {"tensor_name": NAMES, "calibration_dataset": NAMES.map(lambda name: f"{name}.tar.gz")},
    calibration_format=st.sampled_from(["Image", "Numpy", "Binary", "NumpyObject"]),
    calibration_size=st.integers(-1, 10_000), calibration_mean=MEANS, calibration_std=MEANS,
)  # fmt: skip
PRECISION = {"data_type": QUANT, "output_data_type": QUANT, "weight_data_type": st.sampled_from(["S8", "FP32"])}
LAYER = st.one_of(
    message({"layer_name": NAMES}, **PRECISION),
    message({"op_type": NAMES}, **PRECISION),
    message({"layer_names": NAME_LISTS}, **PRECISION),
    message({"op_types": NAME_LISTS}, **PRECISION),
    message({"start_tensor_names": NAME_LISTS, "end_tensor_names": NAME_LISTS}, **PRECISION),
)
QUANT_CONFIG = message(
    input_configs=st.lists(INPUT_QUANT, max_size=2), layer_configs=st.lists(LAYER, max_size=3),
    calibration_method=st.sampled_from(["MinMax", "Percentile", "MSE", "KL"]), precision_analysis=st.booleans(),
    precision_analysis_method=st.sampled_from(["PerLayer", "EndToEnd"]),
    precision_analysis_mode=st.sampled_from(["Reference", "NPUBackend"]), input_sample_dir=NAMES,
    highest_mix_precision=st.booleans(), conv_bias_data_type=st.sampled_from(["S32", "FP32"]),
    ln_scale_data_type=st.sampled_from(["FP32", "S32", "U32"]),
    refine_weight_threshold=st.one_of(st.just(-1), st.floats(0, 2**-14, width=32)), enable_smooth_quant=st.booleans(),
    smooth_quant_threshold=st.floats(0, 1, width=32), smooth_quant_strength=st.floats(0, 1, width=32),
    transformer_opt_level=st.integers(0, 2), check=st.integers(0, 1), disable_auto_refine_scale=st.booleans(),
    enable_easy_quant=st.booleans(), disable_quant_optimization=st.booleans(), enable_brecq=st.booleans(),
    enable_lsq=st.booleans(), enable_adaround=st.booleans(), finetune_epochs=COUNTS, finetune_block_size=COUNTS,
    finetune_batch_size=COUNTS, finetune_lr=st.floats(2**-20, 1, width=32),
    device=st.sampled_from(["cpu", "cuda:0", "cuda:7"]),
)  # fmt: skip
_YUV = ("YUYV422", "UYVY422", "YUV420SP", "YVU420SP")
INPUT_PROCESSOR = message(
    {"tensor_name": NAMES},
    tensor_format=st.sampled_from(["AutoColorSpace", "BGR", "RGB", "RGBA", "GRAY"]),
    tensor_layout=st.sampled_from(["DefaultLayout", "NHWC", "NCHW"]),
    src_format=st.sampled_from(
        ["AutoColorSpace", "GRAY", "BGR", "RGB", "RGBA", "YUYV422", "UYVY422", "YUV420SP", "YVU420SP", "RAW"]
    ),
    src_layout=st.sampled_from(["DefaultLayout", "NHWC", "NCHW"]),
    src_dtype=st.sampled_from(
        ["U8", "S8", "U16", "S16", "U32", "S32", "U64", "S64", "FP16", "BF16", "FP32", "NVFP4"]
    ),
    src_extra_shapes=st.just([{"shape": [1, 3, 384, 384]}]),
    csc_mode=st.sampled_from(["NoCSC", "FullRange", "LimitedRange"]), mean=MEANS, std=MEANS,
    padding=st.lists(INT32, max_size=4), padding_mode=st.just("constant"), padding_constant_value=INT32,
    slicing=st.lists(INT32, max_size=4),
).map(lambda values: values | ({"csc_mode": "FullRange"} if values.get("src_format") in _YUV else {}))  # fmt: skip
GRAPH = message(
    nodes=st.lists(message(types=NAME_LISTS, inputs=NAME_LISTS, outputs=NAME_LISTS, properties=STRUCTS), max_size=2),
    type=st.sampled_from(["Tile", "Slice"]), match_mode=st.sampled_from(["Op", "Tensor"]),
)  # fmt: skip
OPTIONS: dict[str, Any] = {
    "ddr_bw_limit": st.floats(0, 1024, width=32), "disable_ir_fix": st.booleans(), "check": st.integers(0, 3),
    "npu_perf": st.booleans(), "check_mode": st.sampled_from(["CheckOutput", "CheckPerLayer"]),
    "check_rtol": st.floats(0, 1, width=32), "check_atol": st.floats(0, 1, width=32),
    "check_cosine_simularity": st.floats(0, 1, width=32), "check_tensor_black_list": NAME_LISTS,
    "input_sample_dir": NAMES, "enable_slice_mode": st.booleans(), "enable_tile_mode": st.booleans(),
    "enable_data_soft_compression": st.booleans(), "compiler_group_patterns": st.lists(GRAPH, max_size=2),
}  # fmt: skip
BATCHES: list[dict[str, Any]] = [
    {"static_batch_sizes": st.lists(COUNTS, min_size=1, max_size=3)}, {"max_dynamic_batch_size": COUNTS}, {},
]  # fmt: skip
SUB = message({"start_tensor_names": NAME_LISTS, "end_tensor_names": NAME_LISTS}, **OPTIONS)
COMPILER = st.one_of(*(message(**OPTIONS, **batch, sub_configs=st.lists(SUB, max_size=2)) for batch in BATCHES))
PATCHES = st.lists(message({"op_name": NAMES, "attrs": STRUCTS}), max_size=2)
MODES = [
    ("AX650", "NPU3"),
    ("AX620E", "NPU2"),
    ("AX615", "NPU1"),
    ("AX8860", "NPU4"),
    ("M57", "NPU1"),
    ("LAMBERT", "NPU5"),
    ("AX620L", "ISP1"),
    ("AX637", "NPU1"),
]


@st.composite
def valid(draw: st.DrawFn) -> dict[str, Any]:
    """The JSON values of a configuration within everything that is documented."""
    config = draw(
        message(
            {"input": NAMES, "output_dir": NAMES},
            output_name=NAMES, work_dir=NAMES, input_shapes=st.sampled_from(["x:1x3x8x8", "a:1x2;b:3"]),
            model_type=st.sampled_from(["ONNX", "QuantAxModel", "QuantONNX", "OptimizedQuantAxModel", "ISP"]),
            onnx_opt=message(enable_onnxsim=st.booleans(), model_check=st.booleans(), save_tensors_data=st.booleans()),
            quant=QUANT_CONFIG, input_processors=st.lists(INPUT_PROCESSOR, max_size=1),
            debug=message(dump_frontend_graph=st.booleans()),
            output_processors=st.lists(message({"tensor_name": NAMES}, dst_perm=st.lists(INT32, max_size=4),
                                               output_dtype=st.sampled_from(["FP32", "U8"])), max_size=2),
            const_processors=st.lists(message({"name": NAMES}, data_path=NAMES, data=st.lists(
                st.floats(allow_nan=False, allow_infinity=False), max_size=3)), max_size=2),
            op_processors=PATCHES, quant_op_processors=PATCHES, compiler=COMPILER,
        )
    )  # fmt: skip
    if draw(st.booleans()):
        config["target_hardware"], config["npu_mode"] = draw(st.sampled_from(MODES))
    return config


WRONG: list[tuple[str, Any]] = [
    ("npu_mod", "NPU1"), ("npu_mode", "NPU9"), ("target_hardware", "AX651"), ("input", 3), ("output_dir", None),
    ("input", ...), ("onnx_opt.enable_onnxsim", "yes"), ("onnx_opt.fast", True),
    ("quant.calibration_method", "minmax"), ("quant.transformer_opt_level", 3), ("quant.smooth_quant_strength", 1.5),
    ("quant.refine_weight_threshold", 0.001), ("quant.device", "cuda:8"), ("quant.finetune_epochs", 0),
    ("quant.check", 2), ("quant.conv_bias_data_type", "U8"), ("quant.calibration_size", 3),
    ("quant.input_configs", [{"tensor_name": "x"}]),
    ("quant.input_configs", [{"tensor_name": "x", "calibration_dataset": "images"}]),
    ("quant.input_configs", [{"tensor_name": "x", "calibration_dataset": "a.tar", "calibration_size": 2**31}]),
    ("quant.input_configs", [{"tensor_name": "x", "calibration_dataset": "a.tar", "calibration_mean": [1e39]}]),
    ("quant.layer_configs", [{"data_type": "U16"}]),
    ("quant.layer_configs", [{"layer_name": "a", "op_type": "Add", "data_type": "U16"}]),
    ("quant.layer_configs", [{"start_tensor_names": ["a"], "data_type": "U16"}]),
    ("quant.layer_configs", [{"layer_name": "a", "data_type": "U32"}]),
    ("quant.layer_configs", [{"layer_name": "a", "data_type": "INT8"}]),
    ("input_processors", [{"tensor_name": "x", "tensor_format": "YUV420SP"}]),
    ("input_processors", [{"tensor_name": "x", "src_dtype": "U4"}]),
    ("input_processors", [{"tensor_name": "x", "src_format": "YUV420SP"}]),
    ("input_processors", [{"tensor_name": "x", "zeropoint": 3}]),
    ("input_processors", [{"tensor_name": "x", "csc_mode": "Matrix", "csc_mat": [1.0] * 9}]),
    ("input_processors", [{"tensor_name": "x", "csc_mode": "Matrix", "csc_mat": [1.0] * 3 + [9.0] + [1.0] * 8}]),
    ("input_processors", [{"tensor_name": "x", "padding_mode": "reflect"}]),
    ("input_processors", [{"tensor_name": "x", "src_extra_shapes": [{"shape": [1]}]}, {"tensor_name": "y"}]),
    ("output_processors", [{"dst_perm": [0, 1]}]), ("output_processors", [{"tensor_name": "y", "output_dtype": "U16"}]),
    ("const_processors", [{"data": [1]}]), ("op_processors", [{"op_name": "a"}]),
    ("op_processors", [{"op_name": "a", "attrs": [1]}]),
    ("compiler.check", 4), ("compiler.npu_perf", 3.5), ("compiler.fast", True),
    ("compiler.sub_configs", [{"check": 1}]),
    ("compiler.static_batch_sizes", "1,2"),
]  # fmt: skip
"""A field (dots between), and a value that the documentation does not allow there; ``...`` takes the field away."""


@st.composite
def invalid(draw: st.DrawFn) -> dict[str, Any]:
    """A valid configuration with one field made wrong."""
    config = copy.deepcopy(draw(valid()))
    path, value = draw(st.sampled_from(WRONG))
    *outer, name = path.split(".")
    place = config
    for part in outer:
        place = place.setdefault(part, {})
    if value is ...:
        del place[name]
    else:
        place[name] = value
    return config
