"""The proto of a toolchain, kept for the time when the toolchain is not at hand.

keep(tool, "7.0", place)                         # learns it
refusal(config, "7.0", place)                    # asks what was kept
"""

from __future__ import annotations

import base64
import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recipebuild.files import write_text
from recipebuild.toolkit.pulsar2 import parse_config
from recipebuild.toolkit.pulsar2.proto import ask, where
from recipebuild.toolkit.pulsar2.tool import Tool
from recipebuild.toolkit.pulsar2.toolchain import age, is_version


def keep(tool: Tool, version: str, place: Path) -> Path | str:
    """Ask a toolchain for its proto, and keep it for its version below ``place``.

    Returns:
        The file; or why the toolchain could not be asked.

    Raises:
        MissingError: If the program or image is no longer there.
    """
    with tempfile.TemporaryDirectory() as folder:
        verdict = ask(Path(folder), parse_config.PROTO, tool)
    if "files" not in verdict:
        return str(verdict["text"])
    path = place / "toolchains" / f"{re.sub(r'[^A-Za-z0-9.-]+', '-', version)}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    held = {"version": version, "message": verdict["message"], "files": verdict["files"]}
    write_text(path, json.dumps(held, indent=1) + "\n")
    return path


def refusal(config: Mapping[str, Any], version: str | None, place: Path) -> str:
    """Why a proto that was kept refuses a configuration; empty if it accepts it, or none was kept.

    Args:
        config: The configuration, as JSON values.
        version: The toolchain's; ``None`` for the newest of those that were kept. ``7.0`` also stands for ``7.0-lite``.
        place: Where they are kept.
    """
    there = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((place / "toolchains").glob("*.json"))]
    matching = [held for held in there if is_version(held["version"], version)]
    if not matching:
        return ""
    held = max(matching, key=lambda held: age(held["version"]))
    from google.protobuf import descriptor_pool, json_format, message_factory

    pool = descriptor_pool.DescriptorPool()
    for file in held["files"]:
        pool.AddSerializedFile(base64.b64decode(file))
    message = message_factory.GetMessageClass(pool.FindMessageTypeByName(held["message"]))()
    try:
        json_format.ParseDict(dict(config), message)
    except json_format.ParseError as error:
        text = str(error).strip()
        return f"Pulsar2 {held['version']} refuses {where(text)}its configuration: {text}"
    return ""
