"""Toy steps that run in real worker processes."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from recipebuild.engine.store import Store

TOY = '''
"""A toy step: joins its inputs after a text, and leaves a trace of having run."""

import os
import time
from pathlib import Path

from pydantic import BaseModel

from toys.helper import shout
from recipebuild.errors import CheckError, StepError, UnreachableError


class OwnError(StepError):
    """Known to this step alone."""


class Params(BaseModel):
    text: str = ""
    sleep: float = 0
    trace: str = ""
    spans: str = ""
    do: str = ""


def run(inputs, params, out, progress):
    print("a line of the log")
    if params.trace:
        with open(params.trace, "a") as file:
            file.write(f"{os.getpid()}\\n")
    progress(0.5, "half way")
    began = time.time()
    time.sleep(params.sleep)
    if params.spans:
        with open(params.spans, "a") as file:
            file.write(f"{began} {time.time()}\\n")
    if params.do == "raise":
        raise ValueError("boom")
    if params.do == "check":
        raise CheckError("too low", remedy="do better", metrics={"figure": 1})
    if params.do == "field":
        raise OwnError("is: too short", field="joint.text", remedy="write more")
    if params.do.startswith("unreachable") and Path(params.trace).read_text().count("\\n") <= int(params.do[-1]):
        raise UnreachableError("no answer", remedy="wait")
    if params.do == "die":
        os.kill(os.getpid(), 9)
    if params.do == "link":
        (out / "link").symlink_to("/etc/passwd")
    if params.do == "read-undeclared":
        Path("neighbour.txt").read_text()
    if params.do == "hoard":
        global hoard
        hoard = b"x" * (1 << 30)
    if params.do == "touch-input":
        inputs["source"].write_text("other")
    (out / "sub").mkdir()
    (out / "text").write_text(shout(params.text) + "".join(p.read_text() for _, p in sorted(inputs.items())))
    (out / "text.data").write_text("companion of " + shout(params.text))
    (out / "sub" / "deep").write_text("deep")
    return {"length": len(params.text)}
'''

TREE = '''
"""A toy step: lists the folder ``source``."""

from pydantic import BaseModel


class Params(BaseModel):
    pass


def run(inputs, params, out, progress):
    files = sorted(path for path in inputs["source"].rglob("*") if path.is_file())
    (out / "list").write_text("".join(f"{f.relative_to(inputs['source'])} {f.read_text()}\\n" for f in files))
    return {"files": len(files)}
'''


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package ``toys`` with the module ``toys.join`` (a step) and ``toys.helper`` that it imports."""
    package = tmp_path / "code" / "toys"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "join.py").write_text(TOY)
    (package / "tree.py").write_text(TREE)
    (package / "other.py").write_text(TOY.replace("from toys.helper import shout\n", "shout = str\n"))
    (package / "helper.py").write_text(
        textwrap.dedent('''
            """Helps."""

            def shout(text):
                """Loudly."""
                return text.upper()
            ''')
    )
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    from recipebuild.engine import code

    code._top_level.cache_clear()
    return package


@pytest.fixture
def forked_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that are forked: for tests of what a run does, whose steps do next to nothing."""
    from support import warm

    from recipebuild.engine import pool

    if "MUTANT_UNDER_TEST" not in os.environ:  # mutmut runs a pytest, which would start a server, for each mutant
        monkeypatch.setattr(pool, "subprocess", warm.processes(warm.Worker))


@pytest.fixture
def make_store(tmp_path: Path) -> Callable[[], Store]:
    """Opens the test's store, as each new process would."""
    return lambda: Store(tmp_path / "store")
