"""bundle: the build -> the folder that goes to the board, and the same as an archive.

Inputs: compiled (compiled.axmodel or quantized.onnx), model (float ONNX), config (pulsar2.json), weights (the fetched
model), calibration (tar of images; of models that take one), samples (tar of other inputs) and more_<name> (what they
were made of), evaluation (evaluation.json, optional), templates/bundle, templates_user/* (optional; goes first).
Outputs: bundle/ (the model, pulsar2.json, model.json, README.md, run.py, of detectors also decode.py, letterbox.py and
nms.py, of models of text tokenizer.json, provenance.json, SHA256SUMS), bundle.tar.gz.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from recipebuild._version import __version__
from recipebuild.engine.digest import digest_json
from recipebuild.engine.installed import installed_version
from recipebuild.engine.progress import Progress
from recipebuild.facts.metrics import METRICS
from recipebuild.facts.runners import Runner, runners
from recipebuild.facts.tasks import DETECTION
from recipebuild.figures.bundled import Bundled
from recipebuild.figures.values import as_json
from recipebuild.toolkit.bundle import provenance
from recipebuild.toolkit.bundle.card import card, program
from recipebuild.toolkit.bundle.interface import check_runner, detector_values, interface, labels
from recipebuild.toolkit.bundle.pack import write_archive, write_sums
from recipebuild.toolkit.calibration.samples import count_samples
from recipebuild.toolkit.calibration.spec import ImageSpec, Runtime
from recipebuild.toolkit.calibration.texts import open_tokenizer, standalone
from recipebuild.toolkit.detection import decode, letterbox, nms
from recipebuild.toolkit.detection.detector import Detector
from recipebuild.toolkit.evaluate.class_names import class_names
from recipebuild.toolkit.evaluate.classes import class_count
from recipebuild.toolkit.graph.head import Head
from recipebuild.toolkit.models.detector import detector_of

TOKENIZER = "tokenizer.json"


class CompiledBy(BaseModel):
    """What compiled: its name, version, and what else tells it apart, such as an image's id."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Literal["pulsar2", "onnxruntime"]
    version: str
    facts: dict[str, str] = {}


class Params(BaseModel):
    """What the bundle says of itself.

    Attributes:
        recipe: The recipe's name.
        task: What the network does.
        head: The recipe's head.
        detector: How boxes are made; ``None`` where there are none, or the model's config.json tells.
        input: The recipe's image; ``None`` if the model takes none.
        network: Of image-to-image: the recipe's input, as which the output is to be read.
        feedback: Which output is fed back to an input, by inputs.
        length: Of text: how many tokens it has.
        runtime: What is fed on the board.
        permuted: In which order of axes the compiled model gives outputs, by name; of those where it is another.
        hardware: What the model is compiled for.
        npu_mode: With how many cores.
        toolchain: By what.
        runner: The program of ax-samples that it is for.
        source: Where the weights come from, in words.
        license: Their licence.
        intended_use: What the model is for.
        steps: The other steps' names and parameters: the recipe, as far as it shows in the result.
        tools: Python distributions that the result depends on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str
    task: str
    detector: Detector | None = None
    head: Head
    input: ImageSpec | None
    network: ImageSpec | None = None
    feedback: dict[str, str] = {}
    length: int | None = None
    runtime: Runtime = Runtime()
    permuted: dict[str, list[int]] = {}
    hardware: str
    npu_mode: str
    toolchain: CompiledBy
    runner: str | None = None
    source: str
    license: str | None = None
    intended_use: str | None = None
    steps: list[tuple[str, dict[str, Any]]]
    tools: list[str]


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Write the bundle's files, then what can be said of all of them, then the archive.

    Raises:
        StepError: If a template is wrong.
        CheckError: If the model does not fit its runner.
    """
    folder = out / "bundle"
    folder.mkdir()
    described = {**_interface(inputs, params), **_tokenizer(inputs, params, folder)}
    runner = runners()[params.runner] if params.runner else None
    if runner:
        check_runner(runner, described)
    for path in _model_files(inputs["compiled"]):
        shutil.copyfile(path, folder / path.name)
    shutil.copyfile(inputs["config"], folder / "pulsar2.json")
    _write_json(folder / "model.json", described)
    shutil.copyfile(program(inputs), folder / "run.py")
    for module in _modules(params):
        shutil.copyfile(str(module.__file__), folder / Path(str(module.__file__)).name)
    images = provenance.images(inputs["calibration"]) if "calibration" in inputs else []
    samples = count_samples(inputs["samples"]) if "samples" in inputs else len(images)
    values = _card_values(inputs, params, described, runner, samples)
    (folder / "README.md").write_text(card(values, inputs), encoding="utf-8")
    progress(0.5, "provenance")
    _write_json(folder / provenance.FILE, _statement(inputs, params, folder, images))
    write_sums(folder)
    progress(0.7, "archive")
    write_archive(folder, out / "bundle.tar.gz", params.recipe)
    return as_json(
        Bundled(
            files=len(list(folder.iterdir())),
            bytes=sum(path.stat().st_size for path in folder.iterdir()),
            model=described["model"],
            runner=params.runner,
        )
    )


def _interface(inputs: Mapping[str, Path], params: Params) -> dict[str, Any]:
    named = labels(_class_names(inputs, params), params.task)
    return {
        **interface(
            inputs["compiled"],
            params.task,
            params.input,
            params.runtime,
            named,
            params.network,
            permuted=params.permuted,
            feedback=params.feedback,
        ),
        **({"detector": detector_values(_detector(inputs, params))} if params.task == DETECTION else {}),
        "head": params.head.model_dump(
            mode="json", exclude=set() if params.head.kind == "threshold" else {"threshold"}
        ),
        "hardware": params.hardware,
        "npu_mode": params.npu_mode,
        "toolchain": {"name": params.toolchain.name, "version": params.toolchain.version},
        "runner": params.runner,
    }


def _tokenizer(inputs: Mapping[str, Path], params: Params, folder: Path) -> dict[str, str]:
    """Write the tokenizer of a model of text, by which run.py makes tokens; its name, if it has one that goes alone."""
    made = standalone(open_tokenizer(inputs["weights"]), params.length) if params.length else None
    if made is None:
        return {}
    (folder / TOKENIZER).write_text(made, encoding="utf-8")
    return {"tokenizer": TOKENIZER}


def _modules(params: Params) -> list[ModuleType]:
    """What run.py imports beside itself: our own files, which need numpy alone."""
    boxes = [decode, nms] if params.task == DETECTION else []
    boxed = params.input is not None and params.input.resize == "letterbox"
    return [*boxes, letterbox] if boxes or boxed else []


def _detector(inputs: Mapping[str, Path], params: Params) -> Detector:
    return params.detector or detector_of(inputs["weights"] / "config.json")


def _class_names(inputs: Mapping[str, Path], params: Params) -> list[str]:
    """As the evaluation calls the classes; without one, as the model does."""
    known = _evaluation(inputs).get("labels")
    if known:
        return list(known)
    detects = params.task == DETECTION
    classes = _detector(inputs, params).classes if detects else class_count(inputs["model"]) or 0
    return class_names(classes, config=inputs["weights"] / "config.json")


def _evaluation(inputs: Mapping[str, Path]) -> dict[str, Any]:
    """The figures of evaluation.json; empty without one."""
    return json.loads(inputs["evaluation"].read_text(encoding="utf-8")) if "evaluation" in inputs else {}


def _model_files(compiled: Path) -> list[Path]:
    """The compiled model, and what lies beside it under longer names."""
    return [compiled, *sorted(compiled.parent.glob(f"{compiled.name}.*"))]


def _card_values(
    inputs: Mapping[str, Path], params: Params, described: Mapping[str, Any], runner: Runner | None, samples: int
) -> dict[str, Any]:
    command = None
    if runner and params.input:
        _, _, height, width = params.input.shape
        command = runner.command(described["model"], height, width)
    return {
        **params.model_dump(mode="json", include={"recipe", "source", "license", "intended_use"}),
        "recipe_digest": digest_json(params.steps),
        "version": __version__,
        "interface": described,
        "figures": _evaluation(inputs),
        "metrics": [metric for metric in METRICS.values() if metric.tasks],
        "calibration_images": samples,
        "command": command,
    }


def _statement(
    inputs: Mapping[str, Path], params: Params, folder: Path, images: list[provenance.Dependency]
) -> dict[str, Any]:
    parameters = {
        "recipe": params.recipe,
        "recipe_digest": digest_json(params.steps),
        "source": params.source,
        "steps": [{"name": name, "params": values} for name, values in params.steps],
    }
    return provenance.statement(
        folder,
        parameters,
        {"toolchain": params.toolchain.model_dump(mode="json")},
        [
            *provenance.files(inputs["weights"], "weights"),
            *images,
            *(one for name in inputs if name.startswith("more_") for one in provenance.files(inputs[name], name)),
            *provenance.distributions({tool: installed_version(tool) for tool in params.tools}),
            *provenance.toolchain(params.toolchain.name, params.toolchain.facts),
        ],
    )


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
