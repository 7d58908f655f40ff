"""The step evaluate, as the engine runs it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.answered import answered

from recipebuild.errors import StepError
from recipebuild.steps.evaluate import Params, run

Make = Callable[..., Path]
INPUT = {"name": "pixel_values", "shape": [1, 3, 16, 32], "color": "RGB", "mean": [128] * 3, "std": [64] * 3}


def evaluate(
    inputs: dict[str, Path], out: Path, *, input: dict[str, Any] = INPUT, pytorch: bool = False, **params: Any
) -> dict[str, Any]:
    """The step, on what the models ``model`` and ``quantized`` give; with ``pytorch`` also ``weights``."""
    out.mkdir()
    rows = {"float": "model", "quantized": "quantized"} | ({"pytorch": "weights"} if pytorch else {})
    models = {row: inputs[name] for row, name in rows.items() if name in inputs}
    kept = answered(models, inputs["dataset"], out.with_name(f"{out.name} answers"), input=input)
    metrics = run({**inputs, **kept}, Params.model_validate(params), out, lambda fraction, text="": None)
    written = json.loads((out / "evaluation.json").read_text())
    assert {key: written[key] for key in metrics} == metrics
    return metrics


def test_a_float_model_alone_has_no_quantized_figures(colour_model: Make, colour_dataset: Path, tmp_path: Path) -> None:
    metrics = evaluate({"model": colour_model(), "dataset": colour_dataset}, tmp_path / "out")
    assert metrics == {
        "images": 6,
        "metric": "miou",
        "against": "labels",
        "miou_float": 1.0,
        "pixel_accuracy_float": 1.0,
        "interval": {"float": [1.0, 1.0]},
        "per_class": {"0": {"float": 1.0}, "1": {"float": 1.0}, "2": {"float": 1.0}},
        "labels": ["class 0", "class 1", "class 2"],
        "ignored": 0.0,
    }


@pytest.fixture
def both(colour_model: Make, colour_dataset: Path) -> dict[str, Path]:
    """A float model that is always right, and a quantized one that says 0 everywhere."""
    quantized = colour_model("quantized.onnx", step=2.0)
    return {"model": colour_model(), "quantized": quantized, "dataset": colour_dataset}


def test_both_models_are_measured_on_the_same_images(both: dict[str, Path], tmp_path: Path) -> None:
    metrics = evaluate(both, tmp_path / "out")
    share = metrics["pixel_accuracy_quantized"]  # of pixels that are class 0, whose IoU is that too
    assert 0.2 < share < 0.5
    assert metrics["per_class"]["0"] == {"float": 1.0, "quantized": share}
    assert metrics["per_class"]["1"] == {"float": 1.0, "quantized": 0.0}
    assert metrics["miou_quantized"] == pytest.approx(share / 3, abs=1e-6)
    assert metrics["drop"] == pytest.approx(1 - share / 3, abs=1e-6)
    assert share == round(share, 6)


def test_the_same_inputs_give_the_same_bytes(both: dict[str, Path], tmp_path: Path) -> None:
    evaluate(both, tmp_path / "one")
    evaluate(both, tmp_path / "two")
    assert (tmp_path / "one/evaluation.json").read_bytes() == (tmp_path / "two/evaluation.json").read_bytes()


def test_masks_of_0_and_255_are_no_labels(both: dict[str, Path], tmp_path: Path) -> None:
    for path in (both["dataset"] / "labels").iterdir():
        ids = np.asarray(Image.open(path))
        Image.fromarray(np.where(ids == 1, 255, 0).astype(np.uint8)).save(path)
    with pytest.raises(StepError, match="would be perfect"):
        evaluate(both, tmp_path / "out")


def test_a_metric_that_the_dataset_does_not_give_is_an_error(both: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(StepError, match="with labels does not give the metric agreement") as labelled:
        evaluate(both, tmp_path / "out", metric="agreement")
    assert labelled.value.remedy == "it gives miou, pixel_accuracy" and labelled.value.field == "evaluate.metric"
    with pytest.raises(StepError, match="without labels does not give the metric miou"):
        evaluate(both, tmp_path / "unlabelled", metric="miou", dataset={"layout": "images"})
    assert evaluate(both, tmp_path / "more", metric="pixel_accuracy")["metric"] == "pixel_accuracy"


def test_a_label_of_a_single_class_is_warned_of(both: dict[str, Path], tmp_path: Path) -> None:
    for path in (both["dataset"] / "labels").iterdir():
        Image.new("L", Image.open(path).size, 0).save(path)
    metrics = evaluate(both, tmp_path / "out")
    assert metrics["miou_quantized"] == 1.0
    assert "class 0 (class 0) only" in metrics["warnings"][0]


def test_a_dark_calibration_set_is_told(both: dict[str, Path], tmp_path: Path) -> None:
    from recipebuild.toolkit.calibration.archive import write_archive
    from recipebuild.toolkit.calibration.source import images

    for name, scale in (("like", 1.0), ("dark", 0.2)):
        (tmp_path / name).mkdir()
        for path in (both["dataset"] / "images").iterdir():
            Image.open(path).point(lambda value, scale=scale: int(value * scale)).save(tmp_path / name / path.name)
        with images(tmp_path / name) as members:
            write_archive(members, tmp_path / f"{name}.tar")
        metrics = evaluate({**both, "calibration": tmp_path / f"{name}.tar"}, tmp_path / f"{name}-out")
        assert any("darker" in warning for warning in metrics.get("warnings", [])) == (name == "dark")


def test_a_subset_is_measured(both: dict[str, Path], tmp_path: Path) -> None:
    assert evaluate(both, tmp_path / "out", count=2)["images"] == 2


def test_labels_are_held_against_the_models_own_classes(both: dict[str, Path], tmp_path: Path) -> None:
    from PIL import Image

    Image.new("L", (32, 16), 3).save(both["dataset"] / "labels/4.png")
    with pytest.raises(StepError, match=r"labels/4\.png has class id 3, but the 3 classes"):
        evaluate(both, tmp_path / "out")
    assert evaluate(both, tmp_path / "more", classes=4)["images"] == 6


def test_the_loss_has_an_interval_and_every_image_its_share(both: dict[str, Path], tmp_path: Path) -> None:
    metrics = evaluate(both, tmp_path / "out")
    low, high = metrics["drop_interval"]
    assert low <= metrics["drop"] <= high
    low, high = metrics["interval"]["quantized"]
    assert low <= metrics["miou_quantized"] <= high
    shares = json.loads((tmp_path / "out/evaluation.json").read_text())["per_image"]
    assert shares["row"] == "quantized"
    assert sorted(shares["values"]) == ["0", "1", "2", "3", "4", "5"]
    assert sum(shares["values"].values()) / 6 == pytest.approx(metrics["miou_quantized"], abs=0.01)


def test_another_metric_may_count(both: dict[str, Path], tmp_path: Path) -> None:
    metrics = evaluate(both, tmp_path / "out", metric="pixel_accuracy")
    assert metrics["drop"] == pytest.approx(1 - metrics["pixel_accuracy_quantized"], abs=1e-6)


def test_without_labels_the_quantized_model_is_held_against_the_float_one(
    both: dict[str, Path], tmp_path: Path
) -> None:
    metrics = evaluate(both, tmp_path / "out", dataset={"layout": "images"})
    assert (metrics["metric"], metrics["against"]) == ("agreement", "float")
    assert metrics["agreement_float"] == 1.0
    assert metrics["drop"] == pytest.approx(1 - metrics["agreement_quantized"])


def test_classes_are_called_as_the_recipe_says(both: dict[str, Path], tmp_path: Path) -> None:
    names = ["red", "green", "blue"]
    assert evaluate(both, tmp_path / "out", labels=names)["labels"] == names
    evaluate(both, tmp_path / "unlabelled", labels=names, dataset={"layout": "images"})
    assert json.loads((tmp_path / "unlabelled/evaluation.json").read_text())["labels"] == names
    with pytest.raises(StepError, match=r"evaluate\.labels: 2 names, but the model has 3 classes"):
        evaluate(both, tmp_path / "short", labels=names[:2])


def test_the_pytorch_model_is_a_row_of_its_own(tiny_segformer: Path, segformer_onnx: Path, tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    dataset = tmp_path / "dataset"
    for part in ("images", "labels"):
        (dataset / part).mkdir(parents=True)
    random = np.random.default_rng(0)
    Image.fromarray(random.integers(0, 256, (64, 128, 3), dtype=np.uint8)).save(dataset / "images/a.png")
    Image.fromarray(random.integers(0, 19, (64, 128), dtype=np.uint8)).save(dataset / "labels/a.png")
    inputs = {"model": segformer_onnx, "weights": tiny_segformer, "dataset": dataset}
    metrics = evaluate(inputs, tmp_path / "out", input=INPUT | {"shape": [1, 3, 64, 128]}, pytorch=True)
    assert metrics["miou_pytorch"] == pytest.approx(metrics["miou_float"], abs=1e-3)
    assert metrics["interval"] == {}, "one image says nothing of others"
