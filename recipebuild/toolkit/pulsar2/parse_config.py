"""Runs in the toolchain's own Python: whether its proto takes a configuration. Needs nothing of recipebuild.

``python parse_config.py FILE HOME...``: the proto's compiled module is looked for below each HOME, ``$PULSAR2_HOME``
and ``/opt/pulsar2``. Prints one line, ``verdict: `` and JSON: ``state`` is ``accepted``, ``refused`` or ``absent``
(no such module), ``text`` says why.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path

MODULES = ("axnn.yamain.config.build_config_pb2", "yamain.config.build_config_pb2")
"""Of 7.0 and of 6.0 (GitHub AXERA-TECH/Magnetar, docker_util.py and proto_schema.py)."""


def main(file: str, *homes: str) -> None:
    """Parse the file; print the verdict."""
    sys.path[:0] = [home for home in (*homes, os.environ.get("PULSAR2_HOME", ""), "/opt/pulsar2") if home]
    state, text = _parse(Path(file))
    sys.stdout.write("verdict: " + json.dumps({"state": state, "text": text}) + "\n")


def _parse(path: Path) -> tuple[str, str]:
    for name in MODULES:
        try:
            message = importlib.import_module(name).BuildConfig()
            json_format = importlib.import_module("google.protobuf.json_format")  # the toolchain's own
        except Exception as error:  # whatever keeps us from asking must not keep the tool from building
            problem = f"{type(error).__name__}: {error}"
            continue
        try:
            json_format.ParseDict(json.loads(path.read_text(encoding="utf-8")), message)
        except json_format.ParseError as error:
            return "refused", str(error)
        return "accepted", ""
    return "absent", problem


if __name__ == "__main__":
    main(*sys.argv[1:])
