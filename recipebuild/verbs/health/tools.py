"""Pulsar2, container engines and GPUs of this machine."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from recipebuild.toolkit.board.doctor import Line
from recipebuild.toolkit.pulsar2 import licence
from recipebuild.toolkit.pulsar2.container import Ask, ask, engines, images
from recipebuild.toolkit.pulsar2.kept_proto import keep
from recipebuild.toolkit.pulsar2.tool import Tool
from recipebuild.toolkit.pulsar2.toolchain import find, missing_remedy


def pulsar2(run: Ask = ask) -> Iterator[Line]:
    """Which Pulsar2 there is, on PATH and in images, and which one builds would take."""
    chosen = find(run)
    named = [image for engine in engines() for image in images(engine, run) if re.search(r"(^|/)pulsar2:", image)]
    if chosen is None:
        broken = shutil.which("pulsar2")
        text = f"{broken} does not answer `pulsar2 version`" if broken else "not on this machine"
        yield Line(
            "Pulsar2", "warn", f"{text}: builds quantize with the embedded onnxruntime, for the host", missing_remedy()
        )
        return
    how = chosen.program if chosen.kind == "native" else f"{chosen.image} by {chosen.program}"
    others = ", ".join(image for image in named if image != chosen.image)
    yield Line("Pulsar2", "ok", f"{chosen.version}, {how}{f'; also {others}' if others else ''}")
    native = Path(chosen.program) if chosen.kind == "native" else None  # an image may have one inside
    if native and licence.needs_one(chosen.version) and not (licence.own() or licence.shipped_with(native)):
        yield Line(
            "Pulsar2", "warn", "no licence file (*.v2c): builds fail with H0007 at the last stage", licence.REMEDY
        )


def proto(place: Path, run: Ask = ask) -> Line:
    """Ask Pulsar2 for the proto of its configuration, and keep it below ``place``: ``check`` reads it there."""
    chosen = find(run)
    if chosen is None:
        return Line("Pulsar2's proto", "fail", "no Pulsar2 on this machine to ask", missing_remedy())
    kept = keep(Tool(chosen.kind, chosen.image), chosen.version.partition(" ")[0], place)
    if isinstance(kept, str):
        return Line("Pulsar2's proto", "warn", f"could not be asked: {kept}", "the step config-check asks again")
    return Line("Pulsar2's proto", "ok", f"kept for check in {kept}")


def containers(run: Ask = ask) -> Line:
    """Whether a container engine answers."""
    here = engines()
    dead = [engine for engine in here if run([engine, "version"]) is None]
    if not here:
        installed = shutil.which("docker")
        text = f"{installed}, but no daemon to talk to" if installed else "none"
        remedy = "start it: sudo systemctl start docker" if installed else "only Pulsar2 in an image needs one"
        return Line("containers", "warn" if installed else "ok", text, remedy)
    if dead:
        remedy = "start the daemon (sudo systemctl start docker), or join its group: sudo usermod -aG docker $USER"
        return Line("containers", "warn", f"{', '.join(dead)} does not answer", remedy)
    return Line("containers", "ok", ", ".join(here))


def gpus(run: Ask = ask) -> list[str]:
    """The names of NVIDIA GPUs."""
    if shutil.which("nvidia-smi") is None:
        return []
    return re.findall(r"^GPU \d+: (.*?)(?: \(UUID.*)?$", run(["nvidia-smi", "-L"]) or "", re.M)


def gpu(names: list[str]) -> Line:
    """What a GPU would be for."""
    if not names:
        return Line("GPU", "ok", "none; fine-tuning in Pulsar2 would need one, and --device cuda would use it")
    from recipebuild.toolkit.evaluate.device import resolve

    _, trouble = resolve("cuda")
    if trouble:
        why = trouble.partition(": ")[2].rpartition(";")[0]
        return Line(
            "GPU", "ok", f"{', '.join(names)}; not for --device cuda: {why}", "pip install '.[gpu]' in a checkout"
        )
    return Line("GPU", "ok", f"{', '.join(names)}; --device cuda measures accuracy there")
