"""The recipe: every field, its unit, its default and its limits.

Each section has a file of its name beside this one; ``consistency`` holds what sections must agree on.
``Recipe`` is what the rest of the program sees: one build, complete, its paths absolute. ``RecipeFile`` adds what only
a YAML file may say (``extends``, ``matrix``); ``load`` resolves those, and the published JSON Schema is made from it.
The descriptions are shown by editors and by error messages.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError, PydanticKnownError

from recipebuild.recipe.accept import Accept
from recipebuild.recipe.board import Board
from recipebuild.recipe.bundle import BundleText
from recipebuild.recipe.calibration import Calibration
from recipebuild.recipe.check import Check
from recipebuild.recipe.compiler import Compiler
from recipebuild.recipe.consistency import first_fault
from recipebuild.recipe.detector import Detector
from recipebuild.recipe.equalize import Equalize
from recipebuild.recipe.evaluate import Evaluate
from recipebuild.recipe.export import Export
from recipebuild.recipe.head import ArgmaxHead, NoHead, ThresholdHead
from recipebuild.recipe.inputs import ImageInput, Input, TensorInput, TokensInput
from recipebuild.recipe.model import Model
from recipebuild.recipe.pulsar2 import Pulsar2
from recipebuild.recipe.quantization import LayerPrecision, Quantization
from recipebuild.recipe.rewrite import Rewrite
from recipebuild.recipe.section import MISSING, Name, Section, Text
from recipebuild.recipe.target import Target
from recipebuild.recipe.tune import Tune


class Recipe(Section):
    """One build: a model, its input, its calibration set, and what it is compiled for."""

    name: Name = Field(description="Name of the build and of its folder: letters, digits, `_`, `-`, `.`")
    model: Model = Field(description="The network: its source and its weights")
    inputs: Annotated[
        tuple[Annotated[ImageInput | TensorInput | TokensInput, Field(discriminator="kind")], ...], Field(strict=False)
    ] = Field(
        default=(),
        description="All inputs of an ONNX model: at most one `kind: image`, and any number of `kind: tensor`; for a "
        "text model, `kind: tokens`",
    )
    input: Input | None = Field(
        default=None,
        validate_default=True,
        description="The network's input, and its preprocessing: short for `inputs` with only this image",
    )
    more_inputs: Annotated[tuple[TensorInput, ...], Field(strict=False)] = Field(
        default=(), description="Inputs of an ONNX model besides the image of `input`"
    )
    export: Export = Field(default=Export(), description="PyTorch to ONNX")
    head: Annotated[ArgmaxHead | ThresholdHead | NoHead, Field(discriminator="kind")] = Field(
        default=ArgmaxHead(),
        description="End of the network: `kind: argmax`, `kind: threshold` or `kind: none`",
    )
    detector: Detector | None = Field(
        default=None,
        description="Decoding of an object detector's outputs into boxes; for a Hugging Face model its config.json "
        "decides",
    )
    rewrite: Rewrite = Field(default=Rewrite(), description="Rewrites of the graph that keep its function")
    equalize: Equalize | None = Field(
        default=None,
        description="Changes of the float graph that reduce the loss of 8 bits; off by default",
    )
    pulsar2: Pulsar2 = Field(default=Pulsar2(), description="Version of Pulsar2, and settings for it alone")
    calibration: Calibration = Field(
        default=Calibration(),
        validate_default=True,
        description="Images that the ranges of activations are measured on",
    )
    quantization: Quantization = Field(default=Quantization(), description="Ranges, precisions and scales")
    target: Target = Field(default=Target(), description="Chip, NPU mode and toolchain")
    compiler: Compiler = Field(default=Compiler(), description="Options of Pulsar2's compiler")
    evaluate: Evaluate | None = Field(
        default=None, description="Accuracy on a dataset; without this section none is measured"
    )
    accept: Accept = Field(
        default=Accept(), description="Tolerance when later builds are compared with accepted figures"
    )
    tune: Tune | None = Field(
        default=None,
        description="Goal and budget of `recipebuild tune`; with it, each build measures the sensitivity of its blocks",
    )
    board: Board = Field(default=Board(), description="Program and measurement on the board")
    check: Check = Field(default=Check(), description="Warnings and notes that do not apply to this recipe")
    bundle: BundleText = Field(default=BundleText(), description="Texts of the bundle's model card")

    @property
    def layers(self) -> tuple[LayerPrecision, ...]:
        """The precisions of layers: those that ``quantization.layers`` asks for, and what ``equalize`` needs."""
        quotient = self.equalize.attention if self.equalize else None
        wide = ("Div", "ReduceSum") if quotient == "U16" else ()
        return (*self.quantization.layers, *(LayerPrecision(op=operator, dtype="U16") for operator in wide))

    @property
    def corrects_biases(self) -> bool:
        """Whether the model that is compiled has other biases than the one that it is compared with."""
        return self.equalize is not None and self.equalize.bias_correction

    @property
    def image(self) -> Input | None:
        """The input that is an image, wherever the recipe describes it; ``None`` for a model without one."""
        described = next((entry for entry in self.inputs if isinstance(entry, ImageInput)), None)
        return Input(**described.model_dump(exclude={"kind"})) if described else self.input

    @property
    def tokens(self) -> TokensInput | None:
        """The input that is text; ``None`` for a model without one."""
        return next((entry for entry in self.inputs if isinstance(entry, TokensInput)), None)

    @property
    def tensors(self) -> tuple[TensorInput, ...]:
        """The inputs that are no image."""
        if self.tokens:
            return self.tokens.tensors
        return tuple(entry for entry in self.inputs if isinstance(entry, TensorInput)) + self.more_inputs

    @property
    def described_tensors(self) -> list[tuple[str, TensorInput]]:
        """The inputs that have files of their own and are no image, each with the field that describes it."""
        described = [*((f"inputs.{at}", entry) for at, entry in enumerate(self.inputs))]
        described += [(f"more_inputs.{at}", entry) for at, entry in enumerate(self.more_inputs)]
        return [(place, entry) for place, entry in described if isinstance(entry, TensorInput)]

    @property
    def is_one_tensor(self) -> bool:
        """Whether the model takes one tensor that is no image, and nothing else."""
        return len(self.tensors) == 1 and self.image is None

    @property
    def calibration_format(self) -> str:
        """What Pulsar2 is given to calibrate with; several inputs are calibrated together."""
        alone = self.is_one_tensor and self.calibration.format != "Image"
        return "NumpyObject" if self.tensors and not alone else self.calibration.format

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
        inputs, pulsar2 = info.data.get("inputs"), info.data.get("pulsar2")
        of_an_image = inputs == () or any(isinstance(entry, ImageInput) for entry in inputs or ())
        if calibration.source or not of_an_image or (pulsar2 and pulsar2.is_quantized):
            return calibration
        if not calibration.model_fields_set:
            raise PydanticKnownError("missing")
        words = {"message": MISSING, "remedy": "", "field": "source"}
        raise PydanticCustomError("recipe", "{message}", words)

    @model_validator(mode="after")
    def _is_consistent(self) -> Recipe:
        if fault := first_fault(self):
            raise PydanticCustomError("recipe", "{message}", fault._asdict())
        return self


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
