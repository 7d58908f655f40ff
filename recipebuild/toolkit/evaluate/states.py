"""Models with a state: what they gave for a sample is fed with the next one of its sequence.

    fed_back = FedBack([State(name="h", shape=(1, 64), output="hn")], ["out", "hn"])
    outputs = run(fed_back.feed("call-0001", feed))
    fed_back.keep(outputs)

Samples of a sequence are called alike but for a number at the end: ``call-0001``, ``call-0002``. With the first of each
the state is zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError
from recipebuild.toolkit.calibration.tensor_files import TensorSpec

if TYPE_CHECKING:
    import numpy.typing as npt

    from recipebuild.toolkit.evaluate.feeds import Feed


class State(TensorSpec):
    """An input that an output is fed back to.

    Attributes:
        output: That output; it has the input's shape.
    """

    output: str


class FedBack:
    """The states of a model that runs over samples in order.

    Args:
        states: Its inputs that outputs are fed back to.
        outputs: The names of all its outputs, in order.

    Raises:
        StepError: If it has no such output.
    """

    def __init__(self, states: Sequence[State], outputs: Sequence[str]) -> None:
        for state in states:
            if state.output not in outputs:
                raise StepError(
                    f"{state.name} is fed {state.output}, and the model gives {', '.join(outputs)}",
                    field="inputs",
                    remedy=f"correct feedback of {state.name}",
                )
        self._states = {state: outputs.index(state.output) for state in states}
        self._sequence = ""
        self._kept: dict[str, npt.NDArray[Any]] = {}

    def feed(self, sample: str, feed: Feed) -> Feed:
        """What the model is fed for a sample: ``feed``, and its states as they are now."""
        import numpy as np

        if not self._kept or self._sequence != _sequence(sample):
            self._sequence = _sequence(sample)
            self._kept = {state.name: np.zeros(state.shape, state.dtype or "float32") for state in self._states}
        return {**feed, **self._kept}

    def keep(self, outputs: Sequence[npt.NDArray[Any]]) -> None:
        """Remember what the model gave for that sample.

        Raises:
            StepError: If an output has another shape than the state that it is fed back to.
        """
        for state, number in self._states.items():
            value = outputs[number]
            if value.shape != state.shape:
                raise StepError(
                    f"{state.output} is {'x'.join(map(str, value.shape))}, and {state.name}, which is fed with it, "
                    f"{'x'.join(map(str, state.shape))}",
                    field="inputs",
                    remedy="correct shape or feedback",
                )
            self._kept[state.name] = value.astype(state.dtype or "float32")


def _sequence(sample: str) -> str:
    return sample.rstrip("0123456789")
