"""The recipe: every field, its unit, its default and its limits.

``Recipe`` is what the rest of the program sees: one build, complete, its paths absolute. ``RecipeFile`` adds what only
a YAML file may say (``extends``, ``matrix``); ``load`` resolves those, and the published JSON Schema is made from it.
The descriptions are shown by editors and by error messages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError, PydanticKnownError

from recipebuild.facts.chips import CHIPS, Hardware, NpuMode
from recipebuild.facts.metrics import metrics_of
from recipebuild.facts.tasks import DETECTION, FEATURES, SEGMENTATION, TASKS, TaskName
from recipebuild.recipe.accept import Accept
from recipebuild.recipe.board import Board
from recipebuild.recipe.bundle import BundleText
from recipebuild.recipe.checking import Check
from recipebuild.recipe.compiler import Compiler
from recipebuild.recipe.detector import Detector
from recipebuild.recipe.equalizing import Equalize
from recipebuild.recipe.evaluate import Evaluate
from recipebuild.recipe.inputs import ImageInput, Input, TensorInput
from recipebuild.recipe.pulsar2 import Pulsar2
from recipebuild.recipe.quantization import LayerPrecision, Quantization
from recipebuild.recipe.rewriting import Rewrite
from recipebuild.recipe.runtime_input import RuntimeInput
from recipebuild.recipe.section import (
    MISSING,
    REVISION,
    Count,
    Name,
    Section,
    Seed,
    TensorName,
    Text,
    wrong,
)
from recipebuild.recipe.tune import Tune

HUB_ID = re.compile(r"(?!.*(--|\.\.))[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9_][\w.-]{0,95})?(?<![.-])", re.ASCII)
WEIGHT_FILES = (".pt", ".pth", ".bin", ".ckpt", ".safetensors", ".pkl", ".h5", ".tflite")
BARE_WEIGHTS = (
    "name the folder that has it and config.json; a checkpoint of another library (mmsegmentation, timm) has no "
    "config.json: export it to ONNX there, and name the .onnx file"
)


class Model(Section):
    """The network: where it comes from, and with which weights."""

    source: Text = Field(description="Hugging Face hub id (owner/name), folder in Hugging Face layout, or file.onnx")
    revision: Annotated[str, Field(pattern=REVISION, max_length=250)] | None = Field(
        default=None,
        description="Commit of the hub repository (40 hexadecimal digits), so that every build gets the same files",
    )
    task: TaskName = Field(default=SEGMENTATION, description="What the network does, in Hugging Face's words")
    features: Literal["patches", "cls", "tokens", "pooled"] | None = Field(
        default=None,
        description="For image-feature-extraction: tokens of the patches [N, places, C], the class token, all "
        "tokens, or the pooled embedding; by default pooled for models of images and text, else patches",
    )
    normalize: bool = Field(default=False, description="For image-feature-extraction: bring features to length 1 (L2)")
    weights: Literal["pretrained", "random"] = Field(
        default="pretrained", description="`random` builds the architecture with seeded weights and downloads nothing"
    )
    seed: Seed = Field(default=0, description="Seed of the random weights, 0 to 4294967295")
    adapter: Text | None = Field(
        default=None,
        description="Folder of a LoRA adapter (peft: adapter_config.json, adapter_model.safetensors), which is merged "
        "into the weights; a config.json in it goes before the model's",
    )
    allow_pickle: bool = Field(
        default=False, description="Also take weights in pickle files, which can run code of whoever made them"
    )

    outputs: Annotated[tuple[Text, ...], Field(strict=False)] = Field(
        default=(),
        description="Of an ONNX file: tensors at which its graph ends, in place of its own outputs; names, or patterns "
        "such as /model.22/Concat_*",
    )

    @model_validator(mode="after")
    def _is_cut(self) -> Model:
        if self.outputs and not self.source.endswith(".onnx"):
            words = {"message": f"{self.source} is no ONNX file", "remedy": "leave model.outputs out"}
            raise PydanticCustomError("recipe", "{message}", {**words, "field": "outputs"})
        return self

    @model_validator(mode="after")
    def _fits_task(self) -> Model:
        if self.task != FEATURES and (self.features or self.normalize):
            field = "features" if self.features else "normalize"
            words = {"message": f"{self.task} gives no features", "remedy": f"task: {FEATURES}"}
            raise PydanticCustomError("recipe", "{message}", {**words, "field": field})
        return self

    @field_validator("adapter")
    @classmethod
    def _is_folder(cls, adapter: str | None) -> str | None:
        if adapter is not None and not adapter.startswith("/"):
            raise wrong(
                f"there is no folder {adapter}", "a folder, ./like/this; adapters of the hub are downloaded first"
            )
        return adapter

    @property
    def is_local(self) -> bool:
        """Whether ``source`` is a folder or file on this machine (an absolute path), not a hub id."""
        return self.source.startswith("/")

    @field_validator("source")
    @classmethod
    def _known_kind(cls, source: str) -> str:
        if not source.startswith("/"):
            if PurePosixPath(source).suffix.lower() in WEIGHT_FILES:
                raise wrong(f"{source} is a bare weight file", BARE_WEIGHTS)
            if not HUB_ID.fullmatch(source):
                raise wrong(
                    f"{source} is neither a hub id (owner/name) nor a folder that exists",
                    "a model of the hub is written owner/name, a folder ./like/this, seen from the recipe",
                )
        return source


class Export(Section):
    """PyTorch to ONNX."""

    exporter: Literal["dynamo", "torchscript"] = Field(
        default="dynamo", description="Which of PyTorch's exporters to use"
    )
    opset: Annotated[int, Field(ge=11, le=23)] = Field(
        default=17, description="ONNX opset, 11 to 23; the dynamo exporter needs 17 or more"
    )
    output: TensorName = Field(default="logits", description="Name of the raw output tensor: letters, digits, `_`, `-`")

    @field_validator("opset")
    @classmethod
    def _fits_exporter(cls, opset: int, info: ValidationInfo) -> int:
        if opset < 17 and info.data.get("exporter") == "dynamo":
            raise wrong(
                f"the dynamo exporter needs opset 17 or more, got {opset}", "for 11 to 16 use `exporter: torchscript`"
            )
        return opset


class ArgmaxHead(Section):
    """An ArgMax over the classes at the end of the network: it gives class ids (int64) in place of logits."""

    kind: Literal["argmax"] = Field(default="argmax", description="ArgMax over one axis")
    axis: Annotated[int, Field(ge=-4, le=3)] = Field(default=1, description="Axis of the classes; 1 in N, C, H, W")
    keepdims: bool = Field(default=True, description="Keep the reduced axis with size 1")
    output: TensorName = Field(
        default="argmax_output", description="Name of the output tensor of class ids: letters, digits, `_`, `-`"
    )
    keep_logits: bool = Field(
        default=False, description="Give [logits, class ids], in this order, and not only class ids"
    )
    before_resize: bool = Field(
        default=False,
        description="Where the network ends by enlarging its logits: the class ids of the logits before that, at their "
        "size; differs from the network where classes meet",
    )

    @field_validator("before_resize")
    @classmethod
    def _is_of_an_image(cls, before: bool, info: ValidationInfo) -> bool:
        axis = info.data.get("axis", 1)
        if before and axis not in (1, -3):
            raise wrong(f"needs the classes on axis 1, got {axis}", "set head.axis: 1, or leave it out")
        return before


class ThresholdHead(Section):
    """A mask at the end of a network of one class: 1 (int32) where the sigmoid of its logit is above a threshold."""

    kind: Literal["threshold"] = Field(description="sigmoid(logit) > threshold, for networks of one class")
    threshold: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=0.5, description="Probability above which a pixel is of the class, between 0 and 1"
    )
    output: TensorName = Field(
        default="mask", description="Name of the output tensor of 0 and 1: letters, digits, `_`, `-`"
    )


class NoHead(Section):
    """The network's own outputs as they are."""

    kind: Literal["none"] = Field(description="Nothing is added")
    add_axis: Annotated[int, Field(ge=0, le=4)] | None = Field(
        default=None,
        description="Give the first output an axis of size 1 here: 1 makes N, 1, H, W of N, H, W, which programs of "
        "ax-samples read depth from",
    )


class Calibration(Section):
    """The images on which the ranges of activations are measured."""

    source: Text = Field(
        default="",
        description="Folder of images, archive of images (tar, tar.gz, zip), or glob pattern such as images/**/*.jpg; "
        "only models without an image do without",
    )
    count: Count = Field(default=32, description="How many images, or samples of tensors, to draw, 1 or more")
    select: Literal["random", "diverse"] = Field(
        default="random", description="Draw them at random, or take those that cover all, by what they look like"
    )
    seed: Seed = Field(default=0, description="Seed of the draw, 0 to 4294967295")
    format: Literal["Image", "Numpy", "Binary", "NumpyObject"] = Field(
        default="Image",
        description="What Pulsar2 is given: the images themselves, or tensors that are preprocessed already, as .npy "
        "files, raw .bin files, or .npy files of a dict",
    )

    @property
    def path(self) -> str:
        """The folder or archive, without the glob pattern."""
        return split_glob(self.source)[0]

    @property
    def pattern(self) -> str | None:
        """The glob pattern inside ``path``; ``None`` for everything."""
        return split_glob(self.source)[1]


class Target(Section):
    """What the model is compiled for, and by what."""

    hardware: Hardware = Field(default="AX650", description="The chip, by its own name, such as AX650N or AX630C")
    npu_mode: NpuMode = Field(
        default="NPU3", description="How many NPU cores the model gets; left out, all that the chip has"
    )
    toolchain: Literal["auto", "pulsar2", "onnxruntime"] = Field(
        default="auto",
        description="`auto` takes Pulsar2 where it is installed, else the embedded ONNX Runtime quantizer",
    )
    runtime_input: RuntimeInput = Field(default=RuntimeInput(), description="What the program on the board feeds")

    @model_validator(mode="before")
    @classmethod
    def _all_cores(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "npu_mode" in values:
            return values
        hardware = values.get("hardware")
        chip = CHIPS.get(hardware) if isinstance(hardware, str) else None
        return {**values, "npu_mode": chip.npu_modes[-1]} if chip else values

    @field_validator("npu_mode")
    @classmethod
    def _fits_hardware(cls, mode: str, info: ValidationInfo) -> str:
        hardware = info.data.get("hardware")
        if hardware and mode not in CHIPS[hardware].npu_modes:
            raise wrong(f"{hardware} has no {mode}", f"say {' or '.join(CHIPS[hardware].npu_modes)}")
        return mode


class Recipe(Section):
    """One build: a model, its input, its calibration set, and what it is compiled for."""

    name: Name = Field(description="Name of the build and of its folder: letters, digits, `_`, `-`, `.`")
    model: Model = Field(description="The network: where it comes from, and with which weights")
    inputs: Annotated[
        tuple[Annotated[ImageInput | TensorInput, Field(discriminator="kind")], ...], Field(strict=False)
    ] = Field(
        default=(),
        description="All that an ONNX model takes: at most one `kind: image`, and any number of `kind: tensor`",
    )
    input: Input | None = Field(
        default=None,
        validate_default=True,
        description="The network's input, and how an image becomes it: short for `inputs` with this image alone",
    )
    more_inputs: Annotated[tuple[TensorInput, ...], Field(strict=False)] = Field(
        default=(), description="What an ONNX model takes besides the image of `input`"
    )
    export: Export = Field(default=Export(), description="PyTorch to ONNX")
    head: Annotated[ArgmaxHead | ThresholdHead | NoHead, Field(discriminator="kind")] = Field(
        default=ArgmaxHead(),
        description="What is put at the end of the network: `kind: argmax`, `kind: threshold` or `kind: none`",
    )
    detector: Detector | None = Field(
        default=None,
        description="How an object detector's outputs become boxes; of a Hugging Face model its config.json tells",
    )
    rewrite: Rewrite = Field(default=Rewrite(), description="Rewrites of the graph that leave its function as it is")
    equalize: Equalize | None = Field(
        default=None,
        description="Exact changes of the float graph that make it lose less in 8 bits; left out, there are none",
    )
    calibration: Calibration = Field(
        default=Calibration(),
        validate_default=True,
        description="The images on which the ranges of activations are measured",
    )
    quantization: Quantization = Field(default=Quantization(), description="How ranges become 8-bit scales")
    target: Target = Field(default=Target(), description="What the model is compiled for, and by what")
    compiler: Compiler = Field(default=Compiler(), description="What Pulsar2's compiler does besides compiling")
    pulsar2: Pulsar2 = Field(default=Pulsar2(), description="Which Pulsar2, and what only it understands")
    evaluate: Evaluate | None = Field(default=None, description="Accuracy on a dataset; left out, none is measured")
    accept: Accept = Field(default=Accept(), description="How far later builds may fall behind accepted figures")
    tune: Tune | None = Field(
        default=None,
        description="What `recipebuild tune` searches for; with it, each build measures the sensitivity of its blocks",
    )
    board: Board = Field(default=Board(), description="What runs the model on the board, and how it is measured there")
    check: Check = Field(default=Check(), description="Warnings and notes that the recipe answers, so that they rest")
    bundle: BundleText = Field(default=BundleText(), description="Words for the model card of the bundle")

    @property
    def layers(self) -> tuple[LayerPrecision, ...]:
        """The precisions of layers: those that ``quantization.layers`` asks for, and what ``equalize`` needs."""
        quotient = self.equalize.attention if self.equalize else None
        own = self.quantization.layers
        return own if quotient in (None, "U8") else (*own, LayerPrecision(op="Div", dtype="U16"))

    @property
    def image(self) -> Input | None:
        """The input that is an image, wherever the recipe describes it; ``None`` for a model without one."""
        described = next((entry for entry in self.inputs if isinstance(entry, ImageInput)), None)
        return Input(**described.model_dump(exclude={"kind"})) if described else self.input

    @property
    def tensors(self) -> tuple[TensorInput, ...]:
        """The inputs that are no image."""
        return tuple(entry for entry in self.inputs if isinstance(entry, TensorInput)) + self.more_inputs

    @property
    def calibration_format(self) -> str:
        """What Pulsar2 is given to calibrate with; several inputs are calibrated together."""
        return "NumpyObject" if self.tensors else self.calibration.format

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_no_input(cls, values: Any) -> Any:
        # `input:` with nothing below it is a mistake, and not an input that was left out.
        return {**values, "input": ""} if isinstance(values, dict) and values.get("input", "") is None else values

    @field_validator("input")
    @classmethod
    def _is_described(cls, image: Input | None, info: ValidationInfo) -> Input | None:
        if image is None and info.data.get("inputs") == ():
            raise PydanticKnownError("missing")
        return image

    @field_validator("calibration")
    @classmethod
    def _has_images(cls, calibration: Calibration, info: ValidationInfo) -> Calibration:
        inputs = info.data.get("inputs")
        of_an_image = inputs == () or any(isinstance(entry, ImageInput) for entry in inputs or ())
        if calibration.source or not of_an_image:
            return calibration
        if not calibration.model_fields_set:
            raise PydanticKnownError("missing")
        words = {"message": MISSING, "remedy": "", "field": "source"}
        raise PydanticCustomError("recipe", "{message}", words)

    @model_validator(mode="after")
    def _inputs_are_described_once(self) -> Recipe:
        if not self.inputs:
            return self
        images = [at for at, entry in enumerate(self.inputs) if isinstance(entry, ImageInput)]
        faults = (
            (self.input is not None, "input", "`inputs` describes all that the model takes",
             "move it to inputs, with kind: image"),
            (self.more_inputs, "more_inputs", "`inputs` describes all that the model takes", "move them to inputs"),
            (len(images) > 1, f"inputs.{images[-1] if images else 0}", "a model can have one image",
             "give the other one as tensors: kind: tensor"),
            (not images and self.calibration.source, "calibration.source", "the model takes no image",
             "leave it out: each tensor has a source of its own"),
        )  # fmt: skip
        _refuse(faults)
        return self

    @model_validator(mode="after")
    def _evaluate_fits_task(self) -> Recipe:
        known = metrics_of(self.model.task)
        if self.evaluate and self.evaluate.metric and self.evaluate.metric not in known:
            words = {
                "message": f"{self.model.task} has no {self.evaluate.metric}",
                "remedy": f"say {' or '.join(known)}",
            }
            raise PydanticCustomError("recipe", "{message}", {**words, "field": "evaluate.metric"})
        has_classes = self.model.task == DETECTION or TASKS[self.model.task].class_rank is not None
        if self.evaluate and self.evaluate.labels and not has_classes:
            words = {"message": f"{self.model.task} has no classes", "remedy": "leave evaluate.labels out"}
            raise PydanticCustomError("recipe", "{message}", {**words, "field": "evaluate.labels"})
        return self

    @model_validator(mode="after")
    def _detects(self) -> Recipe:
        is_detector = self.model.task == DETECTION
        labels = self.evaluate.labels if self.evaluate else None
        letterboxed = self.image is not None and self.image.resize == "letterbox"
        faults = (
            (is_detector and self.head.kind != "none", "head.kind", "boxes are made by the program, not by a head",
             "head: {kind: none}"),
            (is_detector and self.detector is None and self.model.source.endswith(".onnx"), "detector",
             "an ONNX file does not tell how its outputs become boxes",
             "detector: {kind: yolov8, classes: 80}; docs/how-to/detection.md has all kinds"),
            (self.detector is not None and not is_detector, "detector", f"{self.model.task} has no boxes",
             f"model.task: {DETECTION}, or leave detector out"),
            (self.detector is not None and labels is not None and len(labels) != self.detector.classes,
             "evaluate.labels", f"{len(labels or ())} names, but detector.classes is "
             f"{self.detector.classes if self.detector else 0}", "name all classes, in the order of their ids"),
            (letterboxed and self.calibration.format == "Image", "calibration.format",
             "Pulsar2 stretches the images of a calibration set itself", "format: Numpy, which it takes as they are"),
        )  # fmt: skip
        for wrong_, field, message, remedy in faults:
            if wrong_:
                raise PydanticCustomError("recipe", "{message}", {"message": message, "remedy": remedy, "field": field})
        return self

    @model_validator(mode="after")
    def _colours_are_shared_evenly(self) -> Recipe:
        runtime = self.target.runtime_input
        shapes = [self.image.shape] if self.image else []
        if message := runtime.uneven([*shapes, *runtime.extra_shapes]):
            words = {"message": message, "remedy": "give input.shape even sides, or feed another format"}
            raise PydanticCustomError("recipe", "{message}", {**words, "field": "target.runtime_input.format"})
        return self

    @model_validator(mode="after")
    def _has_colours(self) -> Recipe:
        fed, image = self.target.runtime_input.format, self.image
        if fed is not None and image is not None and image.color in ("GRAY", "RGBA"):
            words = {"message": f"nothing makes {image.color} of {fed} on the chip", "remedy": "leave it out",
                     "field": "target.runtime_input.format"}  # fmt: skip
            raise PydanticCustomError("recipe", "{message}", words)
        return self

    @model_validator(mode="after")
    def _names_differ(self) -> Recipe:
        outputs = [("export.output", self.export.output)]
        if isinstance(self.head, ArgmaxHead | ThresholdHead):
            outputs.append(("head.output", self.head.output))
        taken = {self.input.name: "input.name"} if self.input else {}
        outputs += [(f"inputs.{at}.name", entry.name) for at, entry in enumerate(self.inputs)]
        outputs += [(f"more_inputs.{at}.name", more.name) for at, more in enumerate(self.more_inputs)]
        for field, name in outputs:
            if name in taken:
                words = {"taken": taken[name], "name": name, "remedy": "give each tensor a name of its own"}
                message = f"`{name}` is already {taken[name]}"
                raise PydanticCustomError("recipe", "{message}", {**words, "message": message, "field": field})
            taken[name] = field
        return self

    @model_validator(mode="after")
    def _quantized_once(self) -> Recipe:
        if self.pulsar2.is_quantized and self.target.toolchain == "onnxruntime":
            words = {"message": "the embedded toolchain quantizes float models, and pulsar2.model_type is "
                     f"{self.pulsar2.model_type}", "remedy": "toolchain: pulsar2, or auto"}  # fmt: skip
            raise PydanticCustomError("recipe", "{message}", {**words, "field": "target.toolchain"})
        return self

    @model_validator(mode="after")
    def _measured_against_what_there_is(self) -> Recipe:
        if self.evaluate and self.evaluate.reference == "pytorch" and self.model.source.endswith(".onnx"):
            words = {"message": "the recipe starts from an ONNX file: there is no PyTorch model",
                     "remedy": "reference: onnx"}  # fmt: skip
            raise PydanticCustomError("recipe", "{message}", {**words, "field": "evaluate.reference"})
        return self

    @model_validator(mode="after")
    def _several_inputs(self) -> Recipe:
        if not self.tensors:
            return self
        chosen = "format" in self.calibration.model_fields_set and self.calibration.format != "NumpyObject"
        faults = (
            (not self.model.source.endswith(".onnx"), "model.source", "models of several inputs come as .onnx files",
             "export the model yourself; what is exported here has one input, the image"),
            (chosen, "calibration.format", "several inputs are calibrated together", "format: NumpyObject"),
            (self.equalize is not None, "equalize", "it takes models of one input, the image", "leave equalize out"),
            (self.evaluate is not None, "evaluate", "labelled images alone are not all that this model takes",
             "leave evaluate out: the step layers compares outputs with the float model's"),
            (self.board.runner is not None, "board.runner", "programs of ax-samples feed an image, and nothing else",
             "leave board.runner out"),
        )  # fmt: skip
        _refuse(faults)
        return self


def _refuse(faults: Iterable[tuple[object, str, str, str]]) -> None:
    """Raise the first of the faults (whether it is one, field, message, remedy)."""
    for is_wrong, field, message, remedy in faults:
        if is_wrong:
            raise PydanticCustomError("recipe", "{message}", {"message": message, "remedy": remedy, "field": field})


class RecipeFile(Recipe):
    """A recipe as it is written."""

    extends: Text | list[Text] | None = Field(
        default=None,
        description="Recipe, or list of recipes, to start from; relative to this file, or the name of a shipped one",
    )
    matrix: dict[str, Annotated[list[Any], Field(min_length=1)]] | None = Field(
        default=None,
        description="Several builds of one recipe: field -> list of values, such as target.npu_mode: [NPU1, NPU3]",
    )


def split_glob(source: str) -> tuple[str, str | None]:
    """Split ``/data/images/**/*.jpg`` into the folder ``/data/images`` and the pattern ``**/*.jpg`` (or ``None``)."""
    parts = PurePosixPath(source).parts
    fixed = next((i for i, part in enumerate(parts) if any(c in part for c in "*?[")), None)
    if fixed is None:
        return source, None
    return str(PurePosixPath(*parts[:fixed])), str(PurePosixPath(*parts[fixed:]))
