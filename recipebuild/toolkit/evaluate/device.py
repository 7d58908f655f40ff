"""Where models run for evidence: the CPU, or a CUDA GPU through ONNX Runtime's CUDAExecutionProvider.

    name, note = resolve("auto")                        # "cuda:0" where it works, else "cpu"
    session = DeviceSession(lambda providers: ort.InferenceSession(path, options, providers=providers))

A step whose models may run on a GPU has ``device`` among its parameters, and ``@on_device`` before ``run``. When the
GPU's memory runs out, what is left of the step runs on the CPU, and its figures say so.
"""

from __future__ import annotations

import contextlib
import functools
import io
import logging
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from recipebuild.errors import RecipeError, reason

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

    Run = TypeVar("Run", bound=Callable[..., dict[str, Any]])
    Providers = Sequence[str | tuple[str, Mapping[str, str]]]
    Make = Callable[[Providers], InferenceSession]

logger = logging.getLogger(__name__)

CPU = "cpu"
CUDA = "CUDAExecutionProvider"
CPU_ONLY = ("CPUExecutionProvider",)
_NO_MEMORY = re.compile(r"out of memory|Failed to allocate memory|ALLOC_FAILED|OUT_OF_MEMORY", re.IGNORECASE)
"""What ONNX Runtime's arena, CUDA, cuBLAS and cuDNN say of it."""


def resolve(wanted: str) -> tuple[str, str]:
    """What ``cpu``, ``auto``, ``cuda`` or ``cuda:1`` comes to on this machine.

    Returns:
        ``cpu`` or ``cuda:N``; and what to tell the user: empty, or that the GPU asked for cannot be used, and why.

    Raises:
        RecipeError: If it is none of these.
    """
    matched = re.fullmatch(r"cpu|auto|cuda(?::(\d{1,2}))?", wanted)
    if not matched:
        raise RecipeError(f"--device {wanted}: no such device", remedy="one of auto, cpu, cuda, cuda:1")
    if wanted == CPU:
        return CPU, ""
    name = f"cuda:{int(matched[1] or 0)}"
    if not (trouble := _trouble(name)):
        return name, ""
    return CPU, "" if wanted == "auto" else f"RB509 {name} cannot be used: {trouble}; figures are measured on the CPU"


@functools.cache
def load_cuda() -> None:
    """Load the CUDA and cuDNN that pip installed: ONNX Runtime by itself looks along the system's path alone.

    What is missing shows when a session is made: https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html
    """
    import onnxruntime as ort

    ort.set_default_logger_severity(3)  # 1.31 warns, for each session, that CUDA is no plugin
    with contextlib.redirect_stdout(io.StringIO()):  # it prints the names of libraries that the system may have
        ort.preload_dlls()


def providers(device: str) -> Providers:
    """ONNX Runtime's providers for ``cpu`` or ``cuda:N``, first choice first.

    On a GPU float32 is float32 (no TF32). Convolutions take the algorithm that cuDNN's heuristics name: that of
    ``EXHAUSTIVE`` is whichever was fastest this time, and ``DEFAULT`` is a slow one (139 for 7.5 ms a SegFormer-B0 of
    640x1280 on an H200). https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html
    """
    if device == CPU:
        return CPU_ONLY
    number = device.partition(":")[2]
    return (CUDA, {"device_id": number, "use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}), *CPU_ONLY


def gpu_name(device: str) -> str:
    """What the GPU ``cuda:N`` calls itself, as ``nvidia-smi`` has it; empty if that does not tell."""
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader", f"--id={device.partition(':')[2]}"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def _trouble(name: str) -> str:
    """Why models cannot run on a GPU; empty if they can. A session tells: the provider may lack CUDA's libraries."""
    try:
        import onnxruntime as ort
        from onnx import TensorProto, helper
    except ImportError as error:
        return reason(error)
    if CUDA not in ort.get_available_providers():
        return "ONNX Runtime is built without it (pip install '.[gpu]' in a checkout)"
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Abs", ["x"], ["y"])], "probe", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = ort.SessionOptions()
    options.log_severity_level = 4
    load_cuda()
    try:
        session = ort.InferenceSession(model.SerializeToString(), options, providers=list(providers(name)))
    except Exception as error:  # ONNX Runtime's errors have no other base in common
        return reason(error)
    return "" if CUDA in session.get_providers() else "ONNX Runtime does not find CUDA's libraries, or the GPU"


class Device:
    """What a step runs its models on.

    Attributes:
        name: ``cpu`` or ``cuda:N``, as the step was asked for.
        warnings: Why it did not stay there.
    """

    def __init__(self, name: str = CPU) -> None:
        self.name = name
        self.warnings: list[str] = []

    @property
    def now(self) -> str:
        """Where models run from now on."""
        return CPU if self.warnings else self.name

    def leave(self, why: str) -> None:
        """Go on on the CPU."""
        text = f"RB509 {self.name}: {why}; what was left ran on the CPU"
        logger.warning("%s", text)
        self.warnings.append(text)

    def figures(self) -> dict[str, Any]:
        """What a step's figures say of it; nothing of a CPU."""
        if self.name == CPU:
            return {}
        return {"device": self.name, **({"warnings": self.warnings} if self.warnings else {})}


_current = Device()
"""That of the step which is running: a worker runs one at a time."""


def on_device(run: Run) -> Run:
    """Make a step's ``run`` run its models on ``params.device``, and say in its figures which one it was."""

    @functools.wraps(run)
    def measured(inputs: Any, params: Any, *args: Any) -> dict[str, Any]:
        with using(params.device) as device:
            metrics = run(inputs, params, *args)
        figures = device.figures()
        warnings = {"warnings": [*metrics.get("warnings", ()), *figures["warnings"]]} if "warnings" in figures else {}
        return {**metrics, **figures, **warnings}

    return measured  # type: ignore[return-value]  # the same signature


@contextlib.contextmanager
def using(name: str) -> Iterator[Device]:
    """Let sessions that are made meanwhile run on the device of that name."""
    global _current
    before, _current = _current, Device(name)
    try:
        yield _current
    finally:
        _current = before


class DeviceSession:
    """An ONNX Runtime session on the step's device; on the CPU once the GPU's memory is used up.

    Args:
        make: Makes the session for providers.
    """

    def __init__(self, make: Make) -> None:
        self._make: Make | None = make
        self._device = _current
        self._open()

    def run(self, names: Sequence[str] | None, feeds: Mapping[str, Any]) -> list[Any]:
        """As ``InferenceSession.run``."""
        if self._place != self._device.now:
            self._open()
        try:
            return list(self._session.run(names, feeds))
        except Exception as error:  # ONNX Runtime's errors have no other base in common
            self._leave_if_full(error)
        self._open()
        return list(self._session.run(names, feeds))

    @property
    def output_names(self) -> list[str]:
        """The names of the model's outputs, in order."""
        return [output.name for output in self._session.get_outputs()]

    def _open(self) -> None:
        self._place = self._device.now
        assert self._make is not None, "a session on the CPU stays there"  # noqa: S101
        if self._place != CPU:
            load_cuda()
        try:
            self._session = self._make(providers(self._place))
        except Exception as error:  # as above
            self._leave_if_full(error)
            self._open()
            return
        if self._place != CPU and CUDA not in self._session.get_providers():
            self._device.leave("ONNX Runtime did not take it")
            self._place = CPU
        if self._place == CPU:
            self._make = None  # it holds the model

    def _leave_if_full(self, error: Exception) -> None:
        """Leave the GPU if its memory is what is missing; else raise the error."""
        if self._place == CPU or not _NO_MEMORY.search(str(error)):
            raise error
        if not self._device.warnings:
            self._device.leave("its memory was used up")
