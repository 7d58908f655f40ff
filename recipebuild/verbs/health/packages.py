"""Python and the packages that build: there, new enough, and the versions that the tests ran with."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distribution, requires, version
from pathlib import Path

from recipebuild.errors import INSTALL, INSTALL_ANYWHERE
from recipebuild.resources import shipped
from recipebuild.toolkit.board.doctor import Line

OLDEST = (3, 11)
CPU_TORCH = "pip install torch --index-url https://download.pytorch.org/whl/cpu"

_REQUIREMENT = re.compile(
    r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?(?:\s*>=\s*([\w.]+))?[^;]*(?:;\s*extra\s*==\s*['\"](\w+)['\"])?"
)

Installed = Callable[[str], str | None]


def installed(name: str) -> str | None:
    """The version of a distribution, read without importing it; ``None`` if it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def python(version: tuple[int, ...] = sys.version_info[:3]) -> Line:
    """The Python that runs us."""
    text = f"{'.'.join(map(str, version))} ({sys.executable})"
    if version[:2] < OLDEST:
        return Line("Python", "fail", text, "make the environment with Python 3.11 or newer: python3.11 -m venv .venv")
    return Line("Python", "ok", text)


def packages(have: Installed = installed) -> Iterator[Line]:
    """Whether what ``[build]`` needs is there, and whether it is what the tests ran with."""
    needed = dict(_needed())
    if have("onnxruntime") is None and have("onnxruntime-gpu") is not None:
        needed["onnxruntime-gpu"] = needed.pop("onnxruntime")
    missing = [name for name in needed if have(name) is None]
    old = [f"{name} {have(name)}" for name, least in needed.items() if _older(have(name), least)]
    if missing:
        yield Line("packages", "fail", f"not installed: {', '.join(missing)}", INSTALL_ANYWHERE)
    if old:
        yield Line("packages", "fail", f"too old: {', '.join(old)}", f"{INSTALL} --upgrade, in a checkout")
    if missing or old:
        return
    tested = tested_versions()
    others = [
        f"{name} {have(name)} (tests: {tested[_plain(name)]})"
        for name in needed
        if _plain(name) in tested and _numbers(have(name))[:2] != _numbers(tested[_plain(name)])[:2]
    ]
    if not others:
        yield Line("packages", "ok", f"{len(needed)} packages of [build], in the tested versions")
        return
    shown = ", ".join(others[:4]) + (f" and {len(others) - 4} more" if len(others) > 4 else "")
    yield Line(
        "packages", "warn", f"versions that were not tested: {shown}",
        f"if something misbehaves: {INSTALL} -c {shipped('constraints.txt')}, in a checkout",
    )  # fmt: skip


def torch(have_gpu: bool, have: Installed = installed) -> Line | None:
    """Which build of torch it is; ``None`` without torch, which ``packages`` tells."""
    if have("torch") is None:
        return None
    try:
        text = Path(str(distribution("torch").locate_file("torch/version.py"))).read_text(encoding="utf-8")
    except OSError:
        text = ""
    matched = re.search(r"^cuda\s*(?::[^=]*)?=\s*['\"]([\d.]+)['\"]", text, re.M)
    build = f"{have('torch')}, {f'CUDA {matched[1]}' if matched else 'CPU only'}"
    if matched and not have_gpu:
        return Line("torch", "warn", f"{build}: gigabytes of CUDA that a machine without a GPU does not use", CPU_TORCH)
    return Line("torch", "ok", build)


def tested_versions() -> Mapping[str, str]:
    """The versions that the tests ran with, by normalized name."""
    lines = shipped("constraints.txt").read_text(encoding="utf-8").splitlines()
    return {_plain(name): number for name, mark, number in (line.partition("==") for line in lines) if mark}


def _needed() -> Iterator[tuple[str, str]]:
    """Name and least version of what the package itself and ``[build]`` require."""
    for text in requires("recipebuild") or ():
        matched = _REQUIREMENT.match(text)
        if matched and matched[3] in (None, "build"):
            yield matched[1], matched[2] or "0"


def _older(version: str | None, least: str) -> bool:
    return version is not None and _numbers(version) < _numbers(least)


def _numbers(text: str | None) -> tuple[int, ...]:
    return tuple(_whole(part) for part in re.split(r"[.+]", text or "")[:3])


def _whole(part: str) -> int:
    digits = re.match(r"\d+", part)
    return int(digits[0]) if digits else 0


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
