"""The documentation tells the truth: what is made from the code is fresh, and what it names exists."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from support.documented import PAGES, ROOT, documented

from scripts import pulsar2_reference, rule_reference
from scripts.cli_reference import commands, page
from scripts.tables import TABLES, with_table


@pytest.mark.parametrize(("page", "table"), TABLES.items(), ids=list(TABLES))
def test_tables_that_are_made_from_rows_are_fresh(page: str, table: Callable[[], str]) -> None:
    assert table() in (ROOT / "docs" / page).read_text(encoding="utf-8"), "run make schema"


def test_a_table_takes_the_place_of_the_one_with_its_head() -> None:
    page = "# Title\n\n| other |\n|---|\n| 1 |\n\n| name |\n|---|\n| old |\n| older |\n\nText\n"
    assert with_table(page, "| name |\n|---|\n| new |") == (
        "# Title\n\n| other |\n|---|\n| 1 |\n\n| name |\n|---|\n| new |\n\nText\n"
    )


def test_the_page_on_the_command_line_is_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert page() == (ROOT / "docs" / "cli.md").read_text(encoding="utf-8"), "run make schema"


def test_the_page_on_rules_is_fresh() -> None:
    assert rule_reference.page() == (ROOT / "docs" / "rules.md").read_text(encoding="utf-8"), "run make schema"


def test_the_page_on_the_configuration_is_fresh() -> None:
    shown = (ROOT / "docs" / "pulsar2-fields.md").read_text(encoding="utf-8")
    assert pulsar2_reference.page() == shown, "run make schema"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_files_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`((?:recipebuild|tests|docs|recipes|templates|scripts|benchmarks)/[\w./-]+)`", text)
    for name in links(text):
        assert (page.parent / name).exists(), name
    for name in named:
        assert (ROOT / name).exists() or "mine" in name, name


@pytest.fixture(scope="module")
def verbs() -> set[str]:
    return {path.split()[1] for path, _, _ in commands()}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_a_page_names_exist(page: Path, verbs: set[str]) -> None:
    for verb in re.findall(r"^[ \t]+recipebuild (\w+)", page.read_text(encoding="utf-8"), re.M):
        assert verb in verbs, verb


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_targets_of_make_that_a_page_names_exist(page: Path) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    for target in re.findall(r"(?:`|^ {4})make ([a-z-]+)", page.read_text(encoding="utf-8"), re.M):
        assert target in targets, target


def test_every_page_has_its_place_in_the_site() -> None:
    text = re.sub(r"!!python\S*", "", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    listed = set(re.findall(r": ([\w./-]+\.md)$", text, re.M))
    assert listed == {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    assert [next(iter(part)) for part in yaml.safe_load(text)["nav"]][1:] == [
        "Tutorial", "How-to", "Reference", "Explanation"
    ]  # fmt: skip


@pytest.mark.skipif(find_spec("material") is None, reason="needs mkdocs-material: pip install '.[docs]'")
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "site" / "tutorial.html").read_text(encoding="utf-8")
    fetched = re.findall(r'<(?:script|link|img)[^>]* (?:src|href)="(https?://[^"]*)"', page)
    assert fetched == [], "the site needs no network"


def test_the_english_and_the_chinese_readme_have_the_same_commands_links_and_tables() -> None:
    english, chinese = (ROOT / name for name in ("README.md", "README.zh-CN.md"))
    texts = [path.read_text(encoding="utf-8") for path in (english, chinese)]
    shell, other = ([_code(text) for text in texts], [links(text) - {english.name, chinese.name} for text in texts])
    assert shell[0] == shell[1]
    assert other[0] == other[1]
    rows = [[line.count("|") for line in text.splitlines() if line.startswith("|")] for text in texts]
    assert rows[0] == rows[1]
    heads = [len(re.findall(r"^##? ", text, re.M)) for text in texts]
    assert heads[0] == heads[1]


def test_the_readme_has_every_verb_in_its_table() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Commands")[2].partition("\n## ")[0]
    shown = {verb for row in re.findall(r"^\| (`.*?) \|", text, re.M) for verb in re.findall(r"`(\w+)`", row)}
    assert shown == {path.split()[1] for path, _, _ in commands()}


def test_contributing_names_a_file_to_copy_for_each_thing_that_is_added() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## Adding (.*?)\n(.*?)(?=^## |\Z)", text, re.M | re.S))
    for thing in ("a step", "a rewrite of graphs", "a family of models", "a chip", "a verb", "a section to the report"):
        assert re.search(r"[Cc]opy [^`.]*`([\w./-]+)`", sections[thing]), f"{thing}: no file to copy"


def test_commands_are_found_in_pages() -> None:
    texts = {command.text for command in documented()}
    assert "recipebuild run quickstart" in texts
    assert "pip install '.[build]' -c constraints.txt" in texts
    assert not any("#" in text for text in texts)


def links(text: str) -> set[str]:
    """Links to files, without what is behind ``#``."""
    return {name for name in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text) if name}


def _code(text: str) -> list[str]:
    """The commands of code blocks, and all other code but comments."""
    fenced = re.findall(r"^```\w+\n(.*?)^```", text, re.M | re.S)
    indented = re.findall(r"^ {4}(\S.*)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M)
    return [re.sub(r"\s+#\s.*", "", line).strip() for line in (*"\n".join(fenced).splitlines(), *indented)]
