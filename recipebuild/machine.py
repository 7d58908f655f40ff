"""What this machine has for a build: which toolchain, and which device evidence is measured on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from recipebuild.engine.installed import installed_version
from recipebuild.plan.steps import ResolvedToolchain
from recipebuild.requirements import MISSING
from recipebuild.toolkit.pulsar2.toolchain import find


def resolve_toolchain(wanted: str, version: str | None = None) -> ResolvedToolchain:
    """What ``target.toolchain`` comes to here: Pulsar2 where the machine has it, unless the recipe says otherwise.

    If the recipe names a version, another one is as good as none.

    Where the recipe insists on Pulsar2 and it is missing, the plan has its compile step all the same, so that it can
    be looked at and built up to there; ``require_toolchain`` refuses to run that step.
    """
    installed = find(version=version) if wanted != "onnxruntime" else None
    if installed:
        facts = {"pulsar2": installed.version, "image": installed.image_id or ""}
        return ResolvedToolchain(
            "pulsar2", installed.version, {"runner": installed.kind, "image": installed.image}, facts
        )
    if wanted == "pulsar2":
        return ResolvedToolchain("pulsar2", MISSING, {"runner": "native", "image": None}, {"pulsar2": MISSING})
    return embedded_toolchain()


@dataclass(frozen=True)
class ResolvedDevice:
    """What ``--device`` comes to here.

    Attributes:
        name: ``cpu`` or ``cuda:N``.
        note: Why it is not the GPU asked for; empty if it is.
        facts: Of the GPU, for keys: what it is, and which ONNX Runtime runs models there.
    """

    name: str
    note: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


def resolve_device(wanted: str) -> ResolvedDevice:
    """Where evidence is measured: what ``cpu``, ``auto``, ``cuda`` or ``cuda:1`` comes to here.

    Raises:
        RecipeError: If there is no such device.
    """
    if wanted == "cpu":
        return ResolvedDevice("cpu")
    from recipebuild.toolkit.evaluate.device import gpu_name, resolve  # few runs have a GPU, and all would wait for it

    name, note = resolve(wanted)
    if name == "cpu":
        return ResolvedDevice("cpu", note)
    return ResolvedDevice(name, facts={"gpu": gpu_name(name), "onnxruntime-gpu": installed_version("onnxruntime-gpu")})


def embedded_toolchain() -> ResolvedToolchain:
    """The one that is always there."""
    return ResolvedToolchain("onnxruntime", installed_version(onnxruntime_distribution()))


def onnxruntime_distribution() -> str:
    """Where ONNX Runtime comes from: ``onnxruntime``, or ``onnxruntime-gpu`` where only that is installed."""
    only_gpu = not installed_version("onnxruntime") and installed_version("onnxruntime-gpu")
    return "onnxruntime-gpu" if only_gpu else "onnxruntime"
