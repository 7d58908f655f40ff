"""Makes the quickstart's detector of voices: trains on made sounds, measures it, writes an ONNX file and frames.

Usage, from the root of the repository: ``python -m scripts.voices [--out recipes/quickstart-voice]``. Nothing is
written if it is not good enough.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
from pathlib import Path

import numpy as np
import torch

from scripts.small_models import fit, write_onnx
from scripts.voices.network import STATE, VoiceDetector
from scripts.voices.sounds import FRAME, FRAMES, RATE, sound

STEPS, BATCH, LEARNING_RATE = 400, 16, 4e-3
LEAST_RIGHT = 0.88
"""A network below this on new sounds is not written."""
MEASURED = 64
CALIBRATION, HELD_OUT = ("a", "b"), ("c", "d")
README = """\
# Quickstart voice detector

A small network with a state, so that a build can measure what 8 bits cost one without any download. It is trained on
the made sounds of `scripts/voices` alone: it is good for trying recipebuild, and not for people.

`voice.onnx` has {parameters:,} parameters. It takes frames of {milliseconds} ms, one after another. Inputs: `audio`
1x{frame}, float32 in about -1..1, at {rate} samples a second; `state` 1x{state}, zeros at first. Outputs: `probability`
1x1, that there is a voice in it; `stateN` 1x{state}, which is fed back to `state`.

`calibration/` and `heldout/audio/` have two sounds each, of {frames} frames.

## Made by

    python -m scripts.voices

It trains for {steps} steps on one core, which takes minutes.

## Measured

The float network, in PyTorch, by the program that made it, is right about **{right:.1%}** of the frames of
{measured} new sounds.

## Licence

Apache-2.0, as everything here.
"""

logger = logging.getLogger("voices")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.voices", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("recipes/quickstart-voice"), help="default: %(default)s")
    out: Path = parser.parse_args().out
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    model = train()
    right = measure(model, np.random.default_rng(1))
    logger.info("right about %.4f of the frames of new sounds", right)
    if right < LEAST_RIGHT:
        logger.error("that is below %.2f: %s is left as it was", LEAST_RIGHT, out)
        return 1
    rng = np.random.default_rng(2)
    for folder, names in (("calibration", CALIBRATION), ("heldout/audio", HELD_OUT)):
        shutil.rmtree(out / folder, ignore_errors=True)
        (out / folder).mkdir(parents=True)
        for name in names:
            for number, frame in enumerate(sound(rng)[0]):
                np.save(out / folder / f"{name}-{number:03}.npy", frame[np.newaxis])
    write_onnx(model, out / "voice.onnx", {"audio": (1, FRAME), "state": (1, STATE)}, ["probability", "stateN"])
    sizes = {"frame": FRAME, "milliseconds": 1000 * FRAME // RATE, "rate": RATE, "state": STATE, "frames": FRAMES}
    parameters = sum(p.numel() for p in model.parameters())
    text = README.format(**sizes, parameters=parameters, steps=STEPS, right=right, measured=MEASURED)
    (out / "README.md").write_text(text, encoding="utf-8")
    return 0


def train() -> VoiceDetector:
    """The network, in evaluation mode; on one machine it is the same each time."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    model = VoiceDetector()
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)

    def loss() -> torch.Tensor:
        audio, there = _sounds(BATCH, rng)
        return torch.nn.functional.binary_cross_entropy(speech(model, audio), there)

    fit(model, loss, optimizer, rate, STEPS, clip=1.0)
    return model


def speech(model: VoiceDetector, audio: torch.Tensor) -> torch.Tensor:
    """The probabilities [N, FRAMES] for sounds [N, FRAMES, FRAME], frame by frame."""
    state = torch.zeros(len(audio), STATE)
    probabilities = []
    for frame in audio.unbind(1):
        probability, state = model(frame, state)
        probabilities.append(probability)
    return torch.cat(probabilities, 1)


def measure(model: VoiceDetector, rng: np.random.Generator) -> float:
    """The share of frames of new sounds of which the network is right."""
    audio, there = _sounds(MEASURED, rng)
    with torch.no_grad():
        return float(((speech(model, audio) > 0.5) == (there > 0.5)).float().mean())


def _sounds(count: int, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    made = [sound(rng) for _ in range(count)]
    audio, there = (torch.from_numpy(np.stack(part)) for part in zip(*made, strict=True))
    return audio, there


if __name__ == "__main__":
    sys.exit(main())
