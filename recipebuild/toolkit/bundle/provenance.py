"""Where a bundle comes from: an in-toto statement (v1) with a SLSA provenance predicate (v1).

Sources: github.com/in-toto/attestation, spec/v1/statement.md and spec/predicates/provenance.md; slsa.dev/spec/v1.0.
It has no times and no machine names, so that the same build gives the same statement everywhere.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from recipebuild._version import __version__
from recipebuild.files import digest_file

FILE = "provenance.json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:recipebuild:build:v1"

Dependency = dict[str, Any]
"""A ResourceDescriptor: name or uri, and a digest where there is a file."""


def statement(
    folder: Path, parameters: Mapping[str, Any], internal: Mapping[str, Any], dependencies: Iterable[Dependency]
) -> dict[str, Any]:
    """The statement on the files in ``folder``.

    Args:
        folder: The bundle; what is in it are the subjects.
        parameters: What the user asked for: the recipe, by its values.
        internal: What the machine decided: the toolchain.
        dependencies: What went in.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return {
        "_type": STATEMENT,
        "subject": [{"name": path.name, "digest": {"sha256": digest_file(path)}} for path in files],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": dict(parameters),
                "internalParameters": dict(internal),
                "resolvedDependencies": list(dependencies),
            },
            "runDetails": {
                "builder": {
                    "id": f"pkg:pypi/recipebuild@{__version__}",
                    "version": {"recipebuild": __version__},
                }
            },
        },
    }


def files(path: Path, kind: str) -> list[Dependency]:
    """A file with what lies beside it under longer names, or each file below a folder; named ``<kind>/<path>``."""
    members = sorted(path.parent.glob(f"{path.name}*") if path.is_file() else filter(Path.is_file, path.rglob("*")))
    base = path.parent if path.is_file() else path
    return [{"name": f"{kind}/{p.relative_to(base).as_posix()}", "digest": {"sha256": digest_file(p)}} for p in members]


def images(archive: Path) -> list[Dependency]:
    """Each image of the calibration archive as a dependency."""
    entries = []
    with tarfile.open(archive) as content:
        for member in content:
            if (file := content.extractfile(member)) is not None:
                digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # it reads bytes
                entries.append({"name": f"calibration/{member.name}", "digest": {"sha256": digest}})
    return entries


def distributions(versions: Mapping[str, str]) -> list[Dependency]:
    """Python distributions as dependencies, by package URL."""
    return [{"uri": f"pkg:pypi/{name}@{version}"} for name, version in sorted(versions.items())]


def toolchain(name: str, facts: Mapping[str, str]) -> list[Dependency]:
    """The toolchain's image as a dependency, where it has one."""
    kind, _, digest = facts.get("image", "").rpartition(":")
    if not digest:
        return []
    return [{"name": f"toolchain/{name}", "digest": {kind or "sha256": digest}}]
