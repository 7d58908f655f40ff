"""One model over many images: while it runs on one, the next is decoded and prepared in a thread.

Use: ``for outputs in outputs_of_all(samples, prepare, run): ...``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from recipebuild.facts.tasks import DETECTION
from recipebuild.toolkit.evaluate.dataset import read_image
from recipebuild.toolkit.evaluate.layouts import Sample

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL import Image

    Array = npt.NDArray[Any]


def outputs_of_all(
    samples: Sequence[Sample], prepare: Callable[[Image.Image], Array], run: Callable[[Array], Sequence[Array]]
) -> Iterator[Sequence[Array]]:
    """What a model gives for each sample, in their order.

    Args:
        samples: Whose images it sees.
        prepare: Image -> batch.
        run: Batch -> outputs.

    Raises:
        StepError: If an image cannot be decoded; and what ``run`` raises.
    """

    def prepared(sample: Sample) -> Array:
        return prepare(read_image(sample))

    with ThreadPoolExecutor(1) as thread:
        following = [thread.submit(prepared, sample) for sample in samples[:1]]
        for number in range(1, len(samples) + 1):
            batch = following.pop().result()
            following += [thread.submit(prepared, next_one) for next_one in samples[number : number + 1]]
            yield run(batch)


def kept_outputs(outputs: Sequence[Array], task: str) -> list[Array]:
    """What ``answer`` looks at of a model's outputs: for the first image, its class ids and its first values.

    Of a detector all outputs are values.
    """
    import numpy as np

    if task == DETECTION:
        return [output[:1].astype(np.float32) for output in outputs]
    integers = [output[:1] for output in outputs if output.dtype.kind in "iu"]
    floats = [output[:1] for output in outputs if output.dtype.kind == "f"]
    return [*integers[:1], *floats[:1]]
