"""The report of a build: when it is made, what it says first, and what it never does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from support.builds import make_build

from recipebuild.errors import RecipeError
from recipebuild.figures.evaluation import Evaluation
from recipebuild.figures.ladder import Ladder
from recipebuild.figures.sensitivity import BlockRow, OutputError, Sensitivity
from recipebuild.figures.values import as_json
from recipebuild.report.page import charts
from recipebuild.report.page.built import Built, inside, read
from recipebuild.report.page.compare import comparison
from recipebuild.report.page.make import report
from recipebuild.report.page.quantities import quantities
from recipebuild.report.page.written import write_report
from recipebuild.report.summary import summary as terminal_summary
from recipebuild.verbs.report import find, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "tiny"


def text_of(html: str) -> str:
    body = re.sub(r"<(style|script)\b.*?</\1>", "", html[html.index("<body") :], flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def test_it_is_made_again_only_if_the_manifest_tells_something_new(folder: Path) -> None:
    manifest = make_build(folder)
    assert write_report(manifest, folder)
    before = (folder / "report.html").read_bytes()
    for entry in manifest["steps"]:
        entry["status"] = "cached"
    assert not write_report(manifest, folder)
    assert (folder / "report.html").read_bytes() == before
    manifest["notes"].append("warning: something else")
    assert write_report(manifest, folder)
    assert "something else" in (folder / "report.html").read_text()


def test_the_command_the_date_and_the_commit_are_told(folder: Path) -> None:
    text = text_of(report(make_build(folder), folder))
    assert "recipebuild run recipes/tiny.yaml 2026-01-02 03:04:05 UTC · commit efefefefefef" in text
    manifest = make_build(folder)
    del manifest["made"]  # of a release before
    assert "Provenance" in text_of(report(manifest, folder))


def test_errors_come_first_then_warnings_then_notes_then_the_rest(folder: Path) -> None:
    text = text_of(report(make_build(folder, failed="verify"), folder))
    phrases = ("verify: it broke", "mend it", "4 images are few", "nothing else", "Pipeline ")
    places = [text.index(phrase) for phrase in phrases]
    assert text.index("Error") < places[0]
    assert places[:4] == sorted(places[:4])
    assert text.index("nothing else") < text.index("build time")


def test_what_each_block_would_win_is_told_where_it_was_measured(folder: Path) -> None:
    manifest = make_build(folder)
    assert "Blocks," not in text_of(report(manifest, folder))
    effect = OutputError(noise=0.0071, snr_db=21.5, agreement=None)
    none = OutputError(noise=0.0, snr_db=None, agreement=None)
    block = BlockRow(block="decode_head", module=None, layers=["a", "b"], share=0.25, alone=effect, without=none)
    measured = Sensitivity(images=2, full=effect, none=none, blocks=[block])
    (folder / "steps/layers/s.json").write_text(json.dumps(as_json(measured)))
    output = {"name": "sensitivity.json", "path": "steps/layers/s.json", "sha256": "ab" * 32, "bytes": 1}
    step = {**manifest["steps"][-1], "id": "tiny/s", "name": "sensitivity", "outputs": [output], "metrics": {}}
    manifest["steps"].append(step)
    manifest["variants"][""].append("tiny/s")
    assert "decode_head 2 25.0 % 21.5" in text_of(report(manifest, folder))


def test_what_is_worse_than_accepted_is_a_warning(folder: Path) -> None:
    manifest = make_build(folder)
    for verdict, level in (("worse", "Warning"), ("better", "Note")):
        manifest["verdict"] = {"": {"verdict": verdict, "lines": ["latency_ms 4 -> 5 (+25.0 %)"]}}
        assert f"{level} against what was accepted: {verdict} latency_ms 4 -> 5" in text_of(report(manifest, folder))


def test_what_a_manifest_says_is_text_never_markup(folder: Path) -> None:
    manifest = make_build(folder)
    evil = "<img src=x onerror=alert(1)>"
    manifest["recipe"] = evil
    manifest["steps"][0]["metrics"]["warnings"] = [evil]
    manifest["steps"][0]["variant"] = evil
    manifest["environment"]["platform"] = evil
    (folder / "steps/preview/panels/classes.json").write_text(json.dumps([{"name": evil, "color": '"><b>'}] * 3))
    html = report(manifest, folder)
    assert evil not in html and '"><b>' not in html
    assert html.count("<script>") == 1


def test_a_manifest_cannot_name_files_outside_of_its_folder(folder: Path, tmp_path: Path) -> None:
    make_build(folder)
    (tmp_path / "secret").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "secret")
    assert inside(folder, "pulsar2.json")
    for path in ("../secret", str(tmp_path / "secret"), "link", "steps", "", "nothing"):
        assert inside(folder, path) is None


def test_the_page_may_fetch_nothing_and_stays_small(folder: Path) -> None:
    make_build(folder)
    big = b"\xff" * 3_000_000
    (folder / "steps/preview/panels/0/input.jpg").write_bytes(big)
    write_report(json.loads((folder / "manifest.json").read_text()), folder)
    html = (folder / "report.html").read_text()
    assert len(html) < 5_000_000
    assert "default-src 'none'" in unescape(html)
    assert not re.search(r'src="(?!data:)|<link|href="\w+:', html)
    assert "Some pictures are left out" in html


def test_each_value_of_the_configuration_has_its_origin(folder: Path) -> None:
    text = text_of(report(make_build(folder), folder))
    assert re.search(r'quant.calibration_method "MinMax" quantization.method recipes/tiny.yaml:7', text)
    assert re.search(r'npu_mode "NPU3" target.npu_mode default', text)
    assert re.search(r"quant.input_configs\[0\].mean \[1, 2\] set by the build", text)


def test_firmware_has_its_line_beside_quantization_and_compiler(folder: Path) -> None:
    manifest = make_build(folder)
    assert "firmware" not in text_of(report(manifest, folder))
    titles = {"head": "with head", "simulated": "compiler (NPUBackend)", "board": "firmware (board)"}
    rows = [{"rung": rung, "title": title, "miou": 0.8, "interval": None} for rung, title in titles.items()]
    rows[-1] |= {"bytes_same": 0.9995, "images_same": 14}
    ladder = Ladder(16, "miou", "labels", rows, "No stage loses accuracy.", [])
    deploy = next(step for step in manifest["steps"] if step["name"] == "deploy")
    deploy["metrics"]["ladder"] = as_json(ladder)
    shown = text_of(report(manifest, folder))
    assert "firmware (board) 80.00 %" in shown
    assert "On the board: No stage loses accuracy. 99.95 % of its output's bytes are those of NPUBackend" in shown


def test_intervals_and_the_rungs_of_the_ladder_are_told(folder: Path) -> None:
    text = text_of(report(make_build(folder), folder))
    assert "95 % intervals of mIoU: float 82.00 % to 84.00 %, quantized 81.60 % to 83.50 %." in text
    assert "Quantization costs -0.10 to +0.90 points. That is within noise." in text
    assert "Largest loss: quantized" in text
    assert "exported 83.00 % 0.00 100.00 % 1.000000 1.0e-06" in text
    assert "quantized (host) 82.60 % -0.40 (noise) -0.90 … +0.10 99.50 % 0.999000" in text


def test_each_limit_is_told_with_what_it_was_held_against(folder: Path) -> None:
    text = text_of(report(make_build(folder, drop=0.004), folder))
    assert "loss of mIoU 0.004 at most 0.01 evaluate.max_drop passed" in text
    text = text_of(report(make_build(folder, drop=0.02), folder))
    assert "loss of mIoU 0.02 at most 0.01 evaluate.max_drop falls short" in text


def test_rewrites_that_were_not_applied_come_with_the_reason(folder: Path) -> None:
    text = text_of(report(make_build(folder), folder))
    assert "fold_decoder 1 a Conv for each branch would be no less work" in text


def test_where_less_is_better_a_rise_is_a_loss(folder: Path) -> None:
    manifest = make_build(folder)
    entry = next(entry for entry in manifest["steps"] if entry["name"] == "evaluate")
    scores = {"abs_rel_float": 0.1, "abs_rel_quantized": 0.15}
    entry["metrics"] = as_json(Evaluation(images=3, metric="abs_rel", against="labels", interval={}, scores=scores))
    manifest["steps"][-1]["metrics"] = {}
    assert "AbsRel, quantized 0.15 float 0.1, +0.05" in text_of(report(manifest, folder))
    other = json.loads(json.dumps(manifest))
    next(entry for entry in other["steps"] if entry["name"] == "evaluate")["metrics"]["abs_rel_quantized"] = 0.2
    html = comparison([Built(folder, manifest, ""), Built(folder / "b", other, "")])
    assert re.search(r'<td class="number bad"[^>]*>0\.2 \(\+33\.3 %\)</td>', html)


def test_without_vl_convert_the_tables_say_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = make_build(folder)
    with_charts = text_of(report(manifest, folder))
    monkeypatch.setattr(charts, "available", lambda: False)
    html = report(manifest, folder)
    assert 'class="chart"' not in html
    assert "by class class float" in text_of(html) and "by class class float" in with_charts


def test_a_build_that_failed_early_has_a_report(folder: Path) -> None:
    text = text_of(report(make_build(folder, failed="fetch"), folder))
    assert "fetch: it broke" in text and "Accuracy" not in text


def test_the_board_goes_before_the_host_where_there_is_one(folder: Path) -> None:
    text = text_of(report(make_build(folder), folder))
    assert "mIoU, board 81.60 % float 83.00 %, -1.40 points" in text
    assert "latency 4.100 ms on desk" in text


def test_a_comparison_says_by_how_much_the_others_differ_from_the_first(tmp_path: Path) -> None:
    make_build(tmp_path / "a", name="a")
    make_build(tmp_path / "b", name="b", drop=0.014, method="MSE")
    both = [*read(tmp_path / "a"), *read(tmp_path / "b")]
    text = text_of(comparison(both))
    assert "mIoU, quantized 82.60 % 81.60 % (-1.00 points)" in text
    assert 'quant.calibration_method "MinMax" "MSE"' in text
    assert "npu_mode" not in text


def test_a_comparison_tells_which_parameters_of_steps_differ(tmp_path: Path) -> None:
    equalize = {"name": "equalize", "params": {"techniques": ["linear"], "seed": 0}}
    for name, count, more in (("a", 32, []), ("b", 64, [equalize])):
        manifest = make_build(tmp_path / name, name=name)
        steps = [{"name": "calibrate", "params": {"count": count, "seed": 0}}, *more]
        statement = {"predicate": {"buildDefinition": {"externalParameters": {"steps": steps}}}}
        (tmp_path / name / "provenance.json").write_text(json.dumps(statement))
        output = {"name": "bundle/provenance.json", "path": "provenance.json", "sha256": "ab" * 32, "bytes": 1}
        next(step for step in manifest["steps"] if step["name"] == "bundle")["outputs"].append(output)
        (tmp_path / name / "manifest.json").write_text(json.dumps(manifest))
    text = text_of(comparison([*read(tmp_path / "a"), *read(tmp_path / "b")]))
    assert "count calibrate 32 64" in text
    assert 'techniques equalize not set ["linear"]' in text
    assert "seed" not in text  # it is the same, wherever it is


def test_a_comparison_lays_what_the_models_give_for_an_image_side_by_side(tmp_path: Path) -> None:
    for name in ("a", "b"):
        make_build(tmp_path / name, name=name)
    (tmp_path / "b/steps/preview/panels/1/input.jpg").write_bytes(b"another image")
    page = comparison([*read(tmp_path / "a"), *read(tmp_path / "b")])
    assert re.findall(r'alt="(Image \d+: [^"]+)"', page) == [
        "Image 1: input", "Image 1: ground truth", "Image 1: a", "Image 1: b",
    ]  # fmt: skip
    (tmp_path / "b/steps/preview/panels/0/input.jpg").unlink()
    assert "Pictures" not in text_of(comparison([*read(tmp_path / "a"), *read(tmp_path / "b")]))


def test_the_entries_of_a_matrix_are_compared_in_its_report(folder: Path) -> None:
    manifest = make_build(folder)
    other = [{**entry, "id": entry["id"].replace("tiny", "tiny[B]"), "variant": "B"} for entry in manifest["steps"][8:]]
    ids = [entry["id"] for entry in manifest["steps"]]
    manifest["variants"] = {"A": ids, "B": ids[:8] + [entry["id"] for entry in other]}
    manifest["steps"] += json.loads(json.dumps(other))
    next(entry for entry in manifest["steps"] if entry["id"] == "tiny[B]/evaluate")["metrics"]["miou_quantized"] = 0.5
    text = text_of(report(manifest, folder))
    assert "Side by side" in text
    assert "mIoU, quantized 82.60 % 50.00 % (-32.60 points)" in text


def test_figures_of_a_build(folder: Path) -> None:
    (built,) = [Built(folder, make_build(folder), "")]
    figures = {quantity.key: quantity.text for quantity in quantities(built)}
    assert figures["miou_quantized"] == "82.60 %"
    assert figures["latency_ms"] == "4.100 ms"
    assert figures["multiply_adds"] == "238 M"
    assert figures["compile_bytes"] == "640.0 kB"


def test_builds_are_found_by_folder_manifest_and_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_build(tmp_path / "build/tiny")
    monkeypatch.chdir(tmp_path)
    for name in ("build/tiny", "build/tiny/manifest.json", "tiny", "recipes/tiny.yaml"):
        assert find(name, Path("build"))[0].title == "tiny"
    with pytest.raises(RecipeError, match="other: no build of that name"):
        find("other", Path("build"))
    (tmp_path / "no.json").write_text("[]")
    with pytest.raises(RecipeError, match=r"no\.json is not the manifest of a build"):
        find("no.json", Path("build"))


def test_one_build_gets_its_report_several_a_comparison(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make_build(tmp_path / name, name=name)
    assert write(["one"], tmp_path)[0] == tmp_path / "one/report.html"
    assert write(["one", "two"], tmp_path)[0] == tmp_path / "comparison.html"
    assert write(["one", "two"], tmp_path, tmp_path / "x.html")[0] == tmp_path / "x.html"
    with pytest.raises(RecipeError, match="cannot be written"):
        write(["one"], tmp_path, tmp_path / "no/such/folder.html")


def test_a_report_without_charts_tells_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_build(tmp_path / "one")
    assert write(["one"], tmp_path)[1] == []
    monkeypatch.setattr("recipebuild.verbs.report.available", lambda: False)
    (note,) = write(["one"], tmp_path)[1]
    assert note.startswith("warning: RB508 no charts") and ".[report]" in note


def test_what_the_recipe_ignores_is_in_the_report_after_all_else(folder: Path) -> None:
    manifest = make_build(folder)
    manifest["notes"].insert(0, "ignored: lint: RB402 AX650: Einsum a (runs on the host)")
    text = text_of(report(manifest, folder))
    assert "Ignored lint: RB402 AX650: Einsum a (runs on the host)" in text
    assert text.index("Note nothing else") < text.index("Ignored lint")
    assert "Einsum" not in terminal_summary(manifest, folder), "run need not tell it again"


def test_it_imports_nothing_that_a_build_needs(folder: Path) -> None:
    make_build(folder)
    program = (
        "import sys; from pathlib import Path; from recipebuild.verbs.report import write; "
        f"write(['{folder}'], Path('.')); "
        "print([m for m in ('torch', 'onnx', 'onnxruntime', 'numpy', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_same_manifest_gives_the_same_page(folder: Path) -> None:
    manifest: dict[str, Any] = make_build(folder)
    assert report(manifest, folder) == report(manifest, folder)


def test_charts_that_builds_share_are_drawn_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import vl_convert

    drawn: list[str] = []
    plain = vl_convert.vegalite_to_svg

    def draw(spec: str) -> str:
        drawn.append(spec)
        return plain(spec)

    monkeypatch.setattr(vl_convert, "vegalite_to_svg", draw)
    charts._svg.cache_clear()
    (first := tmp_path / "first").mkdir()
    (second := tmp_path / "second").mkdir()
    pages = [report({**make_build(folder), "recipe": folder.name}, folder) for folder in (first, second)]
    assert len(drawn) == len(set(drawn)) == pages[0].count("<figure") == pages[1].count("<figure") > 0


def test_equalized_tensors_are_listed_with_what_they_win(folder: Path) -> None:
    manifest = make_build(folder)
    site = {"technique": "linear", "tensor": "v_proj", "channels": 64, "predicted_db": 2.04, "measured_db": 1.5}
    metrics = {"sites": [site], "refused": [], "rolled_back": [], "relative": 1e-7, "bytes": 1_800_000}
    manifest["steps"].insert(4, {**manifest["steps"][3], "name": "equalize", "id": "tiny/equalize", "metrics": metrics})
    manifest["variants"][""].append("tiny/equalize")
    assert "linear v_proj 64 +2.0 dB +1.5 dB" in text_of(report(manifest, folder))


def test_corrected_biases_are_listed_with_what_they_win(folder: Path) -> None:
    manifest = make_build(folder)
    metrics = {"sites": [{"tensor": "fc1", "channels": 64, "gain_db": 3.21}], "refused": [], "bytes": 1_800_000}
    entry = {**manifest["steps"][3], "name": "correct-bias", "id": "tiny/correct-bias", "metrics": metrics}
    manifest["steps"].insert(4, entry)
    manifest["variants"][""].append("tiny/correct-bias")
    assert "fc1 64 +3.2 dB" in text_of(report(manifest, folder))
