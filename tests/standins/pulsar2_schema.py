"""What Pulsar2's documentation says about ``pulsar2 build``: every field of its configuration, every flag.

Part of the stand-in ``pulsar2``; written from the pages ``user_guides_config/config`` and
``user_guides_advanced/advanced_build_guides``, without a look at recipebuild's own model.
"""

from __future__ import annotations

import math

HARDWARE = "AX650 AX620E AX615 AX637 AX8860 M76H M57"
CORES = {"AX650": "123", "M76H": "123", "AX620E": "12", "AX615": "12", "AX8860": "124"}
DATA = "U8 S8 U16 S16 FP32"

# A field is "kind limits", with a "!" if it is required; a list holds the fields of its elements; a dict is a message.
CONFIG = {
    "input": "string!",
    "output_dir": "string!",
    "output_name": "string",
    "work_dir": "string",
    "model_type": "enum ONNX QuantAxModel QuantONNX",
    "target_hardware": f"enum {HARDWARE}",
    "npu_mode": "enum NPU1 NPU2 NPU3 NPU4",
    "input_shapes": "string",
    "onnx_opt": {
        "disable_onnx_optimization": "bool",
        "enable_onnxsim": "bool",
        "model_check": "bool",
        "disable_transformation_check": "bool",
        "save_tensors_data": "bool",
    },
    "quant": {
        "input_configs": [
            {
                "tensor_name": "string!",
                "calibration_dataset": "archive!",
                "calibration_format": "enum Image Numpy Binary NumpyObject",
                "calibration_size": "int -1 2147483647",
                "calibration_mean": "floats",
                "calibration_std": "floats",
            }
        ],
        "layer_configs": [
            {
                "layer_name": "string",
                "op_type": "string",
                "layer_names": "strings",
                "op_types": "strings",
                "start_tensor_names": "strings",
                "end_tensor_names": "strings",
                "data_type": f"enum {DATA}",
                "weight_data_type": "enum S8 FP32",
                "output_data_type": f"enum {DATA}",
            }
        ],
        "calibration_method": "enum MinMax Percentile MSE KL",
        "precision_analysis": "bool",
        "precision_analysis_method": "enum PerLayer EndToEnd",
        "precision_analysis_mode": "enum Reference NPUBackend",
        "input_sample_dir": "string",
        "highest_mix_precision": "bool",
        "conv_bias_data_type": "enum S32 FP32",
        "ln_scale_data_type": "enum FP32 S32 U32",
        "refine_weight_threshold": "float",
        "enable_smooth_quant": "bool",
        "smooth_quant_threshold": "float",
        "smooth_quant_strength": "float",
        "transformer_opt_level": "int 0 2",
        "check": "int 0 1",
        "disable_auto_refine_scale": "bool",
        "enable_easy_quant": "bool",
        "disable_quant_optimization": "bool",
        "enable_brecq": "bool",
        "enable_lsq": "bool",
        "enable_adaround": "bool",
        "finetune_epochs": "int 1 2147483647",
        "finetune_block_size": "int 1 2147483647",
        "finetune_batch_size": "int 1 2147483647",
        "finetune_lr": "float",
        "device": "enum cpu cuda:0 cuda:1 cuda:2 cuda:3 cuda:4 cuda:5 cuda:6 cuda:7",
    },
    "input_processors": [
        {
            "tensor_name": "string!",
            "tensor_format": "enum AutoColorSpace BGR RGB GRAY",
            "tensor_layout": "enum NHWC NCHW",
            "src_format": "enum AutoColorSpace GRAY BGR RGB YUYV422 UYVY422 YUV420SP YVU420SP RAW",
            "src_layout": "enum NHWC NCHW",
            "src_dtype": "enum U8 S8 U16 S16 U32 S32 FP16 FP32",
            "csc_mode": "enum NoCSC Matrix FullRange LimitedRange",
            "csc_mat": "floats",
            "mean": "floats",
            "std": "floats",
            "padding": "ints",
            "padding_mode": "enum constant",
            "padding_constant_value": "int -2147483648 2147483647",
            "slicing": "ints",
        }
    ],
    "output_processors": [{"tensor_name": "string!", "dst_perm": "ints", "output_dtype": "enum FP32 U8"}],
    "const_processors": [{"name": "string!", "data": "floats", "data_path": "string"}],
    "compiler": {
        "static_batch_sizes": "ints",
        "max_dynamic_batch_size": "int 0 2147483647",
        "ddr_bw_limit": "float",
        "disable_ir_fix": "bool",
        "check": "int 0 3",
        "npu_perf": "bool",
        "check_mode": "enum CheckOutput CheckPerLayer",
        "check_rtol": "float",
        "check_atol": "float",
        "check_cosine_simularity": "float",
        "check_tensor_black_list": "strings",
        "input_sample_dir": "string",
        "enable_slice_mode": "bool",
        "enable_tile_mode": "bool",
        "enable_data_soft_compression": "bool",
    },
}


def flags() -> dict[str, str]:
    """The flags of ``pulsar2 build`` with the kind of each: every field that is not inside a list."""
    found = {"--config": "string"}
    for name, kind in CONFIG.items():
        if isinstance(kind, str):
            found[f"--{name}"] = kind
        elif isinstance(kind, dict):
            found |= {f"--{name}.{inner}": each for inner, each in kind.items() if isinstance(each, str)}
    return found


def check(value: object, kind: object = CONFIG, where: str = "") -> list[str]:
    """What is wrong with ``value``, one line each."""
    if isinstance(kind, str):
        return [] if _fits(value, kind) else [f"{where}: {value!r} is not {kind.rstrip('!')}"]
    if isinstance(kind, list):
        if not isinstance(value, list):
            return [f"{where} is not a list"]
        return [wrong for n, each in enumerate(value) for wrong in check(each, kind[0], f"{where}[{n}]")]
    if not isinstance(value, dict):
        return [f"{where or 'the configuration'} is not an object"]
    wrong = [f'{where or "BuildConfig"} has no field named "{name}"' for name in value if name not in kind]
    for name, inner in kind.items():
        place = f"{where}.{name}" if where else name
        if name in value:
            wrong += check(value[name], inner, place)
        elif isinstance(inner, str) and inner.endswith("!"):
            wrong.append(f"{place} is required")
    return wrong


def _fits(value: object, kind: str) -> bool:
    name, *limits = kind.rstrip("!").split()
    if name == "string":
        return isinstance(value, str)
    if name == "archive":
        return isinstance(value, str) and value.endswith((".tar", ".tar.gz", ".zip"))
    if name == "bool":
        return isinstance(value, bool)
    if name == "enum":
        return value in limits
    if name == "int":
        low, high = map(int, limits or ("-2147483648", "2147483647"))
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
    if name == "float":
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return isinstance(value, list) and all(_fits(each, name[:-1]) for each in value)
