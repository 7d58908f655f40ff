"""A user's folder, and the command run in it as a user runs it: a real process, an empty HOME."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import warm

RECIPE = """\
extends: base/segformer.yaml
model: {source: ./model}
input: {shape: [1, 3, 64, 128]}
export: {exporter: torchscript, opset: 17}   # the quicker of the two
calibration: {source: ./images, count: 4}
evaluate: {dataset: ./labelled}
"""


@dataclass(frozen=True)
class Project:
    """A folder with a small recipe (recipes/tiny.yaml), its model and its images."""

    folder: Path

    @property
    def recipe(self) -> Path:
        return self.folder / "recipes" / "tiny.yaml"

    @property
    def build(self) -> Path:
        return self.folder / "build" / "tiny"

    @property
    def store(self) -> Path:
        return self.folder / "home" / ".cache" / "recipebuild"

    def environment(self, **more: str) -> dict[str, str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "XDG_", "PYTEST_"))}
        return clean | {"HOME": str(self.folder / "home"), "NO_COLOR": "1", "COLUMNS": "160"} | more

    def start(self, *arguments: object, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "recipebuild", *map(str, arguments)],
            cwd=self.folder, env=self.environment(**environment), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def new_process(self, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the command in a process that has imported nothing before."""
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=600)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def forked(self, *arguments: object, **environment: str) -> warm.Forked:
        """Start the command as ``command`` does, and go on while it runs."""
        return warm.Forked([*map(str, arguments)], self.folder, self.environment(**environment))

    def command(self, *arguments: object, code: int | None = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the command; whatever happens, no traceback reaches the user."""
        words = [*map(str, arguments)]
        if any(name.startswith("HF_") for name in environment):  # is read where transformers are imported
            done = self.new_process(*words, **environment)
        else:
            done = warm.run(words, self.folder, self.environment(**environment))
        assert "Traceback" not in done.stdout + done.stderr
        assert code is None or done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def manifest(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.build / "manifest.json").read_text())
        return value

    def built(self) -> set[str]:
        """The steps that the last run built."""
        return {step["name"] for step in self.manifest()["steps"] if step["status"] == "built"}
