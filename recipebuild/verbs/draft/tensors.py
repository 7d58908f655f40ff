"""The inputs of an ONNX file that are no images -> entries of ``inputs`` or ``more_inputs``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from recipebuild.errors import RecipeError
from recipebuild.recipe.inputs import TensorType
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
    """The facts with a source for each tensor.

    Args:
        facts: By field.
        samples: Folder or archive of calibration data that the user named, absolute; ``None`` if none was named.
    """
    filled = dict(facts)
    for section in SECTIONS:
        if (fact := facts.get(section)) is None:
            continue
        if any(entry["kind"] == "tokens" for entry in fact.value):
            filled[section] = _with_texts(fact, samples)
            continue
        entries = [{**entry, "source": _source(entry["name"], samples)} for entry in fact.value]
        if samples:
            filled[section] = Fact(entries, fact.why, fact.sure)
        else:
            filled[section] = Fact(entries, f"{fact.why}: a .npy file for each sample goes to its source", sure=False)
    return filled


def _with_texts(fact: Fact, texts: str | None) -> Fact:
    entries = [{**entry, "source": texts or f"{FOLDER}/texts.txt"} for entry in fact.value]
    if texts:
        return Fact(entries, fact.why, fact.sure)
    return Fact(entries, f"{fact.why}; texts to calibrate with go to its source, one a line", sure=False)


def _source(name: str, samples: str | None) -> str:
    """A folder or archive of the input's name in that of the samples, or what holds all inputs."""
    if samples is None:
        return f"{FOLDER}/{name}"
    own: list[Any] = [Path(samples) / f"{name}{suffix}" for suffix in ("", ".tar", ".tar.gz", ".zip")]
    return str(next((path for path in own if path.exists()), samples))
