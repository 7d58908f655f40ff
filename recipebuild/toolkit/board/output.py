"""What programs on the board print, read: ``ax_run_model``, ``axcl_run_model``, and the programs of ax-samples.

Sources: Pulsar2's documentation, page ``other_tools/ax_run_model``; AXCL's, "quick start"; ax-samples'
``examples/ax650``, whose programs all end alike. Order and names of the lines differ between releases, so lines are
found by what they say. What is not there is an error that shows the text, never a zero.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from recipebuild.errors import StepError, reason

_TIMES = re.compile(r"\b(min|max|avg|median|\d+%)\s*=\s*(\d+(?:\.\d+)?)\s*ms")
_FACT = re.compile(r"^\s*([a-z][a-z0-9 ]*?)\s*:\s*(\S.*?)\s*$", re.M)
_FAILED = re.compile(r"(?:run model|create model handle|create engine handle|load model|init).{0,40}?fail.*", re.I)
_SAMPLE = re.compile(
    r"Repeat\s+(\d+)\s+times,\s*avg time\s+([\d.]+)\s*ms,\s*max_time\s+([\d.]+)\s*ms,\s*min_time\s+([\d.]+)\s*ms"
)
_POST = re.compile(r"post process cost time\s*:\s*([\d.]+)\s*ms")
_SHOWN = 600

_FACTS = {
    "type": "type", "vnpu": "vnpu", "affinity": "affinity", "pulsar2 ver": "pulsar2", "engine ver": "engine",
    "axclrt ver": "engine", "tool ver": "tool",
}  # fmt: skip


@dataclass(frozen=True)
class Timing:
    """How long a model took, milliseconds.

    Attributes:
        min: The shortest run.
        avg: The mean.
        max: The longest run.
        percentiles: By name (``median``, ``90%``), where the program gives them: ``axcl_run_model`` does.
        cmm_bytes: Memory of the NPU that the model takes; ``None`` where it is not told.
        facts: What else it says of itself: ``type`` (NPU1, 3 Core), ``vnpu``, ``pulsar2``, ``engine``, ``tool``.
    """

    min: float
    avg: float
    max: float
    percentiles: dict[str, float] = field(default_factory=dict)
    cmm_bytes: int | None = None
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SampleTiming:
    """What a program of ax-samples prints at its end, milliseconds; ``post`` is its post-processing on the CPU."""

    repeat: int
    min: float
    avg: float
    max: float
    post: float


def run_model_timing(text: str, program: str = "ax_run_model") -> Timing:
    """What ``ax_run_model`` or ``axcl_run_model`` printed.

    Raises:
        StepError: If it failed, or printed no times that make sense.
    """
    refuse_failure(text, program)
    times = {name: float(value) for name, value in _TIMES.findall(text)}
    if not {"min", "avg", "max"} <= times.keys() or not 0 < times["min"] <= times["avg"] <= times["max"]:
        raise unknown(text, program, "no line with min, max and avg")
    printed = dict(_FACT.findall(text))
    cmm = re.fullmatch(r"(\d+) Bytes", printed.get("cmm size", ""))
    return Timing(
        times.pop("min"), times.pop("avg"), times.pop("max"), times,
        cmm_bytes=int(cmm[1]) if cmm else None,
        facts={name: printed[key] for key, name in _FACTS.items() if key in printed},
    )  # fmt: skip


def sample_timing(text: str, program: str) -> SampleTiming:
    """What ``ax_segformer``, ``ax_dinov2`` or another program of ax-samples printed.

    Raises:
        StepError: If there are no times in it.
    """
    times, post = _SAMPLE.search(text), _POST.search(text)
    if times is None or post is None:
        raise unknown(text, program, "no line `Repeat N times, avg time ...`, or none with the post-processing's time")
    avg, longest, shortest = (float(times[i]) for i in (2, 3, 4))
    return SampleTiming(int(times[1]), shortest, avg, longest, float(post[1]))


def refuse_failure(text: str, program: str) -> None:
    """Find that the program does not say that it failed.

    Raises:
        StepError: If it does; the remedy has the likely causes.
    """
    if match := _FAILED.search(text):
        raise StepError(
            f"{program}: {reason(RuntimeError(match[0]))}",
            remedy="a damaged file, a model for another chip or NPU mode, or a Pulsar2 that does not fit the board's "
            "firmware; recipebuild board doctor NAME tells its versions, on cards axcl-smi log -t 0x10 the cause",
        )


def unknown(text: str, program: str, what: str) -> StepError:
    """The error for output that nobody knows; its remedy is the end of the text."""
    shown = text.strip()[-_SHOWN:] or "(nothing)"
    return StepError(f"{program} printed unknown text: {what}", remedy=f"it printed:\n{shown}")
