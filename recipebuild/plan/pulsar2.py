"""A recipe's sections in the words of Pulsar2's documentation: the parameters of the step configure. Pure."""

from __future__ import annotations

from typing import Any

from recipebuild.facts.chips import CHIPS
from recipebuild.facts.fields import LAYER, to_quant
from recipebuild.recipe.compiler import Compiler
from recipebuild.recipe.inputs import Input
from recipebuild.recipe.quantization import LayerPrecision
from recipebuild.recipe.runtime_output import RuntimeOutput
from recipebuild.recipe.schema import Recipe


def configure_params(recipe: Recipe) -> dict[str, Any]:
    """The parameters of ``steps.configure``, as JSON values."""
    target = recipe.target
    return {
        "hardware": CHIPS[target.hardware].target,
        "npu_mode": target.npu_mode,
        "version": recipe.pulsar2.version,
        "model_type": recipe.pulsar2.model_type,
        **({"model": "corrected.onnx"} if recipe.corrects_biases else {}),
        "input": compiled_input(recipe),
        "runtime": target.runtime_input.model_dump(mode="json"),
        "outputs": [_output(each) for each in target.runtime_outputs],
        "format": recipe.calibration_format,
        "count": recipe.calibration.count,
        **({} if recipe.calibration.source or not recipe.image else {"calibrated": False}),
        "quant": _quant(recipe),
        "compiler": _differing(recipe.compiler),
        "overrides": recipe.pulsar2.overrides,
    }


def swaps_channels(recipe: Recipe) -> bool:
    """Whether the board feeds the other one of RGB and BGR than the network was trained with."""
    fed, image = recipe.target.runtime_input.format, recipe.image
    return image is not None and fed in ("RGB", "BGR") and fed != image.color


def compiled_input(recipe: Recipe) -> dict[str, Any] | None:
    """The image of the model that is compiled: the recipe's, or with its channels the other way round."""
    if recipe.image is None:
        return None
    described = recipe.image.model_dump(mode="json")
    if not swaps_channels(recipe):
        return described
    other = {"RGB": "BGR", "BGR": "RGB"}[recipe.image.color]
    swapped = Input.model_validate(
        {**described, "color": other, "mean": described["mean"][::-1], "std": described["std"][::-1]}
    )
    return swapped.model_dump(mode="json")


def host_params(recipe: Recipe) -> dict[str, Any]:
    """How the embedded toolchain quantizes: what it knows of Pulsar2's fields."""
    layers = [_layer(each) for each in recipe.layers]
    fields = {"method", "smooth_quant", "conv_bias", "layer_norm_scale"}
    return {**recipe.quantization.model_dump(mode="json", include=fields), "layers": layers}


def _output(output: RuntimeOutput) -> dict[str, Any]:
    """One ``OutputProcessor``."""
    return {"tensor_name": output.name, "dst_perm": list(output.permute), "output_dtype": output.dtype}


def _quant(recipe: Recipe) -> dict[str, Any]:
    """Fields of ``QuantConfig`` that differ from the defaults; it has one method for all tensors, and no ``auto``."""
    quantization = recipe.quantization.model_dump(mode="json")
    config = to_quant({**quantization, "method": None if quantization["method"] == "auto" else quantization["method"]})
    if recipe.layers:
        config["layer_configs"] = [_layer(each) for each in recipe.layers]
    return config


def _layer(layer: LayerPrecision) -> dict[str, Any]:
    """One ``LayerConfig``; ``module`` stays as it is, until the model is known."""
    config: dict[str, Any] = {}
    for field, (one, *several) in LAYER.items():
        value = getattr(layer, field)
        if value is not None:
            config[one if isinstance(value, str) else several[0]] = value if isinstance(value, str) else list(value)
    if layer.module is not None:
        config["module"] = [layer.module] if isinstance(layer.module, str) else list(layer.module)
    if layer.between is not None:
        config["start_tensor_names"], config["end_tensor_names"] = map(list, layer.between)
    return config


def _differing(compiler: Compiler) -> dict[str, Any]:
    return compiler.model_dump(mode="json", exclude_defaults=True)
