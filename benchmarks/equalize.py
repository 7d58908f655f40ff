"""What equalizing wins where a model is hard to quantize: accuracy in float, in 8 bits, and in 8 bits after it.

Run: ``make bench``, or ``python -m benchmarks.equalize``. The models are the quickstart's and two with the same float
function, planted by ``scripts/plant_outliers.py``; and a vision transformer with massive activations, which
``scripts/massive_vit.py`` trains into build/massive-vit/ where it is not there yet. Each variant is built up to
``evaluate``: the same calibration images and held-out pictures, every operator in 8 bits unless the row says otherwise.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.timing import machine
from recipebuild.resources import shipped
from scripts import massive_vit
from scripts.plant_outliers import plant

KINDS = ("quickstart", "channels", "both")
TOKENS = "equalize: {tokens: true}"
WIDE = "quantization: {layers: [{op: [Add, LayerNormalization, Concat], dtype: U16}]}"
VARIANTS = {
    "8 bits": "",
    "equalized": "equalize: {}",
    "16-bit Add and norms": WIDE,
    "tokens apart": TOKENS,
    "both": f"{TOKENS}\n{WIDE}",
}
"""Of the vision transformer: what recipes add."""
MODEL = Path("build/massive-vit").resolve()
CALIBRATION = range(2 * massive_vit.HELD_OUT, 2 * massive_vit.HELD_OUT + 32)
LONG_VARIANTS = {
    "8 bits": "",
    "attention": "equalize: {attention: U16}",
    "tokens apart": TOKENS,
    "attention, tokens apart": "equalize: {attention: U16, tokens: true}",
    "attention, 16-bit Add and norms": f"equalize: {{attention: U16}}\n{WIDE}",
}
HELD_OUT = 1000
LONG = 518
"""Pixels of each side, for 1,374 tokens."""
VIT = """name: {name}
model: {{source: {model}, task: image-classification}}
input: {{shape: [1, 3, {size}, {size}], mean: [127.5, 127.5, 127.5], std: [60, 60, 60]}}
export: {{opset: 18, exporter: dynamo, output: logits}}
head: {{kind: none}}
calibration: {{source: calibration-{size}, count: {count}}}
target: {{hardware: AX650, toolchain: onnxruntime}}
{more}
"""


def main() -> None:
    print(machine())
    with tempfile.TemporaryDirectory() as name:
        figures = {**scenes(Path(name)), **shapes(Path(name)), **long_rows(Path(name))}
    results.append("equalize", figures)


def scenes(place: Path) -> dict[str, results.Figure]:
    """The quickstart's model, as it is and planted, on its held-out scenes."""
    figures: dict[str, results.Figure] = {}
    print("mIoU in %, all operators in 8 bits")
    print(f"  {'model':12} {'float':>7} {'8 bits':>7} {'equalized':>10} {'tensors':>8}")
    for kind in KINDS:
        model = shipped("recipes") / "quickstart" / "model"
        if kind != "quickstart":
            plant(model, place / kind, kind)
            model = place / kind
        text = f"extends: quickstart\nmodel: {{source: {model}}}\n"
        plain = built(place, f"{kind}-plain", text, "evaluate")
        equalized = built(place, f"{kind}-equalized", f"{text}equalize: {{}}\n", "evaluate")
        float_, before = (100 * plain["metrics"][f"miou_{which}"] for which in ("float", "quantized"))
        after = 100 * equalized["metrics"]["miou_quantized"]
        tensors = len(figures_of(equalized, "equalize")["sites"])
        print(f"  {kind:12} {float_:7.2f} {before:7.2f} {after:10.2f} {tensors:8}")
        figures[f"{kind}, 8 bits"] = results.Figure(before, "% mIoU", float_, "float")
        figures[f"{kind}, equalized"] = results.Figure(after, "% mIoU", float_, "float")
    return figures


def shapes(place: Path) -> dict[str, results.Figure]:
    """The vision transformer on drawn shapes that it was not trained on."""
    figures: dict[str, results.Figure] = {}
    model = massive_vit.made(MODEL)
    massive_vit.save(place / "heldout", range(massive_vit.HELD_OUT, massive_vit.HELD_OUT + HELD_OUT), by_class=True)
    massive_vit.save(place / f"calibration-{massive_vit.SIZE}", CALIBRATION)
    print(f"top-1 in % on {HELD_OUT} drawn shapes, vision transformer with massive activations")
    print(f"  {'variant':22} {'float':>7} {'quantized':>10} {'16-bit multiply-adds':>21}")
    for variant, more in VARIANTS.items():
        more = f"evaluate: {{dataset: heldout, layout: classes}}\n{more}"
        text = VIT.format(name="shapes", model=model, size=massive_vit.SIZE, count=len(CALIBRATION), more=more)
        manifest = built(place, f"shapes-{len(figures)}", text, "evaluate")
        float_, after = (100 * manifest["metrics"][f"top1_{which}"] for which in ("float", "quantized"))
        share = 100 * figures_of(manifest, "compile")["share_16bit"]
        print(f"  {variant:22} {float_:7.2f} {after:10.2f} {share:19.1f} %")
        figures[f"ViT, {variant}"] = results.Figure(after, "% top-1", float_, "float")
    return {**figures, **tuned(place, "shapes-0.yaml")}


def tuned(place: Path, recipe: str) -> dict[str, results.Figure]:
    """What ``tune`` makes of the recipe of the first variant, on 150 of the pictures that it does not tune by."""
    command = [sys.executable, "-m", "recipebuild", "tune", recipe, "--set", "evaluate.count=300", "--store", "store"]
    done = subprocess.run([*command, "--json"], cwd=place, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout)
    float_, after = (100 * found["heldout"][which] for which in ("float_model", "after"))
    print(f"  {'tuned':22} {float_:7.2f} {after:10.2f} {100 * found['share_16bit']:19.1f} %  {found['change']}")
    return {"ViT, tuned": results.Figure(after, "% top-1", float_, "float")}


def long_rows(place: Path) -> dict[str, results.Figure]:
    """The vision transformer on pictures of 1,374 tokens: how far logits are from float."""
    figures: dict[str, results.Figure] = {}
    massive_vit.save(place / f"calibration-{LONG}", CALIBRATION[:4], LONG)
    print("signal to noise of the logits in dB, the same model at 1,374 tokens, two calibration images")
    for variant, more in LONG_VARIANTS.items():
        text = VIT.format(name="long", model=massive_vit.made(MODEL), size=LONG, count=4, more=more)
        snr = figures_of(built(place, f"long-{len(figures)}", text, "layers"), "layers")["snr_db"]
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
