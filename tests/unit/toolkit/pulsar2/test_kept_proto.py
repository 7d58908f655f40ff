"""A toolchain's proto, kept: configurations parsed as that version would, with no toolchain at hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from recipebuild.toolkit.pulsar2 import parse_config
from recipebuild.toolkit.pulsar2.kept_proto import keep, refusal
from recipebuild.toolkit.pulsar2.tool import Tool

TOOLS = pytest.mark.parametrize(
    "tool", [Tool("native"), Tool("docker", "pulsar2:7.0-lite")], ids=lambda tool: tool.runner
)


@pytest.fixture
def kept(standins: Callable[..., Path], tmp_path: Path) -> Path:
    standins("pulsar2")
    path = keep(Tool("native"), "7.0-lite", tmp_path / "cache")
    assert isinstance(path, Path)
    return tmp_path / "cache"


@TOOLS
def test_it_is_kept_by_its_version(standins: Callable[..., Path], tmp_path: Path, tool: Tool) -> None:
    standins("pulsar2" if tool.runner == "native" else "docker")
    path = keep(tool, "7.0-lite", tmp_path)
    assert path == tmp_path / "toolchains" / "7.0-lite.json"
    assert json.loads(path.read_text())["version"] == "7.0-lite"


def test_what_it_does_not_know_is_refused_with_the_place(kept: Path, pulsar2_folder: Path) -> None:
    config = json.loads((pulsar2_folder / "pulsar2.json").read_text())
    assert refusal(config, None, kept) == ""
    config["quant"]["calibration_method"] = "Guess"
    assert "Pulsar2 7.0-lite refuses quant" in refusal(config, None, kept)
    assert "Guess" in refusal(config, None, kept)


def test_another_version_says_nothing(kept: Path) -> None:
    wrong = {"no_such_field": 1}
    assert "no_such_field" in refusal(wrong, "7.0", kept)
    assert refusal(wrong, "5.1", kept) == ""
    assert refusal(wrong, "7.0", kept / "elsewhere") == ""


def test_of_several_versions_the_newest_is_asked(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newest = keep(Tool("native"), "10.0", kept)
    assert isinstance(newest, Path)
    assert "Pulsar2 10.0 refuses" in refusal({"no_such_field": 1}, None, kept)


def test_a_toolchain_without_the_module_is_said(
    standins: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    standins("pulsar2")
    text = Path(parse_config.__file__).read_text()
    (tmp_path / "parse_config.py").write_text(text.replace("axnn.yamain", "no_such_package"))
    monkeypatch.setattr(parse_config, "__file__", str(tmp_path / "parse_config.py"))
    why = keep(Tool("native"), "7.0", tmp_path / "cache")
    assert "ModuleNotFoundError" in str(why)
    assert not (tmp_path / "cache").exists()
