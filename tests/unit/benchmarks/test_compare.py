from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from benchmarks.compare import compared
from benchmarks.results import Figure, append, read, seconds_of


def history(path: Path, *runs: dict[str, Figure]) -> list[dict[str, Any]]:
    for figures in runs:
        append("cached_run", figures, path)
    return read(path)


def test_a_ratio_is_compared_where_there_is_one_and_else_the_figure(tmp_path: Path) -> None:
    first = seconds_of({"python": 0.1, "run": 0.3}, "python") | {"memory": Figure(40, "MB")}
    second = seconds_of({"python": 0.2, "run": 0.5}, "python") | {"memory": Figure(50, "MB")}
    head, _, run, memory = compared(history(tmp_path / "results.jsonl", first, second))
    assert head.startswith("cached_run: ") and " -> " in head
    assert "0.300 s (3.00 x python)" in run and "0.500 s (2.50 x python)" in run and "-16.7 %" in run
    assert "40.000 MB" in memory and "50.000 MB" in memory and "+25.0 %" in memory


def test_only_the_last_two_runs_of_a_benchmark_count(tmp_path: Path) -> None:
    runs = [{"run": Figure(value, "s")} for value in (9.0, 1.0, 2.0)]
    assert "+100.0 %" in list(compared(history(tmp_path / "results.jsonl", *runs)))[1]


def test_what_cannot_be_compared_is_said(tmp_path: Path) -> None:
    old = {"run": Figure(1.0, "s"), "gone": Figure(1.0, "s")}
    new = {"run": Figure(900.0, "ms"), "more": Figure(1.0, "s")}
    past = history(tmp_path / "results.jsonl", old, new)
    past[1]["machine"] = {**past[1]["machine"], "cores": 64}
    _, machine, run, more = compared(past)
    assert "not the same machine: cores" in machine and "-> 64" in machine
    assert run.endswith("not comparable") and more.endswith("new")


def test_one_run_and_none_are_said_too(tmp_path: Path) -> None:
    assert list(compared([])) == ["no figures yet: make bench"]
    (line,) = compared(history(tmp_path / "results.jsonl", {"run": Figure(1.0, "s")}))
    assert line.startswith("cached_run: only one run, ")


def test_a_line_tells_the_machine_and_not_whose_it_is(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    (run,) = history(path, {"run": Figure(1.0, "s")})
    assert run["machine"].keys() == {"cpu", "cores", "memory_gb", "python", "libraries"}
    assert socket.gethostname() not in path.read_text() and str(Path.cwd()) not in path.read_text()
