"""Reading what ``pulsar2 build`` prints: how far it is, its figures, and when it fails, why.

Source: the logs of the documentation's pages ``user_guides_quick/quick_start_ax650`` and
``user_guides_advanced/advanced_build_guides``, for smooth quant ``appendix/model_convert_examples``; the failures, with
what to do about each, are in ``failures.yaml``.
"""

from __future__ import annotations

import re
from collections import deque
from pathlib import Path
from typing import Any

from recipebuild.toolkit.pulsar2.tables import LogTable, Tables

_STAGES = (
    ("extract [", 0.02, "reading calibration images"),
    ("Building onnx", 0.05, "optimizing the graph"),
    ("Reconstruction Running", 0.3, "training weights"),
    ("Network Quantization Finished", 0.4, "quantized"),
    ("Quant Precision Table", 0.45, "comparing with the float model"),
    ("tiling op", 0.5, "tiling"),
    ("build op", 0.6, "building operators"),
    ("assign eu", 0.7, "scheduling"),
    ("build jobs", 0.9, "building jobs"),
    ("simulate npu graph", 0.95, "checking the result"),
)
_CALIBRATION = re.compile(r"Calibration Progress.*\| (\d+)/(\d+)")
_SMOOTHING = re.compile(r"(Error\(Phrase 1\)|Get Outlier|Error\(Phrase 2\)).*\| (\d+)/(\d+)")
_SMOOTH_STAGES = ("Error(Phrase 1)", "Get Outlier", "Error(Phrase 2)")
_TUNING = re.compile(r"# Block \[(\d+) / (\d+)\]")
_MACS = re.compile(r"QuantAxModel macs: ([\d,]+)")
_CYCLES = re.compile(r"max_cycle = ([\d,]+)")
_SUBGRAPH = re.compile(r"subgraph \[(\d+)\].* type: GraphType\.(\w+)")
_BATCHES = re.compile(r"graph \[(\S+)\] batchs \[([\d, ]+)\]")
_LEVEL = re.compile(r"Transformer optimize level: (\d+)")
_LOADED = re.compile(r"^(\d+) File\(s\) Loaded\.")
_COSINE = re.compile(r"cosin simularity is ([\d.]+)")
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_WRAPPED = re.compile(r"CodeException: \(<ErrorCode\.\w+: \d+>, (?P<said>.*)\)")
_ERROR = re.compile(r"(?P<said>([\w.]*(Error|Exception|Interrupt)\b|Killed$).*)")
_CHATTER = re.compile(
    r"[\s━┃│┡┏┗└├╇┳┼┴─┘┓┐┛┤┩]*$|.*(it/s\]|━|█|[┃│] |Pass Running|\| (INFO|DEBUG) )|\[\w+\]:|\w+: *\[\d+\]"
    r"|\d+ File\(s\) Loaded|Transformer optimize level|.*(Config|Precision) Table"
)
_QUANT_TABLE, _PRECISION_TABLE = "Quant Config Table", "Quant Precision Table"
_KEEP_ROWS = 2000


class Log:
    """The log of one build, given line by line.

    Attributes:
        figures: What it has said so far: ``max_cycle`` (1 ns cycles, the sum over the NPU's subgraphs, which run one
            after the other), ``macs``, ``subgraphs`` (how many run on the NPU, how many on the CPU), ``batches``,
            ``calibration_files``, ``transformer_opt_level``, ``check_cosine`` (the smallest), ``precision`` (per layer:
            operator, type, tensor, dtype, cosine, mse) and ``precision_mode``.
        inputs: The rows of the table of quantization settings: what the tool took for each input.
    """

    def __init__(self) -> None:
        self.figures: dict[str, Any] = {}
        self.inputs: list[dict[str, str]] = []
        self._tables = Tables()
        self._lines: deque[str] = deque(maxlen=1000)
        self._done = 0.0

    def read(self, line: str) -> tuple[float, str] | None:
        """Take the next line; give the fraction done (0..1) and what is being done, if the line says so."""
        line = _ESCAPES.sub("", line).rstrip()
        self._lines.append(line)
        if table := self._tables.read(line):
            self._table(table)
        elif match := _CYCLES.search(line):
            self._add("max_cycle", match[1])
        elif match := _MACS.search(line):
            self._add("macs", match[1])
        elif match := _SUBGRAPH.search(line):
            subgraphs = self.figures.setdefault("subgraphs", {})
            subgraphs[match[2]] = subgraphs.get(match[2], 0) + 1
        elif match := _CALIBRATION.search(line):
            done, of = int(match[1]), int(match[2])
            return self._step(0.1 + 0.3 * done / max(of, 1), f"calibrating, image {done} of {of}")
        elif match := _SMOOTHING.search(line):
            stage, done, of = _SMOOTH_STAGES.index(match[1]), int(match[2]), int(match[3])
            text = f"smooth quant, part {stage + 1} of {len(_SMOOTH_STAGES)}, image {done} of {of}"
            return self._step(0.05 + 0.05 * (stage + done / max(of, 1)) / len(_SMOOTH_STAGES), text)
        elif match := _TUNING.search(line):
            done, of = int(match[1]), int(match[2])
            return self._step(0.3 + 0.1 * done / max(of, 1), f"training weights, block {done} of {of}")
        else:
            self._note(line)
        return next((self._step(fraction, text) for begin, fraction, text in _STAGES if begin in line), None)

    def _note(self, line: str) -> None:
        """Take figures that are told once."""
        if match := _BATCHES.search(line):
            self.figures["batches"] = [int(size) for size in match[2].split(",")]
        elif match := _LEVEL.search(line):
            self.figures["transformer_opt_level"] = int(match[1])
        elif match := _LOADED.search(line):
            self.figures["calibration_files"] = int(match[1])
        elif match := _COSINE.search(line):
            self.figures["check_cosine"] = min(float(match[1]), self.figures.get("check_cosine", 1.0))

    def _table(self, table: LogTable) -> None:
        if table.title.startswith(_QUANT_TABLE):
            self.inputs = table.records()
        elif table.title.startswith(_PRECISION_TABLE):
            self.figures["precision_mode"] = table.title.removeprefix(_PRECISION_TABLE).strip("【】[] ")
            rows = [row for record in table.records() if (row := _precision(record))]
            self.figures["precision"] = rows[:_KEEP_ROWS]

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


def _precision(record: dict[str, str]) -> dict[str, Any] | None:
    """One row of the precision table; ``None`` if its figures cannot be read."""
    try:
        return {
            "operator": record["Operator"], "type": record["Type"], "tensor": record["Output Tensor"],
            "dtype": record["QDType"], "cosine": float(record["Cosin"]), "mse": float(record["MSE"]),
        }  # fmt: skip
    except (KeyError, ValueError):
        return None


def _failures() -> list[dict[str, Any]]:
    """Known failures, in the order in which they are looked for."""
    import yaml

    failures: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("failures.yaml").read_text("utf-8"))
    return failures
