"""The last rungs of the ladder, where a board has run the model: quantization, compiler, firmware on the same images.

Use: ``rungs.add(name, truth, host, board)`` for each image, then ``rungs.ladder(metric)``. Pulsar2's documentation
promises that the board gives what ``pulsar2 run`` in NPUBackend gives, bit by bit (page other_tools/ax_run_model, whose
``--verify`` compares files in the same way); of graphs with parts on the CPU it promises nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.figures.ladder import Ladder
from recipebuild.toolkit.evaluate.answering import kept_outputs
from recipebuild.toolkit.evaluate.answers import Answer, answer
from recipebuild.toolkit.evaluate.ladder import RUNGS, climb, count
from recipebuild.toolkit.evaluate.measure import Measurement
from recipebuild.toolkit.evaluate.recorded import Recorded
from recipebuild.toolkit.evaluate.rung_images import climbing
from recipebuild.toolkit.evaluate.rung_verdict import verdict, with_evaluation

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

_RUNGS = ("head", "emulated", "simulated", "board")


@dataclass
class BoardRungs:
    """Answers of the float model, Reference, NPUBackend and the board, image by image.

    Attributes:
        how: How answers are judged.
        names: The images that go up the ladder; others are passed over.
        reference: What the quantized model gave in Reference.
        simulated: What the compiled model gave in NPUBackend.
    """

    how: Measurement
    names: frozenset[str]
    reference: Recorded
    simulated: Recorded
    _answers: dict[str, list[Answer]] = field(default_factory=lambda: {name: [] for name in _RUNGS})
    _truths: list[Any] = field(default_factory=list)
    _same: list[float] = field(default_factory=list)

    def add(self, name: str, truth: Any, host: Sequence[Array], board: Sequence[Array]) -> None:
        """Let one image climb.

        Args:
            name: The image's.
            truth: What is true of it; without labels this is not looked at.
            host: What the float model gives.
            board: What the board gives.

        Raises:
            StepError: If a simulation has no output of that image, or one that is none of the task.
        """
        if name not in self.names:
            return
        received, promised = kept_outputs(board, self.how.task), self.simulated.outputs(name)
        outputs = (host, self.reference.outputs(name), promised, received)
        for rung, tensors in zip(_RUNGS, outputs, strict=True):
            self._answers[rung].append(answer(tensors, self.how.task, RUNGS[rung].title))
        self._truths.append(truth)
        self._same.append(same_bytes(_bytes(received), _bytes(promised)))

    def ladder(self, metric: str) -> Ladder:
        """The rows, with ``bytes_same`` (fraction 0..1) and ``images_same`` of the board's; and RB703 as a warning."""
        counts = count(self._answers.items(), self._truths, self.how)
        rows = with_evaluation(climb(counts, self.how, metric), None, metric)
        images = len(self._same)
        share, identical = sum(self._same) / images, sum(same == 1 for same in self._same)
        rows[-1] |= {"bytes_same": round(share, 6), "images_same": identical}
        warnings = []
        if identical < images:
            warnings.append(
                f"RB703 the board differs from NPUBackend on {images - identical} of {images} images "
                f"({100 * share:.2f} % of the bytes are the same), which must be equal where all runs on the NPU: "
                f"{RUNGS['board'].remedy}"
            )
        against = "labels" if self.how.labelled else RUNGS["head"].title
        return Ladder(images, metric, against, rows, verdict(rows, metric), warnings)


def board_rungs(inputs: Mapping[str, Path], names: Sequence[str], how: Measurement | None) -> BoardRungs | None:
    """The rungs behind the head, on the images of the step ladder; ``None`` without a dataset or simulations.

    Args:
        inputs: Of the step deploy.
        names: Of all images that are evaluated, in their order.
        how: How answers are judged.
    """
    if how is None or not {"predictions", "reference_predictions"} <= set(inputs):
        return None
    reference, simulated = Recorded(inputs["reference_predictions"]), Recorded(inputs["predictions"])
    return BoardRungs(how, frozenset(climbing(names)), reference, simulated)


def _bytes(tensors: Sequence[Array]) -> Array:
    """All that tensors hold, with class ids in the 32 bits that they are recorded in."""
    import numpy as np

    alike = (tensor.astype(np.int32) if tensor.dtype.kind in "iu" else tensor for tensor in tensors)
    return np.frombuffer(b"".join(tensor.tobytes() for tensor in alike), np.uint8)


def same_bytes(one: Array, other: Array) -> float:
    """The share of equal bytes (0..1) at equal places; 0 for tensors of unlike size."""
    import numpy as np

    a, b = (np.frombuffer(tensor.tobytes(), np.uint8) for tensor in (one, other))
    return float((a == b).mean()) if a.size == b.size and a.size else float(a.size == b.size)
