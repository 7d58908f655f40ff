"""What a finished build tells: figures for the manifest, and what was not got: ``findings(built, ...)``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError
from recipebuild.figures.compiled import Compiled
from recipebuild.figures.values import as_json
from recipebuild.toolkit.graph.statistics import inputs, outputs
from recipebuild.toolkit.pulsar2.asked import dropped, precisions, read_quantized
from recipebuild.toolkit.pulsar2.axmodel import AxModel, describe
from recipebuild.toolkit.pulsar2.build import Pulsar2Output
from recipebuild.toolkit.pulsar2.config import BuildConfig
from recipebuild.toolkit.pulsar2.interface import surprises
from recipebuild.toolkit.pulsar2.profile import profile

if TYPE_CHECKING:
    import onnx

NORMAL_COSINE = 0.98
"""Above it, accuracy is taken as normal (page appendix/precision_debug_guides)."""


def findings(built: Pulsar2Output, config: BuildConfig, model: onnx.ModelProto) -> tuple[dict[str, Any], list[str]]:
    """The figures of a build, ``warnings`` among them if there are any; and what was asked of layers and not got.

    Args:
        built: What the tool left and said.
        config: What it was told.
        model: What it compiled.

    Raises:
        StepError: If the compiled model cannot be read, or is not what the configuration promises.
    """
    compiled = describe(built.compiled)
    if wrong := surprises(config, inputs(model), outputs(model), compiled):
        raise StepError(
            f"{built.compiled.name} is not what the configuration promises: {wrong[0]}",
            remedy="\n".join([*wrong[1:], "look for what rewrites inputs or outputs: templates, pulsar2.overrides"]),
        )
    quantized = read_quantized(built.out / "quant" / "quant_axmodel.json")
    missed = dropped(config, quantized, _operators(built, model))
    warnings = [*_cpu(compiled), *_settings(built, config), *_cosine(built)]
    warnings += [f"RB312 {each}" for each in missed]
    figures = as_json(
        Compiled(
            bytes=built.compiled.stat().st_size,
            max_cycle=built.log.figures.get("max_cycle"),
            precisions=precisions(quantized) if quantized else None,
            npu_perf=profile(built.out, model) or None,
            more={
                "version": compiled.version,
                "commit": compiled.commit,
                **({"npu_mode": compiled.npu_mode} if compiled.npu_mode else {}),
                "inputs": [{"name": t.name, "dtype": t.dtype, "shape": t.shape} for t in compiled.inputs],
                **{name: value for name, value in built.log.figures.items() if name != "max_cycle"},
                **({"warnings": warnings} if warnings else {}),
            },
        )
    )
    return figures, missed


def _operators(built: Pulsar2Output, model: onnx.ModelProto) -> dict[str, str]:
    """The operators of the optimized graph's layers by name; those of the model itself if it was not left."""
    from recipebuild.toolkit.graph.files import load

    path = built.out / "frontend" / "optimized.onnx"
    graph = (load(path, weights=False) if path.is_file() else model).graph
    return {node.name: node.op_type for node in graph.node if node.name}


def _cpu(compiled: AxModel) -> list[str]:
    """Parts that run on the CPU."""
    parts = [part for part in compiled.subgraphs if part.runs_on == "CPU"]
    return [f"RB601 {part.name} runs on the CPU: {', '.join(part.operators)}" for part in parts]


def _settings(built: Pulsar2Output, config: BuildConfig) -> list[str]:
    """Where the tool's own table of settings differs from what it was told; cells that are cut are not compared."""
    asked = {entry.tensor_name: entry for entry in config.quant.input_configs}
    differences = []
    for row in built.log.inputs:
        name = row.get("Input", "")
        entry = asked.get(name) or asked.get("DEFAULT")
        shown = row.get("Data Format", "").replace(" ", "")
        if entry and shown and not shown.endswith("…") and shown != entry.calibration_format:
            differences.append(f"RB314 {name} was calibrated from {shown}, not from {entry.calibration_format}")
    level = built.log.figures.get("transformer_opt_level")
    if level is not None and level != config.quant.transformer_opt_level:
        differences.append(f"RB314 transformer_opt_level was {level}, not {config.quant.transformer_opt_level}")
    return differences


def _cosine(built: Pulsar2Output) -> list[str]:
    """Outputs that the precision analysis finds far from the float model's."""
    rows = built.log.figures.get("precision", [])
    if not rows or rows[-1]["cosine"] >= NORMAL_COSINE:
        return []
    last, worst = rows[-1], min(rows, key=lambda row: row["cosine"])
    return [
        f"RB602 the quantized model's last layer has cosine {last['cosine']:g} with the float one "
        f"({NORMAL_COSINE:g} is normal); the worst layer is {worst['operator']} with {worst['cosine']:g}"
    ]
