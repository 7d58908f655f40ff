"""Download progress in bytes."""

from __future__ import annotations

import pytest

from recipebuild.toolkit.models import meter
from recipebuild.toolkit.models.meter import Meter


def test_bytes_of_all_files_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter, "_EVERY", 0.0)
    messages: list[tuple[float, str]] = []
    counter = Meter({"a.safetensors": 3_000_000, "b.safetensors": 1_000_000}, lambda *words: messages.append(words))
    with counter.of("a.safetensors")(total=3_000_000, unit="B", unit_scale=True, initial=0, desc="a") as bar:
        bar.update(1_500_000)
        bar.update(1_500_000)
    counter.arrived("a.safetensors")
    counter.arrived("b.safetensors")  # from the cache: no bar was made
    assert messages[0] == (0.375, "a.safetensors, 1.5 MB of 4.0 MB")
    assert [fraction for fraction, _ in messages] == [0.375, 0.75, 0.75, 1.0]


def test_a_download_that_is_taken_up_again_counts_what_was_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter, "_EVERY", 0.0)
    messages: list[tuple[float, str]] = []
    counter = Meter({"a": 4_000_000}, lambda *words: messages.append(words))
    with counter.of("a")(total=4_000_000, initial=2_000_000) as bar, counter.of("a")(total=4_000_000) as transfer:
        bar.update(1_000_000)
        transfer.update(500_000)
    assert [fraction for fraction, _ in messages] == [0.75, 0.75]


def test_where_the_hub_tells_no_sizes_files_count() -> None:
    fractions: list[float] = []
    meter = Meter({"a": 0, "b": 0}, lambda fraction, text: fractions.append(fraction))
    meter.arrived("a")
    meter.arrived("b")
    assert fractions == sorted(fractions) and fractions[-1] < 1
