"""Runs in the toolchain's own Python: whether its proto takes a configuration. Needs nothing of recipebuild.

``python parse_config.py FILE HOME...``: the proto's compiled module is looked for below each HOME, ``$PULSAR2_HOME``
and ``/opt/pulsar2``. Prints one line, ``verdict: `` and JSON: ``state`` is ``accepted``, ``refused`` or ``absent``
(no such module), ``text`` says why. With ``--proto`` for FILE the line has the proto itself: ``message`` is its name,
``files`` are its ``FileDescriptorProto`` in base64, in the order in which one needs the other.
"""

from __future__ import annotations

import base64
import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

MODULES = ("axnn.yamain.config.build_config_pb2", "yamain.config.build_config_pb2")
"""Of 7.0 and of 6.0 (GitHub AXERA-TECH/Magnetar, docker_util.py and proto_schema.py)."""

PROTO = "--proto"


def main(file: str, *homes: str) -> None:
    """Parse the file; print the verdict."""
    sys.path[:0] = [home for home in (*homes, os.environ.get("PULSAR2_HOME", ""), "/opt/pulsar2") if home]
    sys.stdout.write("verdict: " + json.dumps(_asked(file)) + "\n")


def _asked(file: str) -> dict[str, object]:
    for name in MODULES:
        try:
            message = importlib.import_module(name).BuildConfig()
            json_format = importlib.import_module("google.protobuf.json_format")  # the toolchain's own
        except Exception as error:  # whatever keeps us from asking must not keep the tool from building
            problem = f"{type(error).__name__}: {error}"
            continue
        if file == PROTO:
            files: dict[str, str] = {}
            _collect(message.DESCRIPTOR.file, files)
            return {"state": "accepted", "message": message.DESCRIPTOR.full_name, "files": list(files.values())}
        try:
            json_format.ParseDict(json.loads(Path(file).read_text(encoding="utf-8")), message)
        except json_format.ParseError as error:
            return {"state": "refused", "text": str(error)}
        return {"state": "accepted", "text": ""}
    return {"state": "absent", "text": problem}


def _collect(descriptor: Any, files: dict[str, str]) -> None:
    """A file's descriptor behind those that it needs."""
    for needed in descriptor.dependencies:
        _collect(needed, files)
    files.setdefault(descriptor.name, base64.b64encode(descriptor.serialized_pb).decode())


if __name__ == "__main__":
    main(*sys.argv[1:])
