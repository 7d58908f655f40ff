"""Reading the tool's log: progress, figures, and why it failed."""

from __future__ import annotations

import pytest

from recipebuild.toolkit.pulsar2.log import Log

CALIBRATING = "Calibration Progress(Phase 1):  50%|█████     | 16/32 [00:01<00:01,  8.89it/s]"
FAILED = "yamain.common.error.CodeException: (<ErrorCode."


def read(*lines: str) -> Log:
    log = Log()
    for line in lines:
        log.read(line + "\n")
    return log


def test_figures() -> None:
    stamp = "2026-09-25 11:45:36.467 | INFO     | "
    log = read(
        stamp + "yamain.command.build:compile_ptq_model:1060 - QuantAxModel macs: 280,262,480",
        stamp + "yamain.command.build:compile_ptq_model:1132 - subgraph [0], group: 0, type: GraphType.NPU",
        stamp + "yamain.command.build:compile_ptq_model:1132 - subgraph [1], group: 0, type: GraphType.CPU",
        stamp + "yamain.command.build:compile_ptq_model:1132 - subgraph [2], group: 0, type: GraphType.NPU",
        stamp + "yasched.test_onepass:results2model:2542 - max_cycle = 450,154",
        stamp + "yasched.test_onepass:results2model:2542 - max_cycle = 1,000",
    )
    assert log.figures == {"macs": 280262480, "subgraphs": {"NPU": 2, "CPU": 1}, "max_cycle": 451154}


def test_a_log_that_says_nothing_has_no_figures() -> None:
    assert read("", "hello").figures == {}


def test_progress_goes_forward() -> None:
    log = Log()
    lines = [
        "... extract_archive:181 - extract [calibration.tar] to [out/quant/dataset/x]...",
        "Building onnx ━━━━━━━━ 100% 0:00:00",
        "Calibration Progress(Phase 1):   0%|          | 0/32 [00:00<?, ?it/s]",
        CALIBRATING,
        "Network Quantization Finished.",
        "tiling op...   ━━━━━━━ 68/68 0:00:00",
        "build op...   ━━━━━━━ 188/188 0:00:00",
        "assign eu greedy   ━━━━━━━ 921/921 0:00:00",
        "build jobs   ━━━━━━━ 921/921 0:00:00",
    ]
    fractions = [step[0] for line in lines if (step := log.read(line))]
    assert len(fractions) == len(lines)
    assert fractions == sorted(fractions)
    assert 0 < fractions[0] < fractions[-1] < 1
    assert log.read(lines[5]) == (fractions[-1], "tiling"), "a second subgraph does not take it back"
    assert Log().read(CALIBRATING) == (0.25, "calibrating, image 16 of 32")


def test_smooth_quant_is_told_part_by_part() -> None:
    log = Log()
    steps = [
        log.read("Analysing Smooth Quantization Error(Phrase 1):  50%|█████     | 16/32 [00:25<00:25,  1.62s/it]"),
        log.read("Get Outlier Progress: 100%|██████████| 32/32 [01:15<00:00,  2.35s/it]"),
        log.read("Analysing Smooth Quantization Error(Phrase 2): 100%|██████████| 32/32 [00:51<00:00,  1.62s/it]"),
        log.read(CALIBRATING),
    ]
    fractions = [step[0] for step in steps if step]
    assert len(fractions) == 4 and fractions == sorted(set(fractions))
    assert steps[1] is not None and steps[1][1] == "smooth quant, part 2 of 3, image 32 of 32"


@pytest.mark.parametrize(
    ("line", "status", "says", "remedy"),
    [
        (
            "KeyError: 'dont support LRN opr in AXOPS/ONNXOPS/CUSTOM_OPS'",
            1,
            "does not know the operator LRN",
            "replace",
        ),
        (
            "NotImplementedError: Graph op: /SequenceEmpty(SequenceEmpty) has no backend implementation on target",
            1,
            "cannot quantize the operator SequenceEmpty (node /SequenceEmpty)",
            "replace",
        ),
        (
            FAILED
            + 'NPUBackendError: 8>, TileFailException("AxQuantizedSin, AxQuantizedSin dont support\\n    op: /Sin"))',
            1,
            'has no Sin in the data type that was asked for (TileFailException("AxQuantizedSin, AxQuantizedSin',
            "replace",
        ),
        ("KeyError: 'dont support lut_float opr in AXOPS'", 1, "has no lut_float in the data type", "data type"),
        (
            FAILED + "QuantError: 3>, RuntimeError(\"Operator(name:y, type:Elu) convert error: 'alpha'\"))",
            1,
            "leaves out its attribute alpha",
            "write the attribute",
        ),
        (
            FAILED + 'NPUBackendError: 8>, TileFailException("AxQuantizedSub, tuple index out of range"))',
            1,
            "cannot tile a Sub of rank 1",
            "[1, N]",
        ),
        ("TileFailException: AxQuantizedReduceSum, Can not tile", 1, "a ReduceSum is too large", "input.shape"),
        (
            FAILED + "QuantError: 3>, DecodeError(\"Error parsing message with type 'onnx.ModelProto'\"))",
            1,
            "cannot read the model file",
            "2 GiB",
        ),
        (FAILED + 'ConfigError: 1>, AssertionError("input(images) doesn\'t exist"))', 1, "input images", "input.name"),
        (
            'ParseError: Message type "pulsar2.build.InputProcessor" has no field named "dst_format".',
            1,
            "the field dst_format",
            "template",
        ),
        (
            "ParseError: Failed to parse calibration_method field: Invalid enum value KL for enum type "
            "pulsar2.build.QuantMethod.",
            1,
            "does not know the QuantMethod KL",
            "another value",
        ),
        ("tarfile.ReadError: file could not be opened successfully", 1, "calibration archive", "calibration.source"),
        ("0 File(s) Loaded.", 1, "finds no image in it", "calibration.source"),
        ("Sentinel key not found (H0007)", 1, "licence", "root"),
        ("OSError: [Errno 28] No space left on device", 1, "the disk is full", "--store"),
        ("Killed", 1, "memory ran out", "-j 1"),
        (CALIBRATING, 137, "memory ran out", "-j 1"),
        ("docker: Error response from daemon: no such thing", 125, "could not start the container", "hello-world"),
        ("exec format error", 126, "cannot be run on this machine", "x86-64"),
        ("docker: executable file not found in $PATH", 127, "no command pulsar2", "docker load"),
    ],
)
def test_known_failures(line: str, status: int, says: str, remedy: str) -> None:
    log = read("32 File(s) Loaded.", "Building onnx ━━━━━━━━ 100% 0:00:00", line)
    message, what_to_do = log.diagnosis(status)
    assert says in message
    assert remedy in what_to_do
    assert "\n" not in message


def test_an_unknown_failure_is_told_in_the_tools_own_words() -> None:
    log = read(
        "Traceback (most recent call last):",
        '  File "<frozen yamain.command.build>", line 560, in build',
        "KeyError: ('ddr_allocate', 17)",
        "",
        "During handling of the above exception, another exception occurred:",
        "",
        FAILED + "NPUBackendError: 8>, KeyError(('ddr_allocate', 17)))",
        "new_ddr_tensor = []",
        "tiling op...   ━━━━━━━ 68/68 0:00:00",
    )
    assert log.diagnosis(1)[0] == "KeyError(('ddr_allocate', 17))"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["pulsar2: error: unrecognized arguments: --x", "tiling op...   ━━ 3/68 0:00:00"], "pulsar2: error: unrec"),
        (["\x1b[31mValueError: red\x1b[0m"], "ValueError: red"),
        ([CALIBRATING, "[11:45:32] AX Refine Scale Pass Running ...", "", "FP32:      [70]"], "exit status 3"),
        ([], "exit status 3"),
    ],
)
def test_last_words(lines: list[str], words: str) -> None:
    assert read(*lines).diagnosis(3)[0].startswith(words)
