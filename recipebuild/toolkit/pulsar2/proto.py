"""What the installed toolchain's own proto says of a configuration, in seconds; and, kept, once it is not at hand.

refuse_unknown(folder, "pulsar2.json", tool)     # asks the tool
keep(tool, "7.0", place)                         # learns its proto
refusal(config, "7.0", place)                    # asks what was kept, with no toolchain at hand
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recipebuild.errors import StepError
from recipebuild.files import write_text
from recipebuild.toolkit.pulsar2 import parse_config
from recipebuild.toolkit.pulsar2.tool import Tool
from recipebuild.toolkit.pulsar2.toolchain import age, is_version

_PROGRAM = "parse_config.py"
_VERDICT = "verdict: "


def refuse_unknown(folder: Path, config: str, tool: Tool) -> str:
    """Let the toolchain's proto parse ``config``, a file in ``folder``.

    Returns:
        Why it could not be asked; empty if it accepts the configuration.

    Raises:
        MissingError: If the program or image is no longer there.
        StepError: If the proto refuses it, in the tool's words and with the path of the value.
    """
    verdict = _ask(folder, config, tool)
    text = str(verdict["text"])
    if verdict["state"] == "refused":
        raise StepError(
            f"Pulsar2 refuses {_where(text)}pulsar2.json: {text.strip()}",
            field="pulsar2",
            remedy="compare it with the documentation of that version; recipebuild render prints the configuration",
        )
    return text


def keep(tool: Tool, version: str, place: Path) -> Path | str:
    """Ask a toolchain for its proto, and keep it for its version below ``place``.

    Returns:
        The file; or why the toolchain could not be asked.

    Raises:
        MissingError: If the program or image is no longer there.
    """
    with tempfile.TemporaryDirectory() as folder:
        verdict = _ask(Path(folder), parse_config.PROTO, tool)
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
        return f"Pulsar2 {held['version']} refuses {_where(text)}its configuration: {text}"
    return ""


def _where(text: str) -> str:
    """The path of the value that protobuf speaks of: ``quant.calibration_method in``."""
    place = ".".join(re.findall(r"Failed to parse (\w+) field", text))
    return f"{place} in " if place else ""


def _ask(folder: Path, config: str, tool: Tool) -> dict[str, Any]:
    shutil.copyfile(parse_config.__file__, folder / _PROGRAM)
    lines: list[str] = []
    status = tool.run_python([_PROGRAM, config], folder, lines.append)
    verdicts = [json.loads(line.removeprefix(_VERDICT)) for line in lines if line.startswith(_VERDICT)]
    ended = {"state": "absent", "text": f"its Python ended with {status}"}
    return dict(verdicts[-1]) if verdicts else ended
