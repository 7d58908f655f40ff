"""Templates among a step's inputs: which file a name stands for."""

from __future__ import annotations

from pathlib import Path

import pytest

from recipebuild.resources import template_loader, template_path, template_sources


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """A user's folder and a shipped one."""
    texts = {
        "user/bundle/README.md.j2": "mine, {% include 'common/licence.j2' %}",
        "user/common/licence.j2": "MIT",
        "shipped/bundle/README.md.j2": "shipped",
        "shipped/bundle/run.py": "",
        "shipped/pulsar2/config.json.j2": "{}",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return [tmp_path / "user", tmp_path / "shipped"]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("bundle/README.md.j2", "user/bundle/README.md.j2"),
        ("shipped/bundle/README.md.j2", "shipped/bundle/README.md.j2"),
        ("bundle/run.py", "shipped/bundle/run.py"),
        ("common/licence.j2", "user/common/licence.j2"),
        ("shipped/common/licence.j2", None),
        ("pulsar2/config.json.j2", None),
        ("bundle/../pulsar2/config.json.j2", None),
        ("../secret", None),
        ("/etc/hostname", None),
        ("bundle", None),
        ("", None),
    ],
)
def test_a_name_stands_for_the_users_file_or_the_shipped_one(folders: list[Path], name: str, file: str | None) -> None:
    inputs = template_sources(folders)["bundle"]
    assert template_path(name, inputs) == (folders[0].parent / file if file else None)


def test_a_template_includes_what_lies_beside_the_rooms(folders: list[Path]) -> None:
    import jinja2

    environment = jinja2.Environment(loader=template_loader(template_sources(folders)["bundle"]), autoescape=True)
    assert environment.get_template("bundle/README.md.j2").render() == "mine, MIT"


def test_a_folder_of_the_users_that_is_not_there_adds_nothing(folders: list[Path], tmp_path: Path) -> None:
    assert template_sources([tmp_path / "nowhere", folders[1]]) == template_sources(folders[1:])
