"""What the installed toolchain's own proto says of a configuration, in seconds."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from recipebuild.errors import StepError
from recipebuild.toolkit.pulsar2 import parse_config
from recipebuild.toolkit.pulsar2.tool import Tool

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
    verdict = ask(folder, config, tool)
    text = str(verdict["text"])
    if verdict["state"] == "refused":
        raise StepError(
            f"Pulsar2 refuses {where(text)}pulsar2.json: {text.strip()}",
            field="pulsar2",
            remedy="compare it with the documentation of that version; recipebuild render prints the configuration",
        )
    return text


def where(text: str) -> str:
    """The path of the value that protobuf speaks of: ``quant.calibration_method in``."""
    place = ".".join(re.findall(r"Failed to parse (\w+) field", text))
    return f"{place} in " if place else ""


def ask(folder: Path, config: str, tool: Tool) -> dict[str, Any]:
    """Let the toolchain's Python run ``parse_config.py`` on ``config``, a file in ``folder``; return its verdict."""
    shutil.copyfile(parse_config.__file__, folder / _PROGRAM)
    lines: list[str] = []
    status = tool.run_python([_PROGRAM, config], folder, lines.append)
    verdicts = [json.loads(line.removeprefix(_VERDICT)) for line in lines if line.startswith(_VERDICT)]
    ended = {"state": "absent", "text": f"its Python ended with {status}"}
    return dict(verdicts[-1]) if verdicts else ended
