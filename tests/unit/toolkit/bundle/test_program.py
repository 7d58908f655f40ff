"""The bundle's program for the board, function by function: what it feeds, and what it draws."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from recipebuild.resources import shipped
from recipebuild.toolkit.calibration.runtime import runtime_tensor
from recipebuild.toolkit.calibration.spec import ImageSpec, Runtime

SPEC = ImageSpec(shape=(2, 3, 16, 32), color="BGR", mean=(103.53, 116.28, 123.675), std=(57.375, 57.12, 58.395))


@pytest.fixture(scope="module")
def program() -> ModuleType:
    spec = importlib.util.spec_from_file_location("run", shipped("templates") / "bundle" / "run.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def image(street_images: Path) -> Image.Image:
    with Image.open(street_images / "street-0.jpg") as file:
        return file.convert("RGB")


@pytest.mark.parametrize("color", ["GRAY", "RGBA"])
def test_images_of_other_channels_are_those_of_calibration(program: ModuleType, image: Image.Image, color: str) -> None:
    count = {"GRAY": 1, "RGBA": 4}[color]
    colours = {"color": color, "mean": (5,) * count, "std": (7,) * count}
    spec = ImageSpec.model_validate({"shape": (1, count, 16, 32), **colours})
    for layout, normalized, dtype in (("NCHW", True, "float32"), ("NHWC", False, "uint8")):
        fed = Runtime.model_validate(
            {"layout": layout, "normalized": normalized, "dtype": "FP32" if dtype == "float32" else "U8"}
        )
        settings = {
            "width": 32, "height": 16, "shape": list(fed.shape(spec)), "layout": layout, "color": color,
            "dtype": dtype, "mean": list(spec.mean), "std": list(spec.std),
            "normalized_by": "program" if normalized else "model",
        }  # fmt: skip
        np.testing.assert_array_equal(program.preprocess(image, settings), runtime_tensor(image, spec, fed))


@pytest.mark.parametrize(
    "runtime",
    [
        {},
        {"layout": "NCHW"},
        {"dtype": "FP32"},
        {"dtype": "FP32", "normalized": True, "layout": "NCHW"},
        *({"format": format} for format in ("YUV420SP", "YVU420SP", "YUYV422", "UYVY422")),
        {"format": "YUV420SP", "csc": {"mode": "LimitedRange"}},
    ],
)
def test_it_feeds_what_calibration_and_simulation_do(
    program: ModuleType, image: Image.Image, runtime: dict[str, Any]
) -> None:
    fed = Runtime.model_validate(runtime)
    settings = {
        "width": 32, "height": 16, "shape": list(fed.shape(SPEC)), "layout": fed.layout,
        "color": fed.format or SPEC.color, "dtype": "uint8" if fed.dtype == "U8" else "float32",
        "mean": list(SPEC.mean), "std": list(SPEC.std), "normalized_by": "program" if fed.normalized else "model",
        **({"csc_mode": fed.csc.mode if fed.csc else "FullRange"} if fed.is_yuv else {}),
    }  # fmt: skip
    tensor = program.preprocess(image, settings)
    expected = runtime_tensor(image, SPEC, fed).repeat(2, 0)
    assert tensor.dtype == expected.dtype
    np.testing.assert_array_equal(tensor, expected)


@pytest.mark.parametrize("runtime", [{}, {"layout": "NCHW"}, {"format": "YUV420SP"}, {"format": "YUYV422"}])
def test_each_shape_of_a_model_is_fed_as_the_first_is(
    program: ModuleType, image: Image.Image, runtime: dict[str, Any]
) -> None:
    fed, larger = Runtime.model_validate(runtime), SPEC.model_copy(update={"shape": (1, 3, 48, 64)})
    spec = {
        "width": 32, "height": 16, "shape": list(fed.shape(SPEC)), "layout": fed.layout, "dtype": "uint8",
        "color": fed.format or SPEC.color, "normalized_by": "model", "more_shapes": [[1, 3, 48, 64]],
        **({"csc_mode": "FullRange"} if fed.is_yuv else {}),
    }  # fmt: skip
    assert program.at_group(spec, 0) is spec
    tensor = program.preprocess(image, program.at_group(spec, 1))
    np.testing.assert_array_equal(tensor, runtime_tensor(image, larger, fed))
    for group in (2, -1):
        with pytest.raises(SystemExit, match="takes 2 shapes, 0 to 1"):
            program.at_group(spec, group)


def test_a_card_is_opened_by_its_index(program: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[dict[str, Any]] = []
    engine = SimpleNamespace(InferenceSession=lambda path, **options: opened.append(options))
    monkeypatch.setitem(sys.modules, "axengine", engine)
    program.open_session(Path("m.axmodel"), ["AXCLRTExecutionProvider"], 1)
    program.open_session(Path("m.axmodel"), None)
    card = {"providers": ["AXCLRTExecutionProvider"], "provider_options": [{"device_id": 1}]}
    assert opened == [card, {"providers": None}]


def test_other_inputs_come_from_files_and_all_of_them(program: ModuleType, tmp_path: Path) -> None:
    np.save(tmp_path / "mask.npy", np.arange(4))
    wanted = [{"name": "mask", "shape": [1, 4], "dtype": "float32"}]
    ((name, tensors),) = program.others(wanted, [f"mask={tmp_path}/mask.npy"])
    assert name == "output", "as its files are called"
    assert tensors["mask"].dtype == np.float32 and tensors["mask"].tolist() == [[0, 1, 2, 3]]
    assert program.others([], []) == [("output", {})]
    for arguments in ([], ["mask=a.npy", "more=b.npy"], ["other=a.npy"]):
        with pytest.raises(SystemExit, match="takes mask: --input"):
            program.others(wanted, arguments)


def test_a_folder_is_several_samples_and_each_input_has_as_many(program: ModuleType, tmp_path: Path) -> None:
    wanted = [{"name": name, "shape": [1], "dtype": "float32"} for name in ("sound", "rate")]
    (tmp_path / "sounds").mkdir()
    for at in range(3):
        np.save(tmp_path / f"sounds/{at}.npy", np.array([at]))
    np.save(tmp_path / "rate.npy", np.array([16]))
    arguments = [f"sound={tmp_path}/sounds", f"rate={tmp_path}/rate.npy"]
    samples = program.others(wanted, arguments)
    assert [(name, tensors["sound"][0], tensors["rate"][0]) for name, tensors in samples] == [
        ("0", 0, 16), ("1", 1, 16), ("2", 2, 16)
    ]  # fmt: skip
    (tmp_path / "two").mkdir()
    for at in range(2):
        np.save(tmp_path / f"two/{at}.npy", np.array([at]))
    with pytest.raises(SystemExit, match=r"--input rate: 2 \.npy files, and another input has 3"):
        program.others(wanted, [arguments[0], f"rate={tmp_path}/two"])


def drawn(program: ModuleType, image: Image.Image, task: str, output: np.ndarray, place: Path, **more: Any) -> set[str]:
    interface = {"task": task, "outputs": [{"name": "y"}], "input": {"height": 64, "width": 128}, **more}
    return {path.name for path in program.draw(place / "street", image, [output], interface)}


def test_depth_is_a_picture_from_black_to_white(program: ModuleType, image: Image.Image, tmp_path: Path) -> None:
    depth = np.linspace(3, 9, 8 * 16, dtype=np.float32).reshape(1, 1, 8, 16)
    assert drawn(program, image, "depth-estimation", depth, tmp_path) == {"street-y.npy", "street-result.png"}
    np.testing.assert_array_equal(np.load(tmp_path / "street-y.npy"), depth)
    picture = Image.open(tmp_path / "street-result.png")
    assert picture.size == image.size and picture.getextrema() == (0, 255)
    assert picture.getpixel((0, 0)) == 0 and picture.getpixel((127, 63)) == 255


def test_an_image_is_written_in_its_own_size_and_colours(
    program: ModuleType, image: Image.Image, tmp_path: Path
) -> None:
    values = np.zeros((1, 3, 8, 16), np.float32)
    values[0, 0] = 0.5  # blue, as the network has it
    interface = {
        "task": "image-to-image", "input": {},
        "outputs": [{"name": "y", "color": "BGR", "mean": [100, 20, 0], "std": [100, 1, 1]}],
    }  # fmt: skip
    files = program.draw(tmp_path / "street", image, [values], interface)
    assert [path.name for path in files] == ["street-y.npy", "street-result.png"]
    picture = Image.open(files[1])
    assert picture.size == (16, 8) and picture.getpixel((0, 0)) == (0, 20, 150)
    matte = program.restored(np.full((1, 2, 2), 0.2, np.float32), {})
    assert matte.mode == "L" and matte.getpixel((0, 0)) == 51


def test_features_of_patches_are_a_picture_of_their_components(
    program: ModuleType, image: Image.Image, tmp_path: Path
) -> None:
    halves = np.zeros((1, 4 * 8, 6), np.float32)
    halves[0, 16:] = (1, 2, 3, 4, 5, 6)  # the lower half of the image differs
    assert "street-result.png" in drawn(program, image, "image-feature-extraction", halves, tmp_path)
    picture = np.asarray(Image.open(tmp_path / "street-result.png"))
    assert (picture[0, 0] != picture[63, 127]).any()
    assert (picture[:32] == picture[0, 0]).all() and (picture[32:] == picture[63, 127]).all()
    pooled = np.zeros((1, 6), np.float32)
    assert drawn(program, image, "image-feature-extraction", pooled, tmp_path) == {"street-y.npy"}


def test_classes_are_named_with_their_odds(
    program: ModuleType, image: Image.Image, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = np.log(np.array([[0.1, 0.6, 0.3]], np.float32))
    named = [{"id": 0, "name": "cat"}, {"id": 1, "name": "dog"}]
    drawn(program, image, "image-classification", scores, tmp_path, labels=named)
    assert capsys.readouterr().out.splitlines() == ["60.0 %  dog", "30.0 %  class 2", "10.0 %  cat"]
    assert Image.open(tmp_path / "street-result.png").size == image.size


@pytest.fixture
def beside(program: ModuleType, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program with the files that a bundle of a detector has beside it."""
    from recipebuild.toolkit.detection import decode, letterbox, nms

    for name, module in {"decode": decode, "letterbox": letterbox, "nms": nms}.items():
        monkeypatch.setitem(sys.modules, name, module)
    return program


@pytest.mark.parametrize("align", ["center", "top-left"])
def test_a_letterboxed_image_is_fed_as_calibration_does(beside: ModuleType, image: Image.Image, align: str) -> None:
    spec = SPEC.model_copy(update={"resize": "letterbox", "align": align, "pad_value": 7})
    fed = Runtime(format="YUV420SP")
    settings = {
        "width": 32, "height": 16, "shape": list(fed.shape(spec)), "layout": "NHWC", "color": "YUV420SP",
        "csc_mode": "FullRange", "letterbox": {"pad_value": 7, "align": align},
    }  # fmt: skip
    tall = image.crop((0, 0, 60, 120))
    assert np.array_equal(beside.preprocess(tall, settings), runtime_tensor(tall, spec, fed).repeat(2, 0))


def test_boxes_are_those_of_the_evaluation(
    beside: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from support.detectors import DETECTOR, INPUT, NAMES, detector_model, squares

    from recipebuild.facts.tasks import DETECTION
    from recipebuild.toolkit.bundle.interface import detector_values, interface, labels
    from recipebuild.toolkit.detection.detector import Detector
    from recipebuild.toolkit.evaluate.answers import answer
    from recipebuild.toolkit.evaluate.detections import Detection
    from recipebuild.toolkit.evaluate.runners import open_model, outputs_of
    from recipebuild.toolkit.graph.cut import cut

    path = detector_model(tmp_path / "model.onnx")
    cut(path, ["grid"])
    spec = ImageSpec.model_validate({**INPUT, "resize": "letterbox"})
    detector = Detector.model_validate(DETECTOR)
    description = interface(path, DETECTION, spec, Runtime(), labels(NAMES, DETECTION))
    description = json.loads(json.dumps({**description, "detector": detector_values(detector)}))
    with Image.open(squares(tmp_path / "data") / "images/0.png") as file:
        image = file.convert("RGB")
    outputs = outputs_of(open_model(path), image, spec)
    files = beside.draw(tmp_path / "a", image, outputs, description)
    assert [file.name for file in files] == ["a-grid.npy", "a-boxes.json", "a-result.png"]
    objects = json.loads(files[1].read_text())
    right = Detection(detector, spec).objects(answer(outputs, DETECTION, "m"), image.size)
    assert [one["name"] for one in objects] == [NAMES[i] for i in right.ids[:3]]
    assert np.allclose([one["box"] for one in objects], right.boxes[:3], atol=0.01)
    assert len(objects) == 3  # the others' scores are too low to be told
    assert capsys.readouterr().out.count("1.00") == 3
    with Image.open(files[2]) as result:
        assert result.size == image.size
