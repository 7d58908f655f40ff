from __future__ import annotations

from pathlib import Path

import pytest

from recipebuild.engine.code import code_parts
from recipebuild.engine.digest import digest_json
from recipebuild.engine.statcache import StatCache


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
