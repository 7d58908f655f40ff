"""What programs on the board print, read; the texts are those of the documentation."""

from __future__ import annotations

import pytest

from recipebuild.errors import StepError
from recipebuild.toolkit.board.output import run_model_timing, sample_timing

BOARD = """\
Run AxModel:
      model: /opt/data/npu/models/yolov5s.axmodel
       type: NPU1
       vnpu: Disable
   affinity: 0b001
     repeat: 100
     warmup: 10
      batch: 1
pulsar2 ver: 1.2-patch2 7e6b2b5f
 engine ver: V1.13.0 Apr 26 2023 16:48:53 1.1.0
   tool ver: 1.0.0
   cmm size: 12730188 Bytes
------------------------------------------------------
min =   7.658 ms   max =   7.672 ms   avg =   7.662 ms
------------------------------------------------------
"""
CARD = """\
   Run AxModel:
         model: /opt/data/npu/models/yolov5s.axmodel
          type: 1 Core
          vnpu: Disable
        warmup: 1
        repeat: 100
         batch: { auto: 1 }
    axclrt ver: 1.0.0
   pulsar2 ver: 1.2-patch2 7e6b2b5f
      tool ver: 0.0.1
      cmm size: 12730188 Bytes
  ---------------------------------------------------------------------------
  min =   7.793 ms   max =   7.929 ms   avg =   7.804 ms  median =   7.799 ms
   5% =   7.796 ms   90% =   7.808 ms   95% =   7.832 ms     99% =   7.929 ms
  ---------------------------------------------------------------------------
"""
SAMPLE = """\
--------------------------------------
model file : segformer.axmodel
image file : street.jpg
img_h, img_w : 640 1280
--------------------------------------
Engine creating handle is done.
Engine push input is done.
--------------------------------------
post process cost time:7.07 ms
--------------------------------------
Repeat 5 times, avg time 48.15 ms, max_time 48.31 ms, min_time 48.02 ms
--------------------------------------
"""


def test_ax_run_model() -> None:
    timing = run_model_timing(BOARD)
    assert (timing.min, timing.avg, timing.max) == (7.658, 7.662, 7.672)
    assert timing.cmm_bytes == 12730188
    assert timing.facts == {
        "type": "NPU1",
        "vnpu": "Disable",
        "affinity": "0b001",
        "pulsar2": "1.2-patch2 7e6b2b5f",
        "engine": "V1.13.0 Apr 26 2023 16:48:53 1.1.0",
        "tool": "1.0.0",
    }


def test_axcl_run_model_gives_percentiles_of_its_own() -> None:
    timing = run_model_timing(CARD, "axcl_run_model")
    assert (timing.min, timing.avg, timing.max) == (7.793, 7.804, 7.929)
    assert timing.percentiles == {"median": 7.799, "5%": 7.796, "90%": 7.808, "95%": 7.832, "99%": 7.929}
    assert timing.facts["engine"] == "1.0.0" and timing.facts["type"] == "1 Core"


def test_the_order_of_the_lines_does_not_matter() -> None:
    turned = "\n".join(reversed(BOARD.splitlines()))
    assert run_model_timing(turned) == run_model_timing(BOARD)


@pytest.mark.parametrize("program", ["ax_segformer", "ax_dinov2", "ax_depth_anything", "ax_glpdepth"])
def test_programs_of_ax_samples(program: str) -> None:
    """All four print these lines; there is a blank after the post-processing's time."""
    timing = sample_timing(SAMPLE.replace("7.07 ms", "7.07 ms "), program)
    assert (timing.repeat, timing.min, timing.avg, timing.max, timing.post) == (5, 48.02, 48.15, 48.31, 7.07)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "(nothing)"),
        ("all went well", "all went well"),
        (BOARD.replace("avg =", "mean ="), "no line with min, max and avg"),
        (BOARD.replace("7.658", "0.000"), "no line with min, max and avg"),
        (BOARD.replace("7.662", "9.999"), "no line with min, max and avg"),
    ],
)
def test_unknown_output_is_an_error_with_the_text_never_a_zero(text: str, words: str) -> None:
    with pytest.raises(StepError) as caught:
        run_model_timing(text)
    assert words in f"{caught.value.message}\n{caught.value.remedy}"


@pytest.mark.parametrize("text", ["", SAMPLE.replace("post process", "process"), SAMPLE.replace("Repeat", "Did")])
def test_unknown_output_of_a_sample_is_an_error(text: str) -> None:
    with pytest.raises(StepError, match="ax_dinov2 printed unknown text"):
        sample_timing(text, "ax_dinov2")


@pytest.mark.parametrize("text", ["Run model failed{0x8030070C}.", "Create model handle failed", "axclInit failed: 8"])
def test_a_failure_that_the_program_tells_is_one(text: str) -> None:
    with pytest.raises(StepError, match="fail") as caught:
        run_model_timing(f"{BOARD}\n{text}", "axcl_run_model")
    assert "doctor" in caught.value.remedy
