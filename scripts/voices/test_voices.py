"""The voice detector: its sounds, its state, and the promises of the committed files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import torch

from scripts.voices.__main__ import speech
from scripts.voices.network import STATE, VoiceDetector
from scripts.voices.sounds import FRAME, FRAMES, sound

DATA = Path(__file__).resolve().parents[2] / "recipes" / "quickstart-voice"


def test_a_sound_has_frames_with_a_voice_and_without() -> None:
    audio, there = sound(np.random.default_rng(0))
    assert audio.shape == (FRAMES, FRAME) and set(there) == {0, 1}
    assert np.abs(audio).max() < 4


def test_what_was_before_counts() -> None:
    model = VoiceDetector().eval()
    audio = torch.rand(1, 3, FRAME)
    with torch.no_grad():
        whole, last = speech(model, audio), speech(model, audio[:, 2:])
    assert whole.shape == (1, 3) and whole[0, 2] != last[0, 0]


def test_the_committed_network_is_right_about_new_sounds() -> None:
    session = onnxruntime.InferenceSession(DATA / "voice.onnx", providers=["CPUExecutionProvider"])
    rng, right = np.random.default_rng(3), []
    for _ in range(8):
        audio, there = sound(rng)
        state = np.zeros((1, STATE), np.float32)
        for frame, truth in zip(audio, there, strict=True):
            probability, state = session.run(None, {"audio": frame[None], "state": state})
            right.append((probability[0, 0] > 0.5) == truth)
    assert np.mean(right) > 0.9
