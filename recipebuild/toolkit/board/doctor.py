"""What a board has: reachable, driver and runtime, free memory of the NPU, programs; and what it will refuse.

Sources: ``/proc/ax_proc`` of Axera's SDK (``version``, ``chip_type``, ``mem_cmm_info``); what a virtual NPU takes:
pyaxengine (``_axe.py``); a full root partition and 1024 open files: issues of GitHub AXERA-TECH/Magnetar.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from recipebuild.errors import RecipebuildError, RecipeError
from recipebuild.facts.chips import CHIPS
from recipebuild.facts.runners import runners
from recipebuild.toolkit.board.boards import Board
from recipebuild.toolkit.board.session import PATHS, QUICK_SECONDS
from recipebuild.toolkit.board.ssh import quote, run

LOW_CMM = 256 * 2**20
"""Bytes of free CMM under which a model may not fit: one takes about its file's size and 50 MB."""

_LOW_CMA = 16 * 2**20
"""Bytes of free CMA under which drivers may get no buffer. No figure is public: about what large pictures take."""

_LOW_ROOT = 8 * 2**20
"""Bytes of free root partition under which it counts as full."""

_OPEN_FILES = 1024
"""The limit of open files with which 57 models at once were too many; fewer are unusual."""

_REFUSED = {"ENABLED": ("NPU2", "NPU3"), "BIG_LITTLE": ("NPU3",), "LITTLE_BIG": ("NPU3",)}
"""By what pyaxengine calls the virtual NPU's mode: the models' NPU modes that it refuses. ENABLED is STD."""

_CMM = re.compile(r"total size=(\d+)KB.*?remain=(\d+)KB")

_SCRIPT = r"""
echo "version: $(cat /proc/ax_proc/version 2>/dev/null | head -n 1)"
echo "chip: $(cat /proc/ax_proc/chip_type 2>/dev/null | head -n 1)"
echo "cmm: $(grep 'total size=' /proc/ax_proc/mem_cmm_info 2>/dev/null | tail -n 1)"
echo "disk: $(df -Pk . | tail -n 1 | awk '{print $4}')"
echo "root: $(df -Pk / | tail -n 1 | awk '{print $4}')"
echo "cma: $(awk '/^CmaTotal:/ {t=$2} /^CmaFree:/ {f=$2} END {print f+0, t+0}' /proc/meminfo 2>/dev/null)"
echo "files: $(ulimit -n)"
for tool in flock tar sha256sum readlink; do command -v $tool >/dev/null || echo "lacks: $tool"; done
for program in "$@"; do command -v "$program" >/dev/null && echo "has: $program"; done
python3 -c 'import axengine; print("pyaxengine: " + getattr(axengine, "__version__", "there"))' 2>&1 |
  sed -n 's/.*VNPU type: VNPUType\.\([A-Z_]*\).*/vnpu: \1/p; /^pyaxengine: /p'
true
"""


@dataclass(frozen=True)
class Line:
    """One thing looked at: how it is, and what to do about it."""

    what: str
    state: Literal["ok", "warn", "fail"]
    found: str
    remedy: str = ""

    def as_json(self) -> dict[str, str]:
        """The line as ``board doctor --json`` prints it."""
        return asdict(self)


def doctor(board: Board, compiled_by: str | None = None, npu_mode: str | None = None) -> list[Line]:
    """Look at the board.

    Args:
        board: The board.
        compiled_by: What compiled a model that is to run there, as ``compiled_by`` gives it.
        npu_mode: What it was compiled for: NPU1, NPU2 or NPU3.
    """
    words = ["sh", "-c", f"{PATHS}\n{_SCRIPT}", "sh", board.program, *sorted(runners())]
    try:
        done = run(board, quote(words), timeout=QUICK_SECONDS)
    except (RecipebuildError, ConnectionError) as error:
        return [Line("connection", "fail", str(error), getattr(error, "remedy", ""))]
    reached = Line("connection", "ok", f"{board.user or 'the configured user'} at {board.host}")
    return [reached, *lines(done.out.decode(errors="replace"), board, compiled_by, npu_mode)]


def lines(text: str, board: Board, compiled_by: str | None = None, npu_mode: str | None = None) -> list[Line]:
    """What the board's answer comes to; arguments as above."""
    reported: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, _, value = line.partition(": ")
        reported.setdefault(key, []).append(value.strip())
    facts = {key: values[0] for key, values in reported.items()}
    checks = [_driver(facts, board)]
    if compiled_by:
        checks.append(_model(compiled_by, checks[0]))
    checks += [_memory(facts), _disk(facts)]
    checks += [each for each in (_root(facts), _cma(facts), _files(facts), _virtual(facts, npu_mode)) if each]
    checks.append(_program(reported, board))
    checks += [
        Line("tools", "fail", f"{tool} is missing", "install it: coreutils, util-linux and tar have them, busybox too")
        for tool in reported.get("lacks", [])
    ]
    samples = sorted(set(reported.get("has", [])) & set(runners()))
    checks.append(
        Line("samples", "ok" if samples else "warn", ", ".join(samples) or "none", _SAMPLES if not samples else "")
    )
    python = facts.get("pyaxengine")
    checks.append(Line("pyaxengine", "ok" if python else "warn", python or "not there", "" if python else _PYTHON))
    return checks


def compiled_by(bundle: Path) -> str:
    """What compiled a bundle's model, with its version.

    Raises:
        RecipeError: If there is no bundle in that folder.
    """
    try:
        used = json.loads((bundle / "model.json").read_text(encoding="utf-8"))["toolchain"]
        return f"{used['name']} {used['version']}"
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecipeError(f"{bundle} is no bundle: {error}", remedy="name build/<name>/bundle") from error


def npu_mode(bundle: Path) -> str | None:
    """What a bundle's model was compiled for: NPU1, NPU2 or NPU3; ``None`` if it runs on this machine.

    Raises:
        RecipeError: If there is no bundle in that folder.
    """
    try:
        mode = json.loads((bundle / "model.json").read_text(encoding="utf-8")).get("npu_mode")
    except (OSError, ValueError, AttributeError) as error:
        raise RecipeError(f"{bundle} is no bundle: {error}", remedy="name build/<name>/bundle") from error
    return str(mode) if mode else None


_SAMPLES = "build ax-samples for the board, and put its programs into /opt/bin"
_PYTHON = "install its wheel, for the bundle's run.py: github.com/AXERA-TECH/pyaxengine"


def _driver(facts: Mapping[str, str], board: Board) -> Line:
    version, chip = facts.get("version", "").removeprefix("Ax_Version").strip(), facts.get("chip", "")
    if board.program == "axcl_run_model":
        return Line("driver", "ok", "a card: its versions are printed by axcl_run_model and axcl-smi")
    if not version:
        return Line("driver", "fail", "/proc/ax_proc/version is not there", "load the drivers of Axera's SDK")
    text = f"{version}{f' on {chip}' if chip else ''}"
    if chip and not chip.startswith(_built_alike(board.chip)):
        return Line("driver", "warn", text, f"the board was added as {board.chip}")
    return Line("driver", "ok", text)


def _built_alike(chip: str) -> tuple[str, ...]:
    """The chips that run models compiled for this one, itself among them."""
    row = CHIPS.get(chip)
    return (chip, *(other.name for other in CHIPS.values() if row and other.target == row.target))


def _model(compiled_by: str, driver: Line) -> Line:
    """No table of versions that fit is public: the two are put side by side, and only a run can tell."""
    if not compiled_by.startswith("pulsar2 "):
        return Line("model", "fail", f"built by {compiled_by}, for a host", "build it with --toolchain pulsar2")
    return Line("model", "ok", f"built by {compiled_by}, for a driver {driver.found}; board run shows whether it loads")


def _memory(facts: Mapping[str, str]) -> Line:
    numbers = _CMM.search(facts.get("cmm", ""))
    if numbers is None:
        return Line(
            "CMM memory", "warn", "not known", "/proc/ax_proc/mem_cmm_info has it on a board; on a card axcl-smi"
        )
    total, free = (int(number) * 1024 for number in numbers.groups())
    text = f"{free >> 20} MiB free of {total >> 20}"
    remedy = "end other programs that use the NPU" if free < LOW_CMM else ""
    return Line("CMM memory", "warn" if remedy else "ok", text, remedy)


def _disk(facts: Mapping[str, str]) -> Line:
    free = int(facts.get("disk", "0") or 0) * 1024
    low = free < LOW_CMM
    return Line("disk", "warn" if low else "ok", f"{free >> 20} MiB free", "make room for models there" if low else "")


def _root(facts: Mapping[str, str]) -> Line | None:
    """Of a full root partition the runtime says only that it cannot get the model's type."""
    if not facts.get("root", "").isdigit():
        return None
    free = int(facts["root"]) * 1024
    remedy = "make room in /: a full one shows as `Get model type failed`" if free < _LOW_ROOT else ""
    return Line("root partition", "warn" if remedy else "ok", f"{free >> 20} MiB free", remedy)


def _cma(facts: Mapping[str, str]) -> Line | None:
    """Linux's own contiguous memory; ``None`` where the kernel has none set aside."""
    numbers = facts.get("cma", "").split()
    if len(numbers) != 2 or not all(number.isdigit() for number in numbers) or numbers[1] == "0":
        return None
    free, total = (int(number) * 1024 for number in numbers)
    remedy = "end programs that hold buffers, or reboot: it may be in pieces" if free < _LOW_CMA else ""
    return Line("CMA memory", "warn" if remedy else "ok", f"{free >> 20} MiB free of {total >> 20}", remedy)


def _files(facts: Mapping[str, str]) -> Line | None:
    limit = facts.get("files", "")
    if not limit.isdigit():
        return None if limit != "unlimited" else Line("open files", "ok", limit)
    text = f"{limit} at once"
    if int(limit) <= _OPEN_FILES:
        text += ": too few for dozens of models in one program (57 failed with 1024)"
    remedy = f"ulimit -n {_OPEN_FILES * 4} before what opens many models" if int(limit) < _OPEN_FILES else ""
    return Line("open files", "warn" if remedy else "ok", text, remedy)


def _virtual(facts: Mapping[str, str], npu_mode: str | None) -> Line | None:
    """What the virtual NPU refuses; only pyaxengine tells its mode, so ``None`` without that."""
    mode = facts.get("vnpu")
    if mode is None:
        return None
    refused = _REFUSED.get(mode, ())
    shown = "STD" if mode == "ENABLED" else mode.replace("_", "-").lower()
    if not refused:
        return Line("virtual NPU", "ok", shown)
    text = f"{shown}: models of {' and '.join(refused)} are refused"
    remedy = f"end what has set it so, or build with target.npu_mode: {'NPU1' if mode == 'ENABLED' else 'NPU2'}"
    return Line("virtual NPU", "fail" if npu_mode in refused else "warn", text, remedy)


def _program(reported: Mapping[str, list[str]], board: Board) -> Line:
    if board.program in reported.get("has", []):
        return Line(board.program, "ok", "there")
    return Line(board.program, "fail", "not there", f"put {board.program} of Axera's SDK on PATH, or into /opt/bin")
