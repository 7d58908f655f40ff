"""Whether a bundle is what was built: every byte of it, offline.

Use: ``verify(path)`` for a folder or a .tar.gz. ``SHA256SUMS`` has a digest for every file; what is not in it, or is
not as in it, is a fault, and so is any byte of the archive that packing the files anew would not write.
"""

from __future__ import annotations

import json
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recipebuild.errors import CheckError, RecipeError
from recipebuild.files import SUMS, digest_file
from recipebuild.toolkit.bundle.pack import SIGNATURES, sums, write_archive
from recipebuild.toolkit.bundle.provenance import FILE, PREDICATE, STATEMENT

_NEEDED = (SUMS, FILE, "model.json", "README.md", "run.py")


@dataclass(frozen=True)
class BundleVerdict:
    """What there is to say of a bundle.

    Attributes:
        recipe: The recipe's name, and its digest.
        model: The name of the model's file.
        toolchain: What compiled it.
        files: How many files are as they were built.
        faults: What is wrong; empty if nothing is.
    """

    recipe: str = ""
    recipe_digest: str = ""
    model: str = ""
    toolchain: str = ""
    files: int = 0
    faults: list[str] = field(default_factory=list)


def verify(path: Path) -> BundleVerdict:
    """Look at every file of the bundle at ``path``, a folder or an archive.

    Raises:
        RecipeError: If there is no bundle at ``path``.
    """
    if path.is_dir():
        return _verify_folder(path)
    if not path.is_file():
        raise RecipeError(f"there is no bundle at {path}", remedy="name its folder, or its .tar.gz")
    with tempfile.TemporaryDirectory(prefix="recipebuild-") as place:
        try:
            name = _unpack(path, Path(place))
        except (tarfile.TarError, OSError, EOFError, CheckError) as error:
            return BundleVerdict(faults=[f"{path.name} is damaged, or no bundle: {error}"])
        verdict = _verify_folder(Path(place) / name)
        again = Path(place) / "again.tar.gz"
        write_archive(Path(place) / name, again, name)
        if not verdict.faults and digest_file(again) != digest_file(path):
            verdict.faults.append(f"{path.name} is not as it was packed, though the files in it are right")
        return verdict


def _verify_folder(folder: Path) -> BundleVerdict:
    missing = [name for name in _NEEDED if not (folder / name).is_file()]
    if missing:
        return BundleVerdict(faults=[f"{name} is missing" for name in missing])
    strange = [p.name for p in folder.iterdir() if p.is_symlink() or not p.is_file()]
    if strange:
        return BundleVerdict(faults=[f"{name} is no regular file" for name in sorted(strange)])
    written = (folder / SUMS).read_text(encoding="utf-8", errors="replace")
    faults = list(_differences(written, sums(folder)))
    if faults:
        return BundleVerdict(faults=faults)
    try:
        return _described(folder, len(written.splitlines()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return BundleVerdict(faults=[f"{FILE} or model.json is not as recipebuild writes it: {error!r}"])


def _differences(written: str, right: str) -> Iterator[str]:
    """What the text of SHA256SUMS says otherwise than the files."""
    listed, true = ({name: digest for digest, _, name in _rows(text)} for text in (written, right))
    for name in sorted(listed.keys() | true.keys()):
        if name not in true:
            yield f"{name} is missing"
        elif name not in listed:
            yield f"{name} is not in {SUMS}: it came later"
        elif listed[name] != true[name]:
            yield f"{name} was changed"
    if written != right and listed == true:
        yield f"{SUMS} was changed"


def _rows(text: str) -> Iterator[tuple[str, str, str]]:
    return (line.partition("  ") for line in text.splitlines())


def _described(folder: Path, files: int) -> BundleVerdict:
    """What the provenance says, which must be of these files."""
    value: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
    interface = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    faults = []
    if (value["_type"], value["predicateType"]) != (STATEMENT, PREDICATE):
        faults.append(f"{FILE} is no SLSA provenance (v1)")
    subjects = {one["name"]: one["digest"]["sha256"] for one in value["subject"]}
    covered = {p.name for p in folder.iterdir()} - {SUMS, FILE, *SIGNATURES}
    if subjects != {name: digest_file(folder / name) for name in covered}:
        faults.append(f"{FILE} is about other files")
    asked = value["predicate"]["buildDefinition"]["externalParameters"]
    used = interface["toolchain"]
    return BundleVerdict(
        asked["recipe"], asked["recipe_digest"], interface["model"], f"{used['name']} {used['version']}", files, faults
    )


def _unpack(archive: Path, place: Path) -> str:
    """The files of the archive, in a folder below ``place``; the folder's name."""
    limit = archive.stat().st_size  # it is stored, not compressed: no more can be in it
    names = set()
    with tarfile.open(archive, "r:gz") as content:
        for member in content:
            folder, _, name = member.name.partition("/")
            limit -= member.size
            if not member.isreg() or not name or "/" in name or folder in ("", ".", "..") or limit < 0:
                raise CheckError(f"{member.name!r} has no place in a bundle")
            names.add(folder)
            content.extract(member, place, filter="data")
    if len(names) != 1:
        raise CheckError("it is not one folder")
    return names.pop()
