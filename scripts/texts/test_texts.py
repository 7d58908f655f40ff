"""Sentences: what says the same, what does not, and what the committed files are."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path

import numpy as np

from scripts.texts.__main__ import PAIRS, held_out, paired_share
from scripts.texts.sentences import is_held_out, say, scene, unlike, vocabulary

DATA = Path(__file__).resolve().parents[2] / "recipes" / "quickstart-text"


def test_a_scene_beside_another_differs_in_one_thing_and_is_held_out_with_it() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        one = scene(rng, held_out=True)
        other = unlike(one, rng)
        if other is not None:
            assert sum(a != b for a, b in zip(astuple(one), astuple(other), strict=True)) == 1
            assert is_held_out(one) and is_held_out(other)


def test_all_words_are_known() -> None:
    rng = np.random.default_rng(0)
    known = set(vocabulary())
    assert all(known >= set(say(scene(rng), rng).split()) for _ in range(200))


def test_pairs_that_are_nearest_are_found() -> None:
    angles = np.array([0, 0.1, 1, 1.1, 2, 2.4])
    assert paired_share(np.stack([np.cos(angles), np.sin(angles)], 1)) == 1
    assert paired_share(np.stack([np.cos(angles[[0, 2, 1, 3, 4, 5]]), np.sin(angles[[0, 2, 1, 3, 4, 5]])], 1)) < 0.5


def test_the_committed_files_are_small_and_as_the_readme_says() -> None:
    assert (DATA / "model/model.safetensors").stat().st_size < 600_000
    rows = (DATA / "heldout.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 2 * PAIRS and rows == [f'{{"text": "{text}"}}' for text in held_out()]
    text = (DATA / "README.md").read_text(encoding="utf-8")
    assert float(text.split("**")[1].rstrip("%")) >= 95
