"""Makes the quickstart's detector: draws street scenes, trains on them, measures it, writes an ONNX file.

Usage, from the root of the repository: ``python -m scripts.detector [--out recipes/quickstart-detector]``, after
``python -m scripts.streets``, whose held-out scenes it is measured on. Nothing is written if it is not good enough.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from pathlib import Path

# On a busy machine, OpenMP's threads would burn the processor while they wait for each other. Read when torch loads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from scripts.detector.train import Settings, train
from scripts.detector.write import measure, write_model, write_readme
from scripts.streets.scenes import TRAINING, draw_all

SCENES = TRAINING[:700]

LEAST_MAP = 0.35
"""A model below this on the held-out scenes is not written."""

logger = logging.getLogger("detector")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.detector", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("recipes/quickstart-detector"), help="default: %(default)s")
    parser.add_argument("--device", default="cpu", help="where torch trains (default: %(default)s)")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    started = time.monotonic()
    settings = Settings()
    logger.info("drawing %d scenes", len(SCENES))
    scenes = draw_all(SCENES)
    logger.info("training on %d scenes for %d steps", len(scenes), settings.steps)
    model = train(scenes, settings, options.device)
    figures = measure(model, Path("recipes/quickstart/heldout"))
    for name, value in figures.items():
        logger.info("  %-14s %.4f", name, value)
    if figures["map"] < LEAST_MAP:
        logger.error("mAP is below %.2f: %s is left as it was", LEAST_MAP, options.out)
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    write_model(model, options.out / "detector.onnx")
    write_readme(
        options.out / "README.md",
        figures,
        parameters=sum(p.numel() for p in model.parameters()),
        train=len(scenes),
        steps=settings.steps,
    )
    logger.info("wrote %s in %.0f s", options.out, time.monotonic() - started)
    return 0


if __name__ == "__main__":
    sys.exit(main())
