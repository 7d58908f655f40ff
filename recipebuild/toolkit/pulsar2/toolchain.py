"""Finding Pulsar2 on this machine: as a program on PATH, or as a container image ``pulsar2:<version>``.

Called by every ``plan`` and ``run``: it starts no process where neither is possible, and never raises.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from typing import Literal

from recipebuild.toolkit.pulsar2.container import Ask, ask, engines, images

_TAG = re.compile(r"(?P<numbers>\d{1,3}(\.\d+)*)(-patch(?P<patch>\d+))?(?P<lite>-lite)?")


@dataclass(frozen=True)
class InstalledPulsar2:
    """A Pulsar2 that can be run.

    Attributes:
        kind: How it runs.
        program: ``pulsar2`` itself, or the container engine's program.
        version: As the tool says it, with its commit; of an image, its tag.
        image: The image, ``pulsar2:7.0-lite``; ``None`` unless it runs in a container.
        image_id: The image's digest, which tells apart two images that had the same name one after the other.
    """

    kind: Literal["native", "docker"]
    program: str
    version: str
    image: str | None = None
    image_id: str | None = None


def find(run: Ask = ask, version: str | None = None) -> InstalledPulsar2 | None:
    """The Pulsar2 to use: the one on PATH, else the newest image; ``None`` if there is none.

    Args:
        run: Runs a command and gives what it printed, or ``None`` if that failed.
        version: Only this one will do: ``5.1`` also stands for ``5.1-patch1`` and ``5.1-lite``.
    """
    return _native(run, version) or _image(run, version)


def missing_remedy() -> str:
    """What to do where ``find`` finds nothing."""
    return (
        "load its image into docker or podman (docker load -i ax_pulsar2_<version>.tar.gz), or put pulsar2 on PATH;\n"
        "without it, --toolchain onnxruntime quantizes for this machine instead"
    )


def is_version(version: str, wanted: str | None) -> bool:
    """Whether a version or tag is the one that is wanted: that itself, or that with a suffix."""
    return wanted is None or version == wanted or version.startswith(f"{wanted}-")


def _native(run: Ask, version: str | None) -> InstalledPulsar2 | None:
    program = shutil.which("pulsar2")
    printed = dict(re.findall(r"^(version|commit):\s*(\S+)", run([program, "version"]) or "", re.M)) if program else {}
    if program is None or "version" not in printed or not is_version(printed["version"], version):
        return None
    return InstalledPulsar2(
        "native", program, f"{printed['version']} ({printed['commit']})" if "commit" in printed else printed["version"]
    )


def _image(run: Ask, version: str | None) -> InstalledPulsar2 | None:
    for engine in engines():
        # Podman puts the name of a registry, or localhost, before the repository's.
        here = images(engine, run).items()
        ours = [(image, id_) for image, id_ in here if _repository(image) == "pulsar2"]
        matching = [(image, id_) for image, id_ in ours if is_version(tag(image), version)]
        if matching:
            image, image_id = max(matching, key=lambda pair: age(tag(pair[0])))
            return InstalledPulsar2("docker", engine, tag(image), image, image_id)
    return None


def _repository(image: str) -> str:
    return image.rpartition(":")[0].rpartition("/")[2]


def tag(image: str) -> str:
    """The version of an image ``pulsar2:<version>``."""
    return image.rpartition(":")[2]


def age(tag: str) -> tuple[tuple[int, ...], int, bool, str]:
    """Sorts tags from old to new: by numbers, then patch; the full image above the lite one; other tags lowest."""
    known = _TAG.fullmatch(tag)
    if known is None:
        return (), 0, False, tag
    numbers = tuple(int(number) for number in known["numbers"].split("."))
    return numbers, int(known["patch"] or 0), known["lite"] is None, tag
