"""A model of text: from its folder and two files of texts to accuracy and a bundle."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.formats import follows
from support.project import Project
from support.text_models import bert, texts

RECIPE = """\
model: {source: ./bert, task: feature-extraction, normalize: true}
inputs: [{kind: tokens, length: 12, source: ./texts.txt}]
export: {output: embedding}
head: {kind: none}
calibration: {count: 16}
evaluate: {dataset: ./heldout.jsonl, max_drop: 0.05}
"""


def test_a_model_of_text_is_built_and_measured(make_project: Callable[[], Project], tmp_path: Path) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    project = make_project()
    folder = project.folder / "recipes"
    bert(folder / "bert")
    sentences = texts(36)
    (folder / "texts.txt").write_text("\n".join(sentences[:20]), encoding="utf-8")
    held = "\n".join(json.dumps({"text": text}) for text in sentences[20:])
    (folder / "heldout.jsonl").write_text(held, encoding="utf-8")
    (folder / "text.yaml").write_text(RECIPE)
    done = project.command("run", folder / "text.yaml", "-v")
    assert "(16 texts)" in done.stdout and "ms on AX650" in done.stdout
    assert "accuracy, 16 texts" in done.stdout and " images" not in done.stdout.replace("built", "")
    assert "image" not in done.stderr, "nor does a step speak of them"
    build = project.folder / "build" / "text"
    page = (build / "report.html").read_text()
    assert "Measured on 16 texts" in page
    assert " images" not in page.rpartition("</style>")[2]
    steps = {step["name"]: step for step in json.loads((build / "manifest.json").read_text())["steps"]}
    assert steps["tokens"]["metrics"] == {"samples": 16, "cut": 0}
    assert steps["verify"]["metrics"]["relative"] < 1e-4
    figures = steps["evaluate"]["metrics"]
    assert (figures["images"], figures["cosine_float"], figures["retrieval_float"]) == (16, 1.0, 1.0)
    assert 0.98 < figures["cosine_quantized"] < 1 and 0 < figures["retrieval_quantized"] <= 1
    assert steps["ladder"]["metrics"]["rows"][0]["rung"] == "pytorch"

    # run.py takes ids, too; the mean over the tokens of transformers' model, which never saw what fills the text up.
    tokenizer, model = AutoTokenizer.from_pretrained(folder / "bert"), AutoModel.from_pretrained(folder / "bert").eval()
    text = sentences[20]
    fed = tokenizer(text, padding="max_length", max_length=12)
    for name in ("input_ids", "attention_mask"):
        np.save(tmp_path / f"{name}.npy", np.array([fed[name]], np.int32))
    described = json.loads((build / "bundle" / "model.json").read_text())
    follows("model", build / "bundle" / "model.json")
    assert [(each["name"], each["shape"], each["dtype"]) for each in described["more_inputs"]] == [
        ("input_ids", [1, 12], "int32"),
        ("attention_mask", [1, 12], "int32"),
    ]
    program = [sys.executable, str(build / "bundle" / "run.py"), "--out", str(tmp_path)]
    arrays = [f"--input={name}={tmp_path / name}.npy" for name in ("input_ids", "attention_mask")]
    subprocess.run([*program, *arrays], check=True, capture_output=True)
    by_ids = np.load(tmp_path / "output-embedding.npy")
    with torch.no_grad():
        right = model(**tokenizer(text, return_tensors="pt")).last_hidden_state.mean(1)
    right = torch.nn.functional.normalize(right, dim=-1).numpy()[0]
    assert np.load(tmp_path / "output-embedding.npy")[0] @ right == pytest.approx(1, abs=0.02)

    # Or texts themselves, by the tokenizer in the bundle: the same bytes.
    assert described["tokenizer"] == "tokenizer.json"
    (tmp_path / "two.txt").write_text(f"{text}\n\na cat on the street is a cat on the street is a cat on the street\n")
    subprocess.run([*program, "--text", text], check=True, capture_output=True)
    alone = np.load(tmp_path / "output-embedding.npy")
    np.testing.assert_array_equal(alone, by_ids)
    subprocess.run([*program, "--text", str(tmp_path / "two.txt")], check=True, capture_output=True)
    np.testing.assert_array_equal(np.load(tmp_path / "000001-embedding.npy"), alone)
    assert np.load(tmp_path / "000002-embedding.npy").shape == alone.shape

    (folder / "heldout.jsonl").write_text("", encoding="utf-8")
    failed = project.command("run", folder / "text.yaml", code=3)
    assert "heldout.jsonl has no text" in failed.stderr and "text.yaml:6" in failed.stderr
