"""One model over many images: while it runs on one, the next is decoded and prepared in a thread.

Use: ``for outputs in outputs_of_all(samples, prepare, run): ...``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from recipebuild.facts.tasks import DETECTION, OTHER
from recipebuild.toolkit.evaluate.layouts import Sample

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

Fed = TypeVar("Fed")


def outputs_of_all(
    samples: Sequence[Sample], prepare: Callable[[Sample], Fed], run: Callable[[Fed], Sequence[Array]]
) -> Iterator[Sequence[Array]]:
    """What a model gives for each sample, in their order.

    Args:
        samples: What it sees.
        prepare: Sample -> what the model is fed.
        run: That -> outputs.

    Raises:
        StepError: What ``prepare`` and ``run`` raise.
    """
    with ThreadPoolExecutor(1) as thread:
        following = [thread.submit(prepare, sample) for sample in samples[:1]]
        for number in range(1, len(samples) + 1):
            fed = following.pop().result()
            following += [thread.submit(prepare, next_one) for next_one in samples[number : number + 1]]
            yield run(fed)


def kept_outputs(outputs: Sequence[Array], task: str) -> list[Array]:
    """What ``answer`` looks at of a model's outputs: for the first image, its class ids and its first values.

    Of a detector all outputs are values; of the task ``other`` they are kept whole.
    """
    import numpy as np

    if task == OTHER:
        return [output.astype(np.float32) for output in outputs]
    if task == DETECTION:
        return [output[:1].astype(np.float32) for output in outputs]
    integers = [output[:1] for output in outputs if output.dtype.kind in "iu"]
    floats = [output[:1] for output in outputs if output.dtype.kind == "f"]
    return [*integers[:1], *floats[:1]]
