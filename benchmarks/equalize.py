"""What equalizing wins where a model is hard to quantize: accuracy in float, in 8 bits, and in 8 bits after it.

    python -m benchmarks.equalize           # all tables, as make bench does
    python -m benchmarks.equalize rooms     # some of scenes, shapes, rooms, long-rows

The models are the quickstart's, and two with the same float function, planted by ``scripts/plant_outliers.py``; a
vision transformer with massive activations; and a depth model, as it is and planted. ``scripts/massive_vit.py`` and
``scripts/small_depth.py`` train the last two into build/ where they are not there yet. Each variant is built up to
``evaluate``: the same calibration images and held-out pictures, every operator in 8 bits unless the row says otherwise.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.timing import machine
from recipebuild.errors import CheckError
from recipebuild.facts.metrics import METRICS, metric_title
from recipebuild.resources import shipped
from scripts import massive_vit, small_depth
from scripts.plant_outliers import plant

KINDS = ("quickstart", "channels", "both")
PLAIN = "8 bits"
EQUALIZED = {
    PLAIN: "",
    "equalized": "equalize: {}",
    "and biases corrected": "equalize: {bias_correction: true}",
}
"""What recipes add, by the name of the variant."""
TOKENS = "equalize: {tokens: true}"
WIDE = "quantization: {layers: [{op: [Add, LayerNormalization, Concat], dtype: U16}]}"
VARIANTS = {
    PLAIN: "",
    "equalized": "equalize: {}",
    "16-bit Add and norms": WIDE,
    "tokens apart": TOKENS,
    "and biases corrected": "equalize: {tokens: true, bias_correction: true}",
    "both": f"{TOKENS}\n{WIDE}",
}
"""Of the vision transformer."""
PLANTED = {
    **EQUALIZED,
    "only weights in 8 bits": "equalize: {}\nquantization: {layers: [{between: [[DEFAULT], [DEFAULT]], dtype: U16}]}",
}
"""Of the depth model: what equalizing leaves is the loss of the weights."""
LONG_VARIANTS = {
    PLAIN: "",
    "attention": "equalize: {attention: U16}",
    "tokens apart": TOKENS,
    "attention, tokens apart": "equalize: {attention: U16, tokens: true}",
    "and biases corrected": "equalize: {attention: U16, tokens: true, bias_correction: true}",
    "attention, 16-bit Add and norms": f"equalize: {{attention: U16}}\n{WIDE}",
}
VIT_MODEL, DEPTH_MODEL = (Path("build", name).resolve() for name in ("massive-vit", "small-depth"))
CALIBRATION = range(2_000_000, 2_000_032)
SHAPES, ROOMS = 1000, 200
"""How many of each are held out."""
LONG = 518
"""Pixels of each side, for 1,374 tokens."""
VIT = """model: {{source: {model}, task: image-classification}}
input: {{shape: [1, 3, {size}, {size}], mean: [127.5, 127.5, 127.5], std: [60, 60, 60]}}
export: {{opset: 18, exporter: dynamo, output: logits}}
head: {{kind: none}}
calibration: {{source: calibration-{size}, count: {count}}}
target: {{hardware: AX650, toolchain: onnxruntime}}
"""
GLPN = """extends: glpn-nyu
model: {{source: {model}}}
input: {{shape: [1, 3, {size[0]}, {size[1]}]}}
calibration: {{source: rooms-calibration/images, count: {count}}}
evaluate: {{dataset: rooms}}
target: {{toolchain: onnxruntime}}
"""


def main() -> None:
    tables = {"scenes": scenes, "shapes": shapes, "rooms": rooms, "long-rows": long_rows}
    print(machine())
    figures: dict[str, results.Figure] = {}
    with tempfile.TemporaryDirectory() as name:
        for table in sys.argv[1:] or tables:
            figures |= tables[table](Path(name))
    results.append("equalize", figures)


def scenes(place: Path) -> dict[str, results.Figure]:
    """The quickstart's model, as it is and planted, on its held-out scenes."""
    figures: dict[str, results.Figure] = {}
    for kind in KINDS:
        figures |= measured(place, kind, of_scenes(place, kind), EQUALIZED, "miou")
    return figures


def of_scenes(place: Path, kind: str) -> str:
    """The recipe of the quickstart's model, as it is or planted."""
    model = shipped("recipes") / "quickstart" / "model"
    return f"extends: quickstart\nmodel: {{source: {planted(model, place, kind)}}}\n"


def planted(model: Path, place: Path, kind: str) -> Path:
    """A model with outliers of a kind; the model itself where the kind is none of these."""
    if kind not in ("channels", "both"):
        return model
    target = place / f"{model.name}-{kind}"
    plant(model, target, kind)
    return target


def shapes(place: Path) -> dict[str, results.Figure]:
    """The vision transformer on drawn shapes that it was not trained on."""
    text = of_shapes(place)
    figures = measured(place, "ViT", text, VARIANTS, "top1")
    return figures | tuned(place, "ViT", text, "top1", "evaluate.count=300")


def of_shapes(place: Path) -> str:
    """The recipe of the vision transformer, on shapes that are drawn into ``place``."""
    massive_vit.save(place / "heldout", range(massive_vit.HELD_OUT, massive_vit.HELD_OUT + SHAPES), by_class=True)
    massive_vit.save(place / f"calibration-{massive_vit.SIZE}", CALIBRATION)
    text = VIT.format(model=massive_vit.made(VIT_MODEL), size=massive_vit.SIZE, count=len(CALIBRATION))
    return f"{text}evaluate: {{dataset: heldout, layout: classes}}\n"


def rooms(place: Path) -> dict[str, results.Figure]:
    """The depth model, as it is and planted, on drawn rooms that it was not trained on."""
    figures = measured(place, "GLPN", of_rooms(place), EQUALIZED, "abs_rel")
    hard = of_rooms(place, "both")
    figures |= measured(place, "planted GLPN", hard, PLANTED, "abs_rel")
    return figures | tuned(place, "planted GLPN", hard, "abs_rel", "tune.max_drop=0.0012")


def of_rooms(place: Path, kind: str = "") -> str:
    """The recipe of the depth model, as it is or planted, on rooms that are drawn into ``place``."""
    small_depth.save(place / "rooms", range(small_depth.HELD_OUT, small_depth.HELD_OUT + ROOMS))
    small_depth.save(place / "rooms-calibration", CALIBRATION)
    model = planted(small_depth.made(DEPTH_MODEL), place, kind)
    return GLPN.format(model=model, size=small_depth.SIZE, count=len(CALIBRATION))


def measured(
    place: Path, kind: str, recipe: str, variants: Mapping[str, str], metric: str
) -> dict[str, results.Figure]:
    """The metric of a recipe's variants, in float and quantized."""
    figures: dict[str, results.Figure] = {}
    print(f"{kind}: {unit_of(metric)}\n  {'variant':22} {'float':>9} {'quantized':>10} {'16-bit multiply-adds':>21}")
    for number, (variant, more) in enumerate(variants.items()):
        manifest = built(place, f"{file_name(kind)}-{number}", f"{recipe}{more}\n", "evaluate")
        float_, after = (in_unit(metric, manifest["metrics"][f"{metric}_{which}"]) for which in ("float", "quantized"))
        share = 100 * figures_of(manifest, "compile")["share_16bit"]
        print(f"  {variant:22} {float_:#9.4g} {after:#10.4g} {share:19.1f} %", flush=True)
        figures[f"{kind}, {variant}"] = results.Figure(after, unit_of(metric), float_, "float")
    return figures


def tuned(place: Path, kind: str, recipe: str, metric: str, setting: str) -> dict[str, results.Figure]:
    """What ``tune`` makes of a recipe with one more setting, on the half of the pictures that it does not tune by."""
    name = f"{file_name(kind)}-tuned.yaml"
    (place / name).write_text(recipe)
    command = [sys.executable, "-m", "recipebuild", "tune", name, "--set", setting, "--store", "store"]
    done = subprocess.run([*command, "--json"], cwd=place, check=False, capture_output=True, text=True)
    if done.returncode not in (0, CheckError.exit_code):  # the latter where the goal is not met: there is a best one
        done.check_returncode()
    result = json.loads(done.stdout)
    float_, after = (in_unit(metric, result["heldout"][which]) for which in ("float_model", "after"))
    share = 100 * result["share_16bit"]
    note = f"{result['change']}{'' if result['met'] else ', which misses the goal'}"
    print(f"  {'tuned':22} {float_:#9.4g} {after:#10.4g} {share:19.1f} %  {note}", flush=True)
    return {f"{kind}, tuned": results.Figure(after, unit_of(metric), float_, "float")}


def in_unit(metric: str, value: float) -> float:
    """A figure of the metric as tables have it: fractions in per cent."""
    return 100 * value if METRICS[metric].unit == "%" else value


def unit_of(metric: str) -> str:
    """What a figure is in."""
    return f"{METRICS[metric].unit} {metric_title(metric)}".strip()


def file_name(kind: str) -> str:
    """What the recipes of a kind are called."""
    return kind.lower().replace(" ", "-")


def long_rows(place: Path) -> dict[str, results.Figure]:
    """The vision transformer on pictures of 1,374 tokens: how far logits are from float."""
    figures: dict[str, results.Figure] = {}
    massive_vit.save(place / f"calibration-{LONG}", CALIBRATION[:4], LONG)
    text = VIT.format(model=massive_vit.made(VIT_MODEL), size=LONG, count=4)
    print("signal to noise of the logits in dB, the same model at 1,374 tokens, two calibration images")
    for variant, more in LONG_VARIANTS.items():
        manifest = built(place, f"long-{len(figures)}", f"{text}{more}\n", "layers")
        snr = figures_of(manifest, "layers")["snr_db"]
        print(f"  {variant:31} {snr:7.1f}")
        figures[f"ViT at 1,374 tokens, {variant}"] = results.Figure(snr, "dB")
    return figures


def figures_of(manifest: dict[str, Any], name: str) -> dict[str, Any]:
    """The figures of a step."""
    figures: dict[str, Any] = next(step["metrics"] for step in manifest["steps"] if step["name"] == name)
    return figures


def built(place: Path, name: str, recipe: str, until: str) -> dict[str, Any]:
    """The manifest of a build."""
    (place / f"{name}.yaml").write_text(recipe)
    command = [sys.executable, "-m", "recipebuild", "run", f"{name}.yaml", "--until", until, "--json", "-q"]
    done = subprocess.run([*command, "--store", "store"], cwd=place, check=True, capture_output=True, text=True)
    manifest: dict[str, Any] = json.loads(done.stdout)
    return manifest


if __name__ == "__main__":
    main()
