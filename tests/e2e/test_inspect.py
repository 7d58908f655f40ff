"""``inspect`` and ``diff`` as a user runs them."""

from __future__ import annotations

import json

from support.project import Project


def test_inspect_and_diff_tell_what_a_rewrite_did(built_project: Project) -> None:
    steps = built_project.build / "steps"
    before, after = steps / "simplify" / "simplified.onnx", steps / "rewrite" / "rewritten.onnx"
    answer = json.loads(built_project.command("inspect", after, "--json").stdout)
    assert answer["inputs"][0]["name"] == "pixel_values" and answer["opset"] == 20
    assert sum(answer["operators"].values()) == answer["nodes"]
    old, new = json.loads(built_project.command("diff", before, after, "--json").stdout)
    assert new == answer
    assert new["multiply_adds"] < old["multiply_adds"] and new["layout_changes"] < old["layout_changes"]
    table = built_project.command("diff", before, after).stdout
    assert "multiply-adds" in table and "LayerNormalization" in table


def test_diff_compares_quantizations_tensor_by_tensor(built_project: Project) -> None:
    ours = built_project.build / "quant.json"
    value = json.loads(ours.read_text())
    name = next(iter(value["tensor_configs"]))
    tensor = next(iter(value["tensor_configs"][name]))
    value["tensor_configs"][name][tensor] |= {"bit_width": 16, "quant_max": 65535}
    other = built_project.folder / "other.json"
    other.write_text(json.dumps(value))
    answer = json.loads(built_project.command("diff", ours, other, "--json").stdout)
    assert [(change["tensor"], change["before"], change["after"]) for change in answer["changed"]] == [
        (tensor, ["U8"], ["U16"])
    ]
    assert f"{answer['equal']} tensors are equal, 1 differ" in built_project.command("diff", ours, other).stdout
    assert "cannot be read" in built_project.command("diff", ours, ours.with_name("nix.json"), code=3).stderr


def test_what_is_no_model_ends_with_3(built_project: Project) -> None:
    text = built_project.folder / "notes.onnx"
    text.write_text("not a model")
    failed = built_project.command("inspect", text, code=3)
    assert "notes.onnx is not an ONNX model" in failed.stderr
    assert built_project.command("diff", text, text, code=3).stdout == ""
