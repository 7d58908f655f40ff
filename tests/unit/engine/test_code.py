from __future__ import annotations

import gc
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from time import sleep
from types import SimpleNamespace

import pytest

import recipebuild
from recipebuild.engine import code
from recipebuild.engine.code import code_parts
from recipebuild.engine.digest import digest_json
from recipebuild.engine.statcache import StatCache
from recipebuild.toolkit.graph.passes import PASSES


def digest(module: str = "toys.join") -> str:
    return digest_json(code_parts(module, StatCache(None)))


def test_code_reaches_through_imports_of_the_same_package_only(toys: Path) -> None:
    assert set(code_parts("toys.join", StatCache(None))) == {"toys.join", "toys.helper"}


@pytest.mark.parametrize("file", ["join.py", "helper.py"])
def test_editing_a_body_counts_also_in_a_helper(toys: Path, file: str) -> None:
    before, neighbour = digest(), digest("toys.other")
    text = (toys / file).read_text()
    (toys / file).write_text(text.replace("return text.upper()", "return text.lower()").replace('"deep")', '"DEEP")'))
    assert digest() != before
    assert digest("toys.other") == neighbour


def test_comments_docstrings_and_formatting_do_not_count(toys: Path) -> None:
    before = digest()
    helper = toys / "helper.py"
    helper.write_text(
        '"""Another docstring."""\n\nfrom typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import toys.other\n\n'
        '# a comment\ndef shout( text ):\n    """Very loudly."""\n    return (text\n        .upper())\n'
    )
    changed = digest()
    helper.write_text("from typing import TYPE_CHECKING\ndef shout(text):\n    return text.upper()\n")
    assert digest() == changed
    helper.write_text("def shout(text): return text.upper()  # short\n")
    assert digest() == before


def test_an_import_inside_a_function_counts(toys: Path) -> None:
    (toys / "helper.py").write_text("def shout(text):\n    from . import late\n    return late.up(text)\n")
    (toys / "late.py").write_text("def up(text):\n    return text.upper()\n")
    before = digest()
    (toys / "late.py").write_text("def up(text):\n    return text\n")
    assert digest() != before


def test_a_data_file_beside_the_module_that_names_it_counts(toys: Path) -> None:
    (toys / "table.yaml").write_text("a: 1\n")
    (toys / "helper.py").write_text('TABLE = "table.yaml"\ndef shout(text):\n    return text\n')
    before = digest()
    (toys / "table.yaml").write_text("a: 2\n")
    assert digest() != before


def test_a_folder_of_data_beside_the_module_that_names_it_counts(toys: Path) -> None:
    (toys / "tables").mkdir()
    (toys / "tables" / "one.yaml").write_text("a: 1\n")
    (toys / "helper.py").write_text('TABLES = "tables/"\ndef shout(text):\n    return text\n')
    before = digest()
    (toys / "tables" / "two.yaml").write_text("a: 2\n")
    assert digest() != before


def test_the_modules_of_a_package_that_a_module_names_as_a_folder_count_as_its_imports(toys: Path) -> None:
    (toys / "kinds").mkdir()
    (toys / "kinds" / "__init__.py").touch()
    (toys / "kinds" / "one.py").write_text("from toys import other\n")
    (toys / "helper.py").write_text(
        'from importlib import import_module\nFOLDER = "kinds/"\ndef shout(text):\n'
        '    return import_module(f"toys.{FOLDER[:-1]}.one").other.shout(text)\n'
    )
    named = {"toys.join", "toys.helper", "toys.kinds", "toys.kinds.one", "toys.other"}
    assert set(code_parts("toys.join", StatCache(None))) == named
    before = digest()
    (toys / "kinds" / "one.py").write_text("from toys import other  # a comment does not count\n")
    assert digest() == before
    (toys / "kinds" / "two.py").touch()
    assert set(code_parts("toys.join", StatCache(None))) == named | {"toys.kinds.two"}


def test_every_rewrite_is_code_of_the_step_that_rewrites() -> None:
    parts = code_parts("recipebuild.steps.rewrite", StatCache(None))
    assert {module.__name__ for module in PASSES.values()} <= set(parts)


def test_what_is_remembered_follows_the_file(toys: Path, tmp_path: Path) -> None:
    def fresh() -> StatCache:
        return StatCache(tmp_path / "stat.sqlite")

    stats = fresh()
    before = code_parts("toys.join", stats)
    stats.flush()
    assert code_parts("toys.join", fresh()) == before
    (toys / "helper.py").write_text("def shout(text):\n    return text\n")
    assert code_parts("toys.join", fresh()) != before


def test_every_shipped_step_has_code_and_no_step_reaches_the_front_of_the_house() -> None:
    from recipebuild.plan.kinds import KINDS

    stats = StatCache(None)
    for kind in KINDS.values():
        parts = set(code_parts(kind.module, stats))
        rooms = {part.split(".")[1] for part in parts}
        assert not rooms & {"cli", "plan", "recipe", "build", "report", "manifest"}, kind.module


def test_a_module_without_source_is_an_error() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"toys\.nowhere"):
        code_parts("toys.nowhere", StatCache(None))


def test_an_init_above_an_imported_module_counts_for_it_runs(toys: Path) -> None:
    (toys / "below").mkdir()
    (toys / "below" / "__init__.py").write_text("LOUD = True\n")
    (toys / "below" / "deep.py").write_text("def up(text):\n    return text.upper()\n")
    (toys / "helper.py").write_text("from toys.below.deep import up as shout\n")
    before = digest()
    (toys / "below" / "__init__.py").write_text("LOUD = False\n")
    assert digest() != before


def test_the_package_itself_counts_only_where_a_name_of_its_own_is_imported(toys: Path) -> None:
    (toys / "helper.py").write_text("from toys import other\nshout = str\n")
    assert "toys" not in code_parts("toys.join", StatCache(None))
    (toys / "helper.py").write_text("from toys import other, VERSION\nshout = str\n")
    before = digest()
    (toys / "__init__.py").write_text("VERSION = 2\n")
    assert digest() != before


@pytest.mark.parametrize("name", ["table.yaml", "late.py"])
def test_what_a_module_names_counts_from_when_it_is_there(toys: Path, tmp_path: Path, name: str) -> None:
    def remembered() -> str:
        stats = StatCache(tmp_path / "stat.sqlite")
        try:
            return digest_json(code_parts("toys.join", stats))
        finally:
            stats.flush()

    (toys / "helper.py").write_text(
        'TABLE = "table.yaml"\ndef shout(text):\n    try:\n        from toys import late\n'
        "    except ImportError:\n        return text\n    return late.up(text)\n"
    )
    sleep(0.05)  # what changed just now is not remembered
    before = remembered()
    (toys / name).write_text("up = str\n")
    there = remembered()
    assert there != before
    (toys / name).unlink()
    assert remembered() == before


def test_what_another_way_of_counting_remembered_is_not_taken(toys: Path, tmp_path: Path) -> None:
    """An older version kept the digest of ``ast.dump``, which differs between Pythons, under the kind ``code``."""
    sleep(0.05)  # what changed just now is not remembered
    stats = StatCache(tmp_path / "stat.sqlite")
    stats.get(toys / "helper.py", "code", lambda: '{"digest": "old", "imports": [], "data": []}')
    stats.flush()
    assert "old" not in code_parts("toys.join", StatCache(tmp_path / "stat.sqlite")).values()


def test_every_data_file_of_the_package_is_named_by_a_module_beside_it() -> None:
    for file in Path(recipebuild.__file__).parent.rglob("*.yaml"):
        if "shipped" in file.parts:
            continue  # recipes and templates: inputs of the steps that read them
        folder, name = file.parent, file.name
        if not (folder / "__init__.py").is_file():
            folder, name = folder.parent, f"{folder.name}/"
        assert any(f'"{name}"' in module.read_text() for module in folder.glob("*.py")), file


def test_the_version_counts_for_the_bundle_which_says_it() -> None:
    assert "recipebuild._version" in code_parts("recipebuild.steps.bundle", StatCache(None))


def test_a_package_that_a_finder_of_its_own_knows_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So setuptools installs some packages in place."""
    (tmp_path / "src" / "hooked").mkdir(parents=True)
    for name in ("__init__", "step"):
        (tmp_path / "src" / "hooked" / f"{name}.py").touch()

    class Finder:
        @staticmethod
        def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
            return PathFinder.find_spec(name, [str(tmp_path / "src")]) if name == "hooked" else None

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
    assert set(code_parts("hooked.step", StatCache(None))) == {"hooked.step"}


def test_a_package_in_a_namespace_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shared_name" / "ours").mkdir(parents=True)
    (tmp_path / "shared_name" / "ours" / "__init__.py").touch()
    (tmp_path / "shared_name" / "ours" / "helper.py").touch()
    (tmp_path / "shared_name" / "ours" / "step.py").write_text("from shared_name.ours import helper\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    parts = code_parts("shared_name.ours.step", StatCache(None))
    assert set(parts) == {"shared_name.ours.step", "shared_name.ours", "shared_name.ours.helper"}


def test_relative_imports_are_followed_from_modules_and_packages_at_every_level(toys: Path) -> None:
    deep = toys / "deep" / "deeper"
    deep.mkdir(parents=True)
    (toys / "deep" / "__init__.py").write_text("from .side import left\nfrom . import beside\n")
    (deep / "__init__.py").write_text("from ..aside import right\nfrom .own import here\n")
    (deep / "module.py").write_text("from ...other import VALUE\nfrom .. import above\nfrom .mate import friend\n")
    for name in ("deep/side", "deep/beside", "deep/aside", "deep/above", "deep/deeper/own", "deep/deeper/mate"):
        (toys / f"{name}.py").write_text("left = right = here = friend = 1\n")
    (toys / "other.py").write_text("VALUE = 1\n")
    assert set(code_parts("toys.deep.deeper.module", StatCache(None))) == {
        "toys.deep.deeper.module", "toys.other", "toys.deep", "toys.deep.side", "toys.deep.beside", "toys.deep.above",
        "toys.deep.deeper", "toys.deep.aside", "toys.deep.deeper.own", "toys.deep.deeper.mate",
    }  # fmt: skip


def test_an_attribute_of_a_module_is_no_module_below_it(toys: Path) -> None:
    (toys / "helper.py").write_text("from toys.plain import thing\ndef shout(text):\n    return thing\n")
    (toys / "plain.py").write_text("thing = 1\n")
    (toys / "plain").mkdir()
    (toys / "plain" / "thing.py").write_text("")
    assert set(code_parts("toys.join", StatCache(None))) == {"toys.join", "toys.helper", "toys.plain"}


def test_texts_that_only_look_like_names_of_files_are_not_looked_up(toys: Path) -> None:
    (toys / "helper.py").write_text(
        'WORDS = ["/etc/x.yaml", "../table.yaml", "nul\\0.yaml", "a text that ends with /", "/", "no data"]\n'
        "def shout(text):\n    return text\n"
    )
    (toys.parent / "table.yaml").write_text("a: 1\n")
    before = digest()
    (toys.parent / "table.yaml").write_text("a: 2\n")
    assert digest() == before


def test_a_folder_of_modules_counts_also_where_the_module_that_names_it_lies_deep(toys: Path) -> None:
    kinds = toys / "deep" / "kinds"
    kinds.mkdir(parents=True)
    for name in ("deep/__init__", "deep/kinds/__init__", "deep/kinds/one"):
        (toys / f"{name}.py").touch()
    (toys / "deep" / "user.py").write_text('KINDS = "kinds/"\n')
    reached = {"toys.deep", "toys.deep.user", "toys.deep.kinds", "toys.deep.kinds.one"}
    assert set(code_parts("toys.deep.user", StatCache(None))) == reached


class Garbage:
    """A cycle whose finalizer lets other threads run."""

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        sum(range(20))


def test_threads_may_read_code_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "_IN_MEMORY", SimpleNamespace(get=lambda file, kind, read: read()))  # each reads anew
    limits, interval = gc.get_threshold(), sys.getswitchinterval()

    def read(_: int) -> None:
        for module in ("digest", "syntax", "locks", "layout"):
            for _ in range(30):
                Garbage()
            code_parts(f"recipebuild.engine.{module}", StatCache(None))

    try:
        gc.set_threshold(5, 5, 5)
        sys.setswitchinterval(1e-6)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(read, range(60)))
    finally:
        gc.set_threshold(*limits)
        sys.setswitchinterval(interval)
