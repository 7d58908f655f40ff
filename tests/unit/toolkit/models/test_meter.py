"""Download progress in bytes."""

from __future__ import annotations

import pytest

from recipebuild.toolkit.models import meter
from recipebuild.toolkit.models.meter import Meter


def test_bytes_of_all_files_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter, "_EVERY", 0.0)
    said: list[tuple[float, str]] = []
    it = Meter({"a.safetensors": 3_000_000, "b.safetensors": 1_000_000}, lambda *words: said.append(words))
    with it.of("a.safetensors")(total=3_000_000, unit="B", unit_scale=True, initial=0, desc="a") as bar:
        bar.update(1_500_000)
        bar.update(1_500_000)
    it.arrived("a.safetensors")
    it.arrived("b.safetensors")  # from the cache: no bar was made
    assert said[0] == (0.375, "a.safetensors, 1.5 MB of 4.0 MB")
    assert [fraction for fraction, _ in said] == [0.375, 0.75, 0.75, 1.0]


def test_a_download_that_is_taken_up_again_counts_what_was_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter, "_EVERY", 0.0)
    said: list[tuple[float, str]] = []
    it = Meter({"a": 4_000_000}, lambda *words: said.append(words))
    with it.of("a")(total=4_000_000, initial=2_000_000) as bar, it.of("a")(total=4_000_000) as transfer:
        bar.update(1_000_000)
        transfer.update(500_000)
    assert [fraction for fraction, _ in said] == [0.75, 0.75]


def test_where_the_hub_tells_no_sizes_files_count() -> None:
    said: list[float] = []
    it = Meter({"a": 0, "b": 0}, lambda fraction, text: said.append(fraction))
    it.arrived("a")
    it.arrived("b")
    assert said == sorted(said) and said[-1] < 1
