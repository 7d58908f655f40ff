"""The software bill of materials of a wheel: CycloneDX 1.6, all that it needs at run time, with the versions tested."""

from __future__ import annotations

import hashlib
import uuid
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL
from packaging.metadata import RawMetadata, parse_email
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

DEVELOPMENT = {"dev", "docs"}
"""Extras that no user installs."""


def sbom(wheel: Path, constraints: Path, epoch: int) -> str:
    """The bill of a wheel as JSON, the same text for the same wheel and constraints.

    What packages need in their turn comes from those installed here, versions from ``constraints``; a package that is
    in neither is named without a version. ``epoch`` is the time that the bill names, in seconds since 1970.
    """
    metadata = read_metadata(wheel)
    pins = read_pins(constraints)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    project = Component(
        name=metadata["name"],
        version=metadata["version"],
        type=ComponentType.APPLICATION,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
        licenses=[LicenseExpression(metadata["license_expression"])],
        purl=PackageURL("pypi", None, metadata["name"], metadata["version"]),
        bom_ref=metadata["name"],
    )
    direct = [Requirement(text) for text in metadata["requires_dist"]]
    extras = set(metadata["provides_extra"]) - DEVELOPMENT
    core, optional = chosen(direct, set()), chosen(direct, extras)
    required = closure(core)
    needs = required | closure(optional)
    components = {
        name: Component(
            name=name,
            version=pins.get(name),
            scope=ComponentScope.REQUIRED if name in required else ComponentScope.OPTIONAL,
            purl=PackageURL("pypi", None, name, pins.get(name)),
            bom_ref=name,
        )
        for name in needs
    }
    bom = Bom(
        serial_number=uuid.uuid5(uuid.NAMESPACE_URL, digest),
        metadata=BomMetaData(component=project, timestamp=datetime.fromtimestamp(epoch, UTC)),
        components=components.values(),
    )
    bom.register_dependency(project, [components[name] for name in sorted({name for name, _ in optional})])
    for name, targets in needs.items():
        bom.register_dependency(components[name], [components[target] for target in sorted(targets)])
    return make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2) + "\n"


def read_metadata(wheel: Path) -> RawMetadata:
    """What a wheel says of itself."""
    with zipfile.ZipFile(wheel) as archive:
        (path,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata, _ = parse_email(archive.read(path))
    return metadata


def read_pins(constraints: Path) -> dict[str, str]:
    """Versions by normalized name, from lines ``name==version``."""
    lines = [line.partition("#")[0].strip() for line in constraints.read_text(encoding="utf-8").splitlines()]
    return {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines if line)}


def chosen(requirements: Iterable[Requirement], extras: set[str]) -> set[tuple[str, frozenset[str]]]:
    """The requirements that count with these extras, on this platform, as (name, the extras that it asks for)."""
    return {
        (canonicalize_name(requirement.name), frozenset(requirement.extras))
        for requirement in requirements
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras | {""})
    }


def closure(first: set[tuple[str, frozenset[str]]]) -> dict[str, set[str]]:
    """All packages that these need, directly or not, each with the packages that it needs itself."""
    needs: dict[str, set[str]] = {}
    done: set[tuple[str, frozenset[str]]] = set()
    waiting = sorted(first)
    while waiting:
        name, extras = entry = waiting.pop()
        if entry in done:
            continue
        done.add(entry)
        try:
            requirements = [Requirement(text) for text in requires(name) or []]
        except PackageNotFoundError:  # an extra that is not installed here
            requirements = []
        following = chosen(requirements, set(extras))
        needs.setdefault(name, set()).update(target for target, _ in following)
        waiting.extend(following)
    return needs
