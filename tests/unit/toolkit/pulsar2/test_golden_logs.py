"""Whole logs, as the documentation shows them: what is read from each."""

from __future__ import annotations

from pathlib import Path

import pytest

from recipebuild.toolkit.pulsar2.log import Log
from recipebuild.toolkit.pulsar2.tables import LogTable, Tables

LOGS = Path(__file__).with_name("logs")


def read(name: str) -> tuple[Log, list[tuple[float, str]]]:
    log = Log()
    steps = [step for line in (LOGS / f"{name}.log").read_text("utf-8").splitlines() if (step := log.read(line))]
    return log, steps


def test_success() -> None:
    log, steps = read("success")
    assert [fraction for fraction, _ in steps] == sorted(fraction for fraction, _ in steps)
    assert [text for _, text in steps] == [
        "reading calibration images", "optimizing the graph",
        "calibrating, image 0 of 16", "calibrating, image 8 of 16", "calibrating, image 16 of 16",
        "quantized", "comparing with the float model", "tiling", "building operators", "scheduling", "building jobs",
        "checking the result",
    ]  # fmt: skip
    precision = log.figures.pop("precision")
    assert log.figures == {
        "calibration_files": 16,
        "transformer_opt_level": 1,
        "precision_mode": "PerLayer Reference",
        "macs": 1_234_567,
        "subgraphs": {"NPU": 2, "CPU": 1},
        "max_cycle": 500_000,
        "batches": [1, 2, 4],
        "check_cosine": 0.99912,
    }
    assert [(row["operator"], row["dtype"], row["cosine"]) for row in precision] == [
        ("stem/Conv", "U8", 0.99993),
        ("op_12:onnx.…", "U16", 0.99871),
        ("head/ArgMax", "S32", 0.9712),
    ]
    assert precision[0] == {
        "operator": "stem/Conv", "type": "AxQuantizedConv", "tensor": "stem_out", "dtype": "U8", "cosine": 0.99993,
        "mse": 0.00003,
    }  # fmt: skip
    assert log.inputs == [
        {
            "Input": "pixel_values", "Shape": "[1, 3, 64, 128]", "Dataset Directory": "out/quan…",
            "Data Format": "Image", "Tensor Format": "RGB", "Mean": "[123.675… 116.2799…", "Std": "[58.395… 57.1199…",
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "status", "says", "remedy"),
    [
        ("operator", 1, "does not know the operator LRN", "replace it before export"),
        ("ocm", 1, "a ReduceSum is too large for the memory on the chip", "input.shape"),
        ("killed", 137, "was killed, most often because memory ran out", "-j 1"),
        ("calibration", 1, "cannot read the calibration archive", "calibration.source"),
        ("license", 1, "found no valid licence", "root"),
        ("unknown", 1, "KeyError(('ddr_allocate', 17))", "log"),
        ("cut", 143, "apply default output processor", "log"),
    ],
)
def test_failures(name: str, status: int, says: str, remedy: str) -> None:
    message, what_to_do = read(name)[0].diagnosis(status)
    assert says in message
    assert remedy in what_to_do
    assert "\n" not in message


def test_a_log_cut_off_in_the_middle_says_how_far_it_was() -> None:
    log, steps = read("cut")
    assert steps[-1][1] == "calibrating, image 0 of 16"
    assert log.figures == {"calibration_files": 16, "transformer_opt_level": 1}


@pytest.mark.parametrize("lines", range(0, 60, 7))
def test_a_log_may_end_anywhere(lines: int) -> None:
    log = Log()
    for line in (LOGS / "success.log").read_text("utf-8").splitlines()[:lines]:
        log.read(line)
    assert log.diagnosis(1)[0]


def tables(text: str) -> list[LogTable]:
    reader = Tables()
    return [table for line in text.splitlines() if (table := reader.read(line))]


def test_rows_are_told_apart_by_rules_or_by_their_first_cell() -> None:
    ruled = "T\n┏━┳━┓\n┃ a ┃ b ┃\n┡━╇━┩\n│ 1 │ x │\n│   │ y │\n├─┼─┤\n│ 2 │ z │\n│ 3 │   │\n└─┴─┘"
    assert tables(ruled)[0].rows == [["1", "x y"], ["2 3", "z"]]
    plain = "T\n┏━┳━┓\n┃ a ┃ b ┃\n┡━╇━┩\n│ 1 │ x │\n│   │ y │\n│ 2 │ z │\n└─┴─┘"
    assert tables(plain)[0].rows == [["1", "x y"], ["2", "z"]]
    assert tables(plain)[0].title == "T"


def test_a_table_cut_off_is_none() -> None:
    assert tables("T\n┏━┳━┓\n┃ a ┃ b ┃\n┡━╇━┩\n│ 1 │ x │") == []
