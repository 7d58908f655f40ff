"""What ``diff`` says of two builds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.builds import make_build
from typer.testing import CliRunner

from recipebuild.cli.app import app
from recipebuild.report.changes import changes, pairs
from recipebuild.report.page.built import Built, builds, read


def test_a_build_differs_in_nothing_from_itself(tmp_path: Path) -> None:
    (built,) = builds(make_build(tmp_path), tmp_path)
    differences = changes(built, built)
    assert all(differences[part] == [] for part in ("figures", "steps", "configuration", "environment"))


def test_what_differs_is_told(tmp_path: Path) -> None:
    make_build(tmp_path / "a")
    other = make_build(tmp_path / "b", drop=0.014, method="MSE")
    by_name = {entry["name"]: entry for entry in other["steps"]}
    by_name["configure"]["outputs"][0]["sha256"] = "ef" * 32
    by_name["compile"]["key"] = "0" * 64
    other["steps"] = [entry for entry in other["steps"] if entry["name"] != "deploy"]
    other["environment"]["distributions"]["numpy"] = "2.1"
    (built,) = read(tmp_path / "a")
    differences = changes(built, Built(tmp_path / "b", other, ""))
    figures = {figure["key"]: (figure["a"]["text"], figure["b"]["text"]) for figure in differences["figures"]}
    assert figures["miou_quantized"] == ("82.60 %", "81.60 %")
    assert figures["latency_ms"] == ("4.100 ms", "")
    assert "miou_float" not in figures
    assert {step["name"]: step["differs"] for step in differences["steps"]} == {
        "configure": "output",
        "compile": "key",
        "deploy": "only a",
    }
    assert differences["configuration"] == [{"path": "quant.calibration_method", "a": "MinMax", "b": "MSE"}]
    assert differences["environment"] == [{"path": "numpy", "a": "2.0", "b": "2.1"}]


def test_entries_of_a_matrix_are_compared_by_their_labels(tmp_path: Path) -> None:
    manifest: dict[str, Any] = make_build(tmp_path)
    one, two, plain = (Built(tmp_path, manifest, label) for label in ("mode=1", "mode=2", ""))
    assert pairs([one, two], [two]) == [(two, two)]
    assert pairs([one], [plain]) == [(one, plain)]


def test_the_verb_takes_folders_manifests_and_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_build(Path("build/one"), name="one")
    make_build(Path("build/two"), name="two", drop=0.014)
    run = CliRunner()
    for a, b in (("build/one", "build/two/manifest.json"), ("one", "two")):
        done = run.invoke(app, ["diff", a, b, "--json"])
        assert done.exit_code == 0
        assert json.loads(done.stdout)["figures"][0]["key"] == "miou_quantized"
        text = run.invoke(app, ["diff", a, b]).stdout
        assert "A  build/one" in text and "82.60 %" in text
    assert "nothing differs" in run.invoke(app, ["diff", "one", "build/one"]).stdout
