"""Makes the quickstart's super-resolution network: draws street scenes, trains on them, measures it, writes its files.

Usage, from the root of the repository: ``python -m scripts.superres [--out recipes/quickstart-superres]``, after
``python -m scripts.streets``, of whose held-out scenes it is measured on twelve. Nothing is written if it is not good
enough.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from recipebuild.toolkit.evaluate.image_quality import psnr, ssim
from scripts.small_models import write_onnx
from scripts.streets.scenes import TRAINING, draw_all
from scripts.superres.network import FACTOR, SuperResolution
from scripts.superres.train import Pixels, Settings, smaller, to_tensor, train

SCENES = TRAINING[:100]
MEASURED = 12
CALIBRATION = 16
WIDTH, HEIGHT = 256, 128
"""Of the large images; the network takes half of it."""
LEAST_GAIN = 1.0
"""A network that is not so many dB above Pillow's bicubic filter is not written."""
README = """\
# Quickstart super-resolution

A small network that makes an image twice as large, so that a build can measure what 8 bits cost one without any
download. It is trained on the drawn streets of `scripts/streets` alone: it is good for trying recipebuild, and not for
photographs.

`superres.onnx` has {parameters:,} parameters. Input: `image` 1x3x{height}x{width}, RGB in 0..1. Output: `larger`
1x3x{large_height}x{large_width}, likewise.

`targets/` in `heldout/` are the middles of the first {measured} held-out scenes of `recipes/quickstart/`,
`images/` the same at half the size, by Pillow's antialiased bilinear filter. `calibration/` has images of that size.

## Made by

    python -m scripts.superres

It draws {scenes} scenes and trains for {steps} steps on one core, which takes minutes.

## Measured

The float network, in PyTorch, and Pillow's bicubic filter, by the program that made it; means over {measured} images.

| | PSNR | SSIM |
|---|---|---|
| network | {psnr:.2f} dB | {ssim:.4f} |
| bicubic | {bicubic_psnr:.2f} dB | {bicubic_ssim:.4f} |

## Licence

Apache-2.0, as everything here.
"""

logger = logging.getLogger("superres")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.superres", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("recipes/quickstart-superres"), help="default: %(default)s")
    out: Path = parser.parse_args().out
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    settings = Settings()
    logger.info("drawing %d scenes", len(SCENES))
    model = train([scene.image for scene in draw_all(SCENES)], settings)
    targets = _middles(Path("recipes/quickstart/heldout/images"), MEASURED)
    figures = measure(model, list(targets.values()))
    logger.info("%s", figures)
    if figures["psnr"] < figures["bicubic_psnr"] + LEAST_GAIN:
        logger.error("that is not %.1f dB above the bicubic filter: %s is left as it was", LEAST_GAIN, out)
        return 1
    _write_images(targets, out / "heldout" / "targets")
    _write_images({name: smaller(pixels) for name, pixels in targets.items()}, out / "heldout" / "images")
    middles = _middles(Path("recipes/quickstart/calibration"), CALIBRATION)
    _write_images({name: smaller(pixels) for name, pixels in middles.items()}, out / "calibration")
    write_onnx(model, out / "superres.onnx", {"image": (1, 3, HEIGHT // FACTOR, WIDTH // FACTOR)}, ["larger"])
    sizes = {"height": HEIGHT // FACTOR, "width": WIDTH // FACTOR, "large_height": HEIGHT, "large_width": WIDTH}
    counts = {"parameters": sum(p.numel() for p in model.parameters()), "scenes": len(SCENES), "measured": MEASURED}
    text = README.format(**sizes, **counts, steps=settings.steps, **figures)
    (out / "README.md").write_text(text, encoding="utf-8")
    return 0


def measure(model: SuperResolution, targets: list[Pixels]) -> dict[str, float]:
    """``psnr`` (dB) and ``ssim`` of the network, and ``bicubic_`` the same of Pillow's filter: means over images."""
    rows: dict[str, list[float]] = {}
    for target in targets:
        small = smaller(target)
        with torch.no_grad():
            made = model(to_tensor([small]))[0].permute(1, 2, 0).numpy()
        ours = np.clip(np.rint(made * 255), 0, 255).astype(np.uint8)
        bicubic = np.asarray(Image.fromarray(small).resize(target.shape[1::-1], Image.Resampling.BICUBIC))
        for name, image in (("", ours), ("bicubic_", bicubic)):
            rows.setdefault(f"{name}psnr", []).append(psnr(target, image))
            rows.setdefault(f"{name}ssim", []).append(ssim(target, image))
    return {name: float(np.mean(values)) for name, values in rows.items()}


def _middles(folder: Path, count: int) -> dict[str, Pixels]:
    """The middles of the first scenes of a folder, by the names of their files."""
    middles = {}
    for path in sorted(folder.iterdir())[:count]:
        pixels = np.asarray(Image.open(path).convert("RGB"))
        top, left = (pixels.shape[0] - HEIGHT) // 2, (pixels.shape[1] - WIDTH) // 2
        middles[path.stem] = pixels[top : top + HEIGHT, left : left + WIDTH]
    return middles


def _write_images(images: dict[str, Pixels], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, pixels in images.items():
        Image.fromarray(pixels).save(folder / f"{name}.png", optimize=True)


if __name__ == "__main__":
    sys.exit(main())
