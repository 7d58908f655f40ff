"""The inputs of an ONNX file that are no images -> entries of ``inputs`` or ``more_inputs``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from recipebuild.errors import RecipeError, StepError
from recipebuild.recipe.inputs import TensorType
from recipebuild.recipe.paths import ARCHIVES
from recipebuild.toolkit.calibration.tensor_files import tensor_files
from recipebuild.verbs.draft.facts import Fact

if TYPE_CHECKING:
    from recipebuild.toolkit.graph.statistics import Tensor

SECTIONS = ("inputs", "more_inputs")
FOLDER = "./calibration"
"""Where a draft looks for calibration samples that nobody named, seen from the recipe."""


def described(path: Path, tensors: Sequence[Tensor]) -> Fact:
    """The entries for inputs of the model at ``path``; their sources are for ``with_sources`` to fill in.

    Raises:
        RecipeError: If one is of unknown rank, or of a type that recipes do not feed.
    """
    entries, open_sizes = [], []
    for tensor in tensors:
        if tensor.shape is None or tensor.dtype not in get_args(TensorType):
            raise RecipeError(
                f"{path.name} takes {tensor}",
                remedy=f"recipes feed tensors of known rank, of {', '.join(get_args(TensorType))}: export it so",
            )
        shape = [size if isinstance(size, int) and size > 0 else 1 for size in tensor.shape]
        open_sizes += [tensor.name] if tuple(shape) != tensor.shape else []
        entries.append({"kind": "tensor", "name": tensor.name, "shape": shape, "dtype": tensor.dtype})
    why = f"what {path.name} takes that is no image"
    if open_sizes:
        return Fact(entries, f"{why}; {', '.join(open_sizes)} can have other sizes", sure=False)
    return Fact(entries, why)


def with_sources(facts: Mapping[str, Fact], samples: str | None) -> dict[str, Fact]:
    """The facts with a source for each tensor, and for an image that has a folder of its name beside theirs.

    Args:
        facts: By field.
        samples: Folder or archive of calibration data that the user named, absolute; ``None`` if none was named.
    """
    filled = dict(facts)
    if samples and "more_inputs" in facts and (images := _own(facts["input.name"].value, samples)):
        filled["calibration.source"] = Fact(images, f"the images of {facts['input.name'].value}")
    for section in SECTIONS:
        if (fact := facts.get(section)) is None:
            continue
        if any(entry["kind"] == "tokens" for entry in fact.value):
            filled[section] = _with_texts(fact, samples)
            continue
        own = {entry["name"]: _own(entry["name"], samples) for entry in fact.value} if samples else {}
        whole = samples if samples and not any(own.values()) and _has_tensors(Path(samples)) else None
        entries = [
            {**entry, "source": own.get(entry["name"]) or whole or f"{FOLDER}/{entry['name']}"} for entry in fact.value
        ]
        filled[section] = Fact(entries, fact.why, fact.sure)
        if unfilled := [entry["name"] for entry in entries if is_open(entry["source"])]:
            why = f"{fact.why}: a .npy file of {' and of '.join(unfilled)} for each sample goes to its source"
            filled[section] = Fact(entries, why, sure=False)
    return filled


def is_open(source: str) -> bool:
    """Whether a source is for somebody to fill in."""
    return source.startswith(f"{FOLDER}/")


def make_open(facts: Mapping[str, Fact], folder: Path) -> None:
    """Make what is to be filled in, empty, for a recipe in ``folder``."""
    for entry in (entry for section in SECTIONS if section in facts for entry in facts[section].value):
        if is_open(entry["source"]):
            place = folder / entry["source"]
            (place.parent if entry["kind"] == "tokens" else place).mkdir(parents=True, exist_ok=True)
            if entry["kind"] == "tokens":
                place.touch()


def _with_texts(fact: Fact, texts: str | None) -> Fact:
    entries = [{**entry, "source": texts or f"{FOLDER}/texts.txt"} for entry in fact.value]
    if texts:
        return Fact(entries, fact.why, fact.sure)
    return Fact(entries, f"{fact.why}; set source to a file of calibration texts, one per line", sure=False)


def _own(name: str, samples: str) -> str | None:
    """The folder or archive of an input's name in that of the samples."""
    own = [Path(samples) / f"{name}{suffix}" for suffix in ("", *ARCHIVES)]
    return next((str(path) for path in own if path.exists()), None)


def _has_tensors(samples: Path) -> bool:
    """Whether it holds files of tensors; what is not there, or is damaged, is left to who reads the recipe."""
    try:
        with tensor_files(samples):
            return True
    except StepError:
        return not samples.exists()
    except OSError:
        return True
