"""The schema in an editor: completion, hover text and diagnostics of yaml-language-server, over its real protocol."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.yaml_server import Editor, install

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "docs" / "recipe.schema.json"

RECIPE = """\
extends: base/segformer.yaml
model: {source: ./model}
input:
  shape: [1, 3, 64, 128]
  color: RGB
calibration:
  source: ./images
  count: 4
target:
  npu_mode: NPU3
"""


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    program = install()
    if isinstance(program, str):
        pytest.skip(program)
    client = Editor(program, SCHEMA, tmp_path_factory.mktemp("editor"))
    yield client
    client.close()


@pytest.mark.parametrize("name", ["quickstart", "b0-cityscapes", "glpn-nyu", "clip-vit-base-patch16"])
def test_shipped_recipes_have_no_fault(editor: Editor, name: str) -> None:
    text = (ROOT / "recipes" / f"{name}.yaml").read_text(encoding="utf-8")
    # Their first line names the schema by a path of this repository; here the editor's settings do.
    assert editor.open(f"{name}.yaml", text.partition("\n")[2]) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("color: RGB", "colour: RGB", 4, ["colour"]),
        ("count: 4", "count: many", 7, ["integer"]),
        ("count: 4", "count: 0", 7, ["1"]),
        ("NPU3", "NPU9", 9, ["NPU1", "NPU3"]),
        ("shape: [1, 3, 64, 128]", "shape: [1, 3, 64]", 3, ["4"]),
    ],
)
def test_mistakes_are_underlined_where_they_are(
    editor: Editor, old: str, new: str, line: int, words: list[str]
) -> None:
    name = f"{new.replace(' ', '').replace('/', '')}.yaml"
    (fault,) = editor.open(name, RECIPE.replace(old, new))
    assert fault["range"]["start"]["line"] == line
    assert all(word in fault["message"] for word in words), fault["message"]


def test_hover_tells_what_a_field_is_for(editor: Editor) -> None:
    assert editor.open("hover.yaml", RECIPE) == []
    for line, words in (
        (3, "height and width in pixels"),
        (7, "Number of images"),
        (9, "NPU cores"),
        (8, "NPU mode and toolchain"),
    ):
        assert words in editor.hover("hover.yaml", line, 3)


def test_completion_offers_fields_with_their_meaning_and_values(editor: Editor) -> None:
    text = f"{RECIPE}quantization:\n  \n"
    editor.open("fields.yaml", text)
    line = text.count("\n") - 1
    offered = editor.complete("fields.yaml", line, 2)
    assert {"method", "layers", "smooth_quant", "finetune"} <= set(offered)
    assert "range of each activation" in offered["method"]
    text = f"{RECIPE}  toolchain: \n"
    editor.open("values.yaml", text)
    offered = editor.complete("values.yaml", text.count("\n") - 1, len("  toolchain: "))
    assert {"auto", "pulsar2", "onnxruntime"} <= set(offered)
    editor.open("top.yaml", RECIPE + "\n")
    assert {"evaluate", "head", "matrix", "board"} <= set(editor.complete("top.yaml", RECIPE.count("\n"), 0))
