"""One spelling of a syntax tree, whatever Python reads the source."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from recipebuild.engine.code import Modules
from recipebuild.engine.statcache import StatCache
from recipebuild.engine.syntax import canonical_syntax

ROOT = Path(__file__).parents[3]
EVERY_CONSTRUCT = Path(__file__).parent / "syntax" / "python311.txt"
DIGEST = "82c441079bcca9044f71d1080d520c1227179961cbca3c9a2e585df88804153a"

MODULE_DIGESTS = """
import json, sys
from pathlib import Path
from recipebuild.engine.code import Modules
from recipebuild.engine.statcache import StatCache

modules = Modules(StatCache(None))
names = [".".join(path.with_suffix("").parts) for path in Path().glob("recipebuild/**/[!_]*.py")]
print(json.dumps({name: modules.parts(name)[name] for name in names}))
"""

EVERY_DIGEST = """
import ast, hashlib, sys
from pathlib import Path
from recipebuild.engine.syntax import canonical_syntax

tree = ast.parse(Path(sys.argv[1]).read_bytes())
print(hashlib.sha256(canonical_syntax(tree).encode()).hexdigest())
"""


def spelled(source: str) -> str:
    return canonical_syntax(ast.parse(source))


def interpreter(name: str) -> str:
    """The first of that name on PATH that starts; a version manager leaves some there that do not."""
    for folder in os.get_exec_path():
        path = Path(folder, name)
        if path.is_file() and subprocess.run([path, "-c", "pass"], capture_output=True).returncode == 0:
            return str(path)
    pytest.skip(f"no {name} on PATH that starts")


def output(python: str, program: str, *arguments: Path) -> str:
    command: list[str | Path] = [python, "-W", "ignore", "-B", "-c", program, *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def own_digests() -> dict[str, str]:
    """Of each module of the package, by this Python."""
    digests: dict[str, str] = json.loads(output(sys.executable, MODULE_DIGESTS))
    return digests


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_every_construct_has_the_digest_that_it_has_in_every_python() -> None:
    tree = ast.parse(EVERY_CONSTRUCT.read_bytes())
    assert hashlib.sha256(canonical_syntax(tree).encode()).hexdigest() == DIGEST


@pytest.mark.parametrize("name", ["python3.12", "python3.13", "python3.14"])
def test_other_pythons_give_every_module_the_same_digest(name: str, own_digests: dict[str, str]) -> None:
    python = interpreter(name)
    assert output(python, EVERY_DIGEST, EVERY_CONSTRUCT) == DIGEST
    assert json.loads(output(python, MODULE_DIGESTS)) == own_digests


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = u'a'", 'x = "a"'),
        ("x = 0x10", "x = 1_6"),
        ("x = 1e3", "x = 1000.0"),
        ("x = 'a' 'b'", "x = 'ab'"),
        ("x = f'{a}' 'b' f'c'", "x = f'{a}bc'"),
        ("x = (1,\n 2)  # two", "x = 1, 2"),
        ("with (a as b, c): pass", "with a as b, c: pass"),
    ],
)
def test_what_python_reads_as_the_same_is_spelled_the_same(one: str, other: str) -> None:
    assert spelled(one) == spelled(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = True"),
        ("x = 0.0", "x = 0j"),
        ("x = 'a'", "x = b'a'"),
        ("x = None", "x = 'None'"),
        ("x = ...", "x = 'Ellipsis'"),
        ("def f(): return None", "def f(): return"),
        ("x = {**a}", "x = {a: a}"),
        ("f(*a)", "f(a)"),
        ("x = f'a'", "x = 'a'"),
        ("x = f'{a}b'", "x = f'{a}' + 'b'"),
        ("x = f'{a}'", "x = f'{a!s}'"),
        ("x: int", "(x): int"),
        ("x = 'a,b'", "x = 'a', 'b'"),
        ("match x:\n case None: pass", "match x:\n case False: pass"),
        ("def f(*, a=None, b): pass", "def f(*, a, b=None): pass"),
    ],
)
def test_what_does_something_else_is_spelled_otherwise(one: str, other: str) -> None:
    assert spelled(one) != spelled(other)


def test_the_spelling_is_ascii_however_the_source_is_written() -> None:
    assert spelled("größe = '\u0870 €'").isascii()


def test_a_module_for_a_newer_python_is_a_syntax_error_that_names_it(toys: Path) -> None:
    (toys / "helper.py").write_text("shout = = 1\n")
    with pytest.raises(SyntaxError) as error:
        Modules(StatCache(None)).parts("toys.join")
    assert error.value.filename == str(toys / "helper.py")
