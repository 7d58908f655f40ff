"""What a finished build is told to be other than it was asked to."""

from __future__ import annotations

import json
from pathlib import Path

from recipebuild.toolkit.pulsar2.build import Pulsar2Output
from recipebuild.toolkit.pulsar2.config import BuildConfig
from recipebuild.toolkit.pulsar2.findings import _cosine, _settings
from recipebuild.toolkit.pulsar2.log import Log


def built(tmp_path: Path, **figures: object) -> Pulsar2Output:
    log = Log()
    log.figures |= figures
    log.inputs.append({"Input": "x", "Data Format": "Numpy"})
    return Pulsar2Output(tmp_path, {}, log)


def test_settings_that_the_log_tells_otherwise(tmp_path: Path) -> None:
    entry = {"tensor_name": "x", "calibration_dataset": "c.tar", "calibration_format": "Image"}
    values = {"input": "m.onnx", "output_dir": "o", "quant": {"input_configs": [entry], "transformer_opt_level": 1}}
    assert _settings(built(tmp_path, transformer_opt_level=0), BuildConfig.model_validate_json(json.dumps(values))) == [
        "RB314 x was calibrated from Numpy, not from Image",
        "RB314 transformer_opt_level was 0, not 1",
    ]


def test_an_output_far_from_the_float_models(tmp_path: Path) -> None:
    rows = [{"operator": "stem", "cosine": 0.5}, {"operator": "argmax", "cosine": 0.9}]
    (warning,) = _cosine(built(tmp_path, precision=rows))
    assert warning.startswith("RB602 the quantized model's last layer has cosine 0.9 ")
    assert "the worst layer is stem with 0.5" in warning
    assert _cosine(built(tmp_path, precision=[*rows, {"operator": "out", "cosine": 0.99}])) == []
