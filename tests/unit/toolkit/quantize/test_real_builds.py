"""Scales and zero points that Pulsar2 itself wrote, against ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.public_record import public

from benchmarks.real_builds import compared

FILE = public("pulsar2-builds") / "builds.json"
BUILDS: dict[str, Any] = json.loads(FILE.read_text("utf-8")) if FILE.is_file() else {}


@pytest.mark.skipif(not BUILDS, reason="the record of real builds is not here")
@pytest.mark.parametrize("name", BUILDS)
def test_each_tensor_of_a_real_build_has_its_type_zero_point_and_scale(name: str) -> None:
    for row in compared(name, BUILDS[name]):
        assert (row.ours.type, row.ours.zero_point.item()) == (row.type, row.zero_point), row.tensor
        assert abs(row.ulp) <= 2, row.tensor
