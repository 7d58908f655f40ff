"""``model``: the network, where it comes from, and with which weights."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from recipebuild.facts.tasks import FEATURES, SEGMENTATION, TEXT, TaskName
from recipebuild.recipe.section import REVISION, Section, Seed, Text, wrong

HUB_ID = re.compile(r"(?!.*(--|\.\.))[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9_][\w.-]{0,95})?(?<![.-])", re.ASCII)
HUB_PAGE = re.compile(r"https?://huggingface\.co/([^/?#]+/[^/?#]+)(?:/(?:tree|blob)/([^/?#]+))?", re.ASCII)
"""The address of a model's page on the hub, with the model's id and, where it names one, the revision."""

CHECKPOINT = ".pth"
"""What a checkpoint of SegFormer's authors is called; its shapes tell what a config.json would."""
WEIGHT_FILES = (".pt", CHECKPOINT, ".bin", ".ckpt", ".safetensors", ".pkl", ".h5", ".tflite")
BARE_WEIGHTS = (
    "name the folder that has it and config.json; a checkpoint of another library (mmsegmentation, timm) has no "
    "config.json: export it to ONNX there, and name the .onnx file"
)


class Model(Section):
    """The network: where it comes from, and with which weights."""

    source: Text = Field(
        description="Hugging Face hub id (owner/name), folder in Hugging Face layout, file.onnx, or file.pth: a "
        "checkpoint of SegFormer's authors"
    )
    revision: Annotated[str, Field(pattern=REVISION, max_length=250)] | None = Field(
        default=None,
        description="Commit of the hub repository (40 hexadecimal digits), so that every build gets the same files",
    )
    task: TaskName = Field(default=SEGMENTATION, description="Task of the network, in Hugging Face's terms")
    features: Literal["patches", "cls", "tokens", "pooled", "mean"] | None = Field(
        default=None,
        description="For image-feature-extraction: the patch tokens [N, places, C], the class token, all tokens, or "
        "the pooled embedding; by default pooled for models of images and text, otherwise patches. For "
        "feature-extraction: the first token (cls), the mean over tokens, or pooled; by default pooled "
        "for the text tower of such models, otherwise mean",
    )
    normalize: bool = Field(
        default=False, description="For both feature extractions: normalize features to length 1 (L2)"
    )
    weights: Literal["pretrained", "random"] = Field(
        default="pretrained", description="`random` builds the architecture with seeded weights and downloads nothing"
    )
    seed: Seed = Field(default=0, description="Seed of the random weights, 0 to 4294967295")
    adapter: Text | None = Field(
        default=None,
        description="Folder of a LoRA adapter (peft: adapter_config.json, adapter_model.safetensors) to merge into "
        "the weights; a config.json in this folder overrides the model's",
    )
    allow_pickle: bool = Field(
        default=False, description="Also load weights from pickle files, which can run arbitrary code"
    )

    outputs: Annotated[tuple[Text, ...], Field(strict=False)] = Field(
        default=(),
        description="For an ONNX file: tensors at which the graph ends, instead of its own outputs; names, or "
        "patterns such as /model.22/Concat_*",
    )

    @model_validator(mode="after")
    def _is_cut(self) -> Model:
        if self.outputs and not self.is_onnx:
            words = {"message": f"{self.source} is no ONNX file", "remedy": "leave model.outputs out"}
            raise PydanticCustomError("recipe", "{message}", {**words, "field": "outputs"})
        return self

    @model_validator(mode="after")
    def _fits_task(self) -> Model:
        known = {FEATURES: ("patches", "cls", "tokens", "pooled"), TEXT: ("cls", "mean", "pooled")}.get(self.task, ())
        if known and self.features and self.features not in known:
            words = {"message": f"{self.task} has no {self.features}", "remedy": f"say {' or '.join(known)}"}
            raise PydanticCustomError("recipe", "{message}", {**words, "field": "features"})
        if not known and (self.features or self.normalize):
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

    @property
    def is_onnx(self) -> bool:
        """Whether ``source`` is an ONNX file, from which a build starts without an export."""
        return self.is_local and self.source.endswith(".onnx")

    @field_validator("source")
    @classmethod
    def _known_kind(cls, source: str) -> str:
        if not source.startswith("/"):
            if PurePosixPath(source).suffix.lower() in WEIGHT_FILES:
                raise wrong(f"{source} is a bare weight file", BARE_WEIGHTS)
            if page := HUB_PAGE.match(source):
                raise wrong(f"{source} is the address of a page", f"a model of the hub is written {page[1]}")
            if not HUB_ID.fullmatch(source):
                raise wrong(
                    f"{source} is neither a hub id (owner/name) nor a folder that exists",
                    "a model of the hub is written owner/name, a folder ./like/this, seen from the recipe",
                )
        return source
