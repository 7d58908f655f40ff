"""Reading what ``pulsar2 build`` prints: how far it is, its figures, and when it fails, why.

Source: the log of the documentation's page ``user_guides_quick/quick_start_ax650``; the failures, with what to do about
each, are in ``failures.yaml``.
"""

from __future__ import annotations

import re
from collections import deque
from pathlib import Path
from typing import Any

_STAGES = (
    ("extract [", 0.02, "reading calibration images"),
    ("Building onnx", 0.05, "optimizing the graph"),
    ("Network Quantization Finished", 0.4, "quantized"),
    ("tiling op", 0.5, "tiling"),
    ("build op", 0.6, "building operators"),
    ("assign eu", 0.7, "scheduling"),
    ("build jobs", 0.9, "building jobs"),
)
_CALIBRATION = re.compile(r"Calibration Progress.*\| (\d+)/(\d+)")
_MACS = re.compile(r"QuantAxModel macs: ([\d,]+)")
_CYCLES = re.compile(r"max_cycle = ([\d,]+)")
_SUBGRAPH = re.compile(r"subgraph \[\d+\].* type: GraphType\.(\w+)")
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_WRAPPED = re.compile(r"CodeException: \(<ErrorCode\.\w+: \d+>, (?P<said>.*)\)")
_ERROR = re.compile(r"(?P<said>([\w.]*(Error|Exception|Interrupt)\b|Killed$).*)")
_CHATTER = re.compile(r"[\s━┃│┡┏┗└╇┳]*$|.*(it/s\]|━|█|Pass Running|\| (INFO|DEBUG) )|\[\w+\]:|\w+: *\[\d+\]")


class Log:
    """The log of one build, given line by line.

    Attributes:
        figures: What it has said so far: ``max_cycle`` (1 ns cycles, the sum over the NPU's subgraphs, which run one
            after the other), ``macs``, ``subgraphs`` (how many run on the NPU, how many on the CPU).
    """

    def __init__(self) -> None:
        self.figures: dict[str, Any] = {}
        self._lines: deque[str] = deque(maxlen=1000)
        self._done = 0.0

    def read(self, line: str) -> tuple[float, str] | None:
        """Take the next line; give the fraction done (0..1) and what is being done, if the line says so."""
        line = _ESCAPES.sub("", line).rstrip()
        self._lines.append(line)
        if match := _CYCLES.search(line):
            self._add("max_cycle", match[1])
        elif match := _MACS.search(line):
            self._add("macs", match[1])
        elif match := _SUBGRAPH.search(line):
            subgraphs = self.figures.setdefault("subgraphs", {})
            subgraphs[match[1]] = subgraphs.get(match[1], 0) + 1
        elif match := _CALIBRATION.search(line):
            done, of = int(match[1]), int(match[2])
            return self._step(0.1 + 0.3 * done / max(of, 1), f"calibrating, image {done} of {of}")
        return next((self._step(fraction, text) for begin, fraction, text in _STAGES if begin in line), None)

    def _step(self, fraction: float, text: str) -> tuple[float, str]:
        """Stages come again with each subgraph and each pass; what has been done stays done."""
        self._done = max(self._done, fraction)
        return self._done, text

    def _add(self, name: str, number: str) -> None:
        self.figures[name] = self.figures.get(name, 0) + int(number.replace(",", ""))

    def diagnosis(self, status: int) -> tuple[str, str]:
        """Why the build failed, in one line, and what the user can do about it.

        Args:
            status: The exit status, as a shell has it: 128 + n for signal n.
        """
        words = self._last_words()
        for failure in _failures():
            match = re.search(failure["pattern"], "\n".join(self._lines)) if "pattern" in failure else None
            if match or status == failure.get("status"):
                known = failure["message"].format(**(match.groupdict() if match else {}))
                return f"{known} ({words})" if words else known, failure["remedy"].strip()
        return words or f"exit status {status}", "the whole of what it printed is in the step's log"

    def _last_words(self) -> str:
        """The last line that says what went wrong."""
        lines = [line for line in reversed(self._lines) if not _CHATTER.match(line)]
        for pattern in (_WRAPPED, _ERROR):
            for line in lines:
                if match := pattern.search(line):
                    return match["said"].partition("\\n")[0][:300]
        return lines[0].strip()[:300] if lines else ""


def _failures() -> list[dict[str, Any]]:
    """Known failures, in the order in which they are looked for."""
    import yaml

    failures: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("failures.yaml").read_text("utf-8"))
    return failures
