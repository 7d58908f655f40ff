"""What the installed toolchain's own proto says of a configuration, in seconds."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

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
    shutil.copyfile(parse_config.__file__, folder / _PROGRAM)
    lines: list[str] = []
    status = tool.run_python([_PROGRAM, config], folder, lines.append)
    verdicts = [json.loads(line.removeprefix(_VERDICT)) for line in lines if line.startswith(_VERDICT)]
    if not verdicts:
        return f"its Python ended with {status}"
    state, text = verdicts[-1]["state"], str(verdicts[-1]["text"])
    if state == "refused":
        place = ".".join(re.findall(r"Failed to parse (\w+) field", text))
        raise StepError(
            f"Pulsar2 refuses {f'{place} in ' if place else ''}pulsar2.json: {text.strip()}",
            field="pulsar2",
            remedy="compare it with the documentation of that version; recipebuild render prints the configuration",
        )
    return text
