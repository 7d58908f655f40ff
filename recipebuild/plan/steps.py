"""The steps that build a recipe, of one entry of its matrix.

fetch -> export -> simplify -> rewrite -> (equalize) -> (channels) -> head -> lint, verify -> (correct-bias) -> compile
calibrate -> (samples), (tensors), configure -> (config-check), (equalize), (correct-bias) ----------------------^
    -> (simulate)
    -> answers -> evaluate, rungs -> ladder, preview; layers, (sensitivity), (judge), bundle
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from recipebuild.engine.step import Output, Source, Step
from recipebuild.facts.chips import CHIPS
from recipebuild.facts.tasks import DETECTION, TASKS
from recipebuild.plan.bundle import bundle_params
from recipebuild.plan.evaluate import detector_params, measuring, state_specs, tensor_specs
from recipebuild.plan.judge import judged
from recipebuild.plan.kinds import KINDS
from recipebuild.plan.pulsar2 import compiled_input, configure_params, host_params, swaps_channels
from recipebuild.recipe.schema import Recipe


@dataclass(frozen=True)
class ResolvedToolchain:
    """What ``target.toolchain`` came to on this machine.

    Attributes:
        name: Which one.
        version: Its version.
        params: What the compile step must know to run it.
        facts: What else its results depend on, such as a docker image's id; part of the key.
    """

    name: Literal["pulsar2", "onnxruntime"]
    version: str
    params: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)


def steps_of(
    recipe: Recipe, label: str, toolchain: ResolvedToolchain, templates: Mapping[str, Mapping[str, Path]]
) -> list[Step]:
    """Return the steps of one entry of the matrix, each after those that it needs."""
    steps = Steps(recipe, label)
    models = _model(steps)
    target = {"hardware": recipe.target.hardware, "npu_mode": recipe.target.npu_mode}
    calibration = steps.calibration
    final = models["head"]
    config = _configure(steps, final, templates["pulsar2"])
    verify = steps.add(
        "verify", "verify.json",
        {
            **steps.weights, "head": recipe.head.model_dump(mode="json"), "input": steps.image, "compiled": steps.fed,
        },
        {**models, **calibration},
    )  # fmt: skip
    # Behind verify, which so begins in the worker that has imported torch for the export.
    steps.add("lint", "lint.json", target, {"model": final})
    # An hour of compilation is not begun on a model that was found to be wrong.
    corrected = _corrected(steps, final, calibration, after=verify)
    compiled = _compile(steps, toolchain, corrected, calibration, config, after=verify)
    evaluation = measuring(steps, toolchain, models, compiled, calibration)
    _explain(steps, final, compiled, calibration)
    passed = judged(steps, compiled, evaluation)
    if toolchain.name == "pulsar2":
        config = replace(compiled, name="used.json")
    inputs = {"weights": models.get("model") or models["reference"], "model": final, "compiled": compiled}
    inputs |= {"config": config, **calibration, **evaluation}
    _bundle(steps, toolchain, inputs, templates["bundle"], after=passed)
    return steps.all


class Steps:
    """The steps so far, and the parameters that several of them share."""

    def __init__(self, recipe: Recipe, label: str) -> None:
        self.recipe = recipe
        self.all: list[Step] = []
        self._label = label
        self.image = recipe.image.model_dump(mode="json") if recipe.image else None
        self.fed = compiled_input(recipe)
        self.explained = {
            "input": self.fed,
            "class_axis": TASKS[recipe.model.task].class_axis,
            "smooth_quant": host_params(recipe)["smooth_quant"],
        }
        self.sources = (
            {"more_texts": Source(Path(recipe.tokens.source))}
            if recipe.tokens
            else {f"more_{tensor.name}": Source(Path(tensor.source)) for tensor in recipe.tensors if tensor.source}
        )
        self.tokenizer: Output | None = None
        self.simplified: Output | None = None
        self.labels = {"labels": recipe.evaluate.labels if recipe.evaluate else None}
        self.config: dict[str, Output] = {}
        self.detector = {"detector": detector_params(recipe)} if recipe.model.task == DETECTION else {}
        self.weights = recipe.model.model_dump(include={"task", "weights", "seed", "features", "normalize"})
        if recipe.tokens:
            self.weights["tokens"] = list(recipe.tokens.names)

    def add(
        self, kind: str, output: str, params: Mapping[str, Any], inputs: Mapping[str, Output | Source],
        number: int | None = None, **more: Any,
    ) -> Output:  # fmt: skip
        """Add a step of a kind, numbered if there are several; give its output of that name, for later steps."""
        spec = KINDS[kind]
        name = kind.partition("/")[0]
        entry = f"[{self._label}]" if self._label else ""
        place = name if number is None else f"{name}-{number}"
        step = Step(
            f"{self.recipe.name}{entry}/{place}", name, spec.module, params, inputs,
            resources=spec.resources, timeout=spec.timeout, retries=spec.retries, variant=self._label,
            goes_on=spec.goes_on, **({"tools": spec.tools} | more),
        )  # fmt: skip
        self.all.append(step)
        return Output(step.id, output)

    @cached_property
    def calibration(self) -> dict[str, Output]:
        """The calibration set: images, tensors, both, or none of a model that is quantized already.

        Its steps are added where it is first asked for.
        """
        described, image, tensors = self.recipe.calibration, self.recipe.image, self.recipe.tensors
        drawn = {}
        if image is not None and described.source:
            drawn["calibration"] = self.add(
                "calibrate", "calibration.tar",
                {
                    **described.model_dump(include={"count", "select", "seed"}),
                    "pattern": described.pattern,
                    "shape": list(image.shape),
                    "resize": image.resize,
                },
                {"source": Source(Path(described.path))},
            )  # fmt: skip
        if self.recipe.tokens:
            drawn["samples"] = self.tokens(
                self.sources["more_texts"], **described.model_dump(include={"count", "seed"})
            )
        elif tensors:
            states = state_specs(self.recipe)
            params = {
                "tensors": tensor_specs(self.recipe),
                **described.model_dump(include={"count", "seed"}),
                **({"in_order": True} if states else {}),
            }
            drawn["samples"] = self.add("samples", "samples.tar", params, {**drawn, **self.sources})
            if states:
                drawn = {"samples": self.fed_back("states", "samples.tar", {"samples": drawn["samples"]})}
        return drawn

    def fed_back(self, kind: str, output: str, inputs: Mapping[str, Output | Source]) -> Output:
        """Samples with the states that the float model is fed with each."""
        assert self.simplified is not None, "the model is there first"  # noqa: S101
        params = {"task": self.recipe.model.task, "tensors": tensor_specs(self.recipe), **state_specs(self.recipe)}
        return self.add(kind, output, params, {"model": self.simplified, **inputs})

    def tokens(self, texts: Source, **params: Any) -> Output:
        """What the model is fed of texts: samples to calibrate with, or with ``as_dataset`` to evaluate on."""
        tokens, tokenizer = self.recipe.tokens, self.tokenizer
        assert tokens is not None and tokenizer is not None, "the model is fetched first"  # noqa: S101
        kind, output = ("tokens-dataset", "dataset") if "as_dataset" in params else ("tokens", "samples.tar")
        fed = tokens.model_dump(mode="json", include={"names", "length"})
        return self.add(kind, output, {**fed, **params}, {"texts": texts, "model": tokenizer})


def _model(steps: Steps) -> dict[str, Output]:
    """fetch, export, simplify, rewrite, equalize, head: the models after each, by the names that verify knows."""
    recipe = steps.recipe
    model, export = recipe.model, recipe.export
    fetched = steps.add(
        "fetch", "model.onnx" if model.is_onnx else "model",
        {
            "hub_id": None if model.is_local else model.source,
            "revision": model.revision,
            "weights": model.weights,
            "allow_pickle": model.allow_pickle,
            **({"quantized": True} if recipe.pulsar2.is_quantized else {}),
            **({"outputs": list(model.outputs)} if model.outputs else {}),
            **({"tokenizer": True} if recipe.tokens else {}),
        },
        {
            **({"source": Source(Path(model.source))} if model.is_local else {}),
            **({"adapter": Source(Path(model.adapter))} if model.adapter else {}),
        },
    )  # fmt: skip
    steps.tokenizer = fetched
    if model.is_onnx:
        models = {"reference": fetched}
    else:
        how = {"opset": export.opset, "exporter": export.exporter, "output_name": export.output}
        if recipe.tokens:
            how["length"] = recipe.tokens.length
        exported = steps.add("export", "export.onnx", {**steps.weights, **_shape(recipe), **how}, {"model": fetched})
        models = {"model": fetched, "export": exported}
        steps.config = {"config": replace(fetched, name="model/config.json")}
    raw = models.get("export", fetched)
    more = {tensor.name: tensor.model_dump(mode="json", include={"shape", "dtype"}) for tensor in recipe.tensors}
    simplified = steps.add("simplify", "simplified.onnx", {**_shape(recipe), "more": more}, {"model": raw})
    steps.simplified = simplified
    rewriting = {
        "enabled": recipe.rewrite.enabled,
        # The graph is for the chip, whatever compiles it here, unless the recipe asks for the host by name.
        "target": "host" if recipe.target.toolchain == "onnxruntime" else CHIPS[recipe.target.hardware].target,
        "switches": recipe.rewrite.switches,
        "class_axis": recipe.head.axis if recipe.head.kind == "argmax" else None,
        **({"any_order": True} if model.task == DETECTION and not model.is_onnx else {}),
    }
    models["simplified"] = simplified
    models["rewritten"] = last = steps.add("rewrite", "rewritten.onnx", rewriting, {"model": simplified})
    equalize = recipe.equalize
    if equalize and (equalize.techniques or equalize.attention or equalize.tokens):
        params: dict[str, Any] = {"techniques": equalize.techniques, "input": steps.image}
        if equalize.attention:
            params["attention"] = equalize.attention
        if equalize.tokens:
            params["tokens"] = True
        models["equalized"] = last = steps.add(
            "equalize", "equalized.onnx", params, {"model": last, **steps.calibration}
        )
    if recipe.image and swaps_channels(recipe):
        models["channels"] = last = steps.add(
            "channels", "channels.onnx", {"input_name": recipe.image.name}, {"model": last}
        )
    final = steps.add("head", "model.onnx", recipe.head.model_dump(mode="json"), {"model": last})
    return {**models, "head": final}


def _shape(recipe: Recipe) -> dict[str, Any]:
    """The image's input and its shape, of models that take one."""
    return {"input_name": recipe.image.name, "shape": list(recipe.image.shape)} if recipe.image else {}


def _configure(steps: Steps, model: Output, templates: Mapping[str, Path]) -> Output:
    inputs: dict[str, Output | Source] = {name: Source(path) for name, path in templates.items()}
    if any(layer.module is not None for layer in steps.recipe.layers):
        inputs["model"] = model
    return steps.add("configure", "pulsar2.json", configure_params(steps.recipe), inputs)


def _corrected(steps: Steps, model: Output, calibration: Mapping[str, Output], after: Output) -> Output:
    """The model to compile: the final one, or with biases for 8 bits."""
    if not steps.recipe.corrects_biases:
        return model
    params = {"layers": host_params(steps.recipe)["layers"], "input": steps.fed}
    return steps.add("correct-bias", "corrected.onnx", params, {"model": model, **calibration}, after=(after.step,))


def _compile(
    steps: Steps,
    toolchain: ResolvedToolchain,
    model: Output,
    calibration: Mapping[str, Output],
    config: Output,
    after: Output,
) -> Output:
    inputs = {"model": model, **calibration}
    if toolchain.name == "pulsar2":
        format = steps.recipe.calibration_format
        if format != "Image" and calibration:
            fed = {"input": steps.fed, "format": format}
            inputs = {
                "model": model,
                "calibration": steps.add("tensors", "calibration-tensors.tar", fed, calibration),
            }
        checked = steps.add(
            "config-check", "config-check.json", toolchain.params, {"config": config}, facts=toolchain.facts
        )
        gpus = steps.recipe.quantization.device != "cpu"
        params = {"hardware": CHIPS[steps.recipe.target.hardware].target, "gpus": gpus, **toolchain.params}
        more = {**inputs, "config": config}
        return steps.add(
            "compile/pulsar2", "compiled.axmodel", params, more, after=(after.step, checked.step), facts=toolchain.facts
        )
    params = host_params(steps.recipe) | {"input": steps.fed}
    return steps.add("compile/onnxruntime", "quantized.onnx", params, inputs, after=(after.step,))


def _explain(steps: Steps, model: Output, compiled: Output, calibration: Mapping[str, Output]) -> None:
    """The steps that tell where accuracy is lost: they read models that ONNX Runtime runs."""
    if not compiled.name.endswith(".onnx"):
        return
    inputs = {"model": model, "quantized": compiled, **calibration}
    steps.add("layers", "layers.json", {**steps.explained, **steps.labels}, {**inputs, **steps.config})
    if steps.recipe.tune is not None:
        steps.add("sensitivity", "sensitivity.json", steps.explained, inputs)


def _bundle(
    steps: Steps,
    toolchain: ResolvedToolchain,
    inputs: Mapping[str, Output | Source],
    templates: Mapping[str, Path],
    after: tuple[str, ...],
) -> None:
    used = {"name": toolchain.name, "version": toolchain.version, "facts": dict(toolchain.facts)}
    params = bundle_params(steps.recipe, used, steps.all)
    inputs = {**inputs, **steps.sources, **{name: Source(path) for name, path in templates.items()}}
    steps.add("bundle", "bundle", params, inputs, after=after, tools=tuple(params["tools"]))
