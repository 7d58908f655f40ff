"""The step dataset, on datasets that the library itself wrote here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from recipebuild.errors import StepError
from recipebuild.facts.tasks import CLASSIFICATION, DEPTH, FEATURES, RESTORATION, SEGMENTATION
from recipebuild.steps.dataset import Params, run
from recipebuild.toolkit.evaluate.dataset import DatasetSpec, read_truth, samples


@pytest.fixture
def datasets() -> Any:
    """The library, which takes seconds to import."""
    return pytest.importorskip("datasets")


def made(folder: Path, columns: dict[str, list[Any]], features: dict[str, Any]) -> Path:
    datasets = pytest.importorskip("datasets")
    split = datasets.Dataset.from_dict(columns, features=datasets.Features(features))
    datasets.DatasetDict({"train": split, "validation": split}).save_to_disk(folder)
    return folder


def pictures(count: int = 4) -> list[Image.Image]:
    return [Image.new("RGB", (4, 2), (40 * i, 0, 0)) for i in range(count)]


def ran(source: Path, out: Path, task: str, **params: Any) -> Path:
    out.mkdir()
    metrics = run({"source": source}, Params(task=task, **params), out, lambda fraction, text="": None)
    assert metrics["images"] == len(list((out / "dataset").rglob("*.png"))) or task in (
        SEGMENTATION,
        DEPTH,
        RESTORATION,
    )
    return out / "dataset"


def test_segmentation(datasets: Any, tmp_path: Path) -> None:
    labels = [Image.fromarray(np.full((2, 4), i, np.uint8)) for i in range(4)]
    kinds = {"image": datasets.Image(), "annotation": datasets.Image()}
    source = made(tmp_path / "source", {"image": pictures(), "annotation": labels}, kinds)
    entries = samples(ran(source, tmp_path / "out", SEGMENTATION))
    assert [read_truth(sample, SEGMENTATION, 4)[1].max() for sample in entries] == [0, 1, 2, 3]
    assert np.asarray(read_truth(entries[2], SEGMENTATION, 4)[0])[0, 0].tolist() == [80, 0, 0]


def test_classification_with_a_draw_that_can_be_repeated(datasets: Any, tmp_path: Path) -> None:
    kinds = {"image": datasets.Image(), "label": datasets.ClassLabel(names=["a", "b", "c"])}
    source = made(tmp_path / "source", {"image": pictures(), "label": [2, 0, 1, 2]}, kinds)
    spec = DatasetSpec(task=CLASSIFICATION, layout="classes")
    entries = samples(ran(source, tmp_path / "all", CLASSIFICATION), spec=spec)
    assert [(sample.name, sample.label) for sample in entries] == [("0/1", 0), ("1/2", 1), ("2/0", 2), ("2/3", 2)]
    some = [
        [s.name for s in samples(ran(source, tmp_path / name, CLASSIFICATION, count=2, seed=3), spec=spec)]
        for name in ("one", "two")
    ]
    assert some[0] == some[1]
    assert len(some[0]) == 2


def test_targets(datasets: Any, tmp_path: Path) -> None:
    targets = [Image.new("RGB", (8, 4), (0, 50 * i, 0)) for i in range(4)]
    kinds = {"image": datasets.Image(), "hr": datasets.Image()}
    source = made(tmp_path / "source", {"image": pictures(), "hr": targets}, kinds)
    spec = DatasetSpec(task=RESTORATION, layout="targets")
    entries = samples(ran(source, tmp_path / "out", RESTORATION), spec=spec)
    truths = [read_truth(sample, RESTORATION, 0)[1] for sample in entries]
    assert [truth.pixels[0, 0].tolist() for truth in truths] == [[0, 50 * i, 0] for i in range(4)]
    assert {truth.factor for truth in truths} == {2}


def test_depth(datasets: Any, tmp_path: Path) -> None:
    maps = [Image.fromarray(np.full((2, 4), 1.5 + i, np.float32)) for i in range(4)]
    kinds = {"image": datasets.Image(), "depth_map": datasets.Image()}
    source = made(tmp_path / "source", {"image": pictures(), "depth_map": maps}, kinds)
    entries = samples(ran(source, tmp_path / "out", DEPTH), spec=DatasetSpec(task=DEPTH, layout="depth"))
    assert [float(read_truth(sample, DEPTH, 0)[1].max()) for sample in entries] == [1.5, 2.5, 3.5, 4.5]


def test_features_need_images_alone(datasets: Any, tmp_path: Path) -> None:
    source = made(tmp_path / "source", {"img": pictures()}, {"img": datasets.Image()})
    assert len(samples(ran(source, tmp_path / "out", FEATURES), spec=DatasetSpec(task=FEATURES))) == 4


def test_columns_and_splits_that_are_not_there_are_named_with_those_that_are(datasets: Any, tmp_path: Path) -> None:
    kinds = {"picture": datasets.Image(), "truth": datasets.Value("int64")}
    source = made(tmp_path / "source", {"picture": pictures(), "truth": [0, 1, 0, 1]}, kinds)
    with pytest.raises(StepError, match="picture, truth") as caught:
        ran(source, tmp_path / "unclear", CLASSIFICATION)
    assert "evaluate.columns" in caught.value.remedy
    assert len(list(ran(source, tmp_path / "named", CLASSIFICATION, columns=("picture", "truth")).iterdir())) == 2
    with pytest.raises(StepError, match="there is no pixels"):
        ran(source, tmp_path / "wrong", CLASSIFICATION, columns=("pixels", "truth"))
    with pytest.raises(StepError, match=r"evaluate\.split: .* has no test") as caught:
        ran(source, tmp_path / "split", CLASSIFICATION, split="test")
    assert caught.value.remedy == "it has train, validation"


def test_a_folder_that_is_no_dataset_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source/a.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(StepError, match=r"cannot read|columns") as caught:
        ran(tmp_path / "source", tmp_path / "out", CLASSIFICATION)
    assert "\n" not in caught.value.message


def test_the_same_dataset_gives_the_same_bytes(datasets: Any, tmp_path: Path) -> None:
    kinds = {"image": datasets.Image(), "label": datasets.ClassLabel(names=["a", "b"])}
    source = made(tmp_path / "source", {"image": pictures(), "label": [0, 1, 0, 1]}, kinds)
    one, two = (ran(source, tmp_path / name, CLASSIFICATION) for name in ("one", "two"))
    files = [path.relative_to(one) for path in sorted(one.rglob("*")) if path.is_file()]
    assert len(files) == 4
    assert all((one / file).read_bytes() == (two / file).read_bytes() for file in files)
