"""The documentation tells the truth: what is made from the code is fresh, and what it names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.cli_reference import page
from scripts.recipe_reference import table

ROOT = Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_table_of_fields_is_fresh() -> None:
    assert table() in (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")


def test_the_page_on_the_command_line_is_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert page() == (ROOT / "docs" / "cli.md").read_text(encoding="utf-8"), "run make schema"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_files_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    named = re.findall(r"`((?:recipebuild|tests|docs|recipes|templates|scripts|benchmarks)/[\w./-]+)`", text)
    for name in links:
        assert (page.parent / name).exists(), name
    for name in named:
        assert (ROOT / name).exists() or "mine" in name, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_a_page_names_exist(page: Path) -> None:
    from typer.main import get_command

    from recipebuild.cli.app import app

    commands = get_command(app).commands  # type: ignore[attr-defined]
    for verb in re.findall(r"^\s+recipebuild (\w+)", page.read_text(encoding="utf-8"), re.M):
        assert verb in commands, verb
