"""One preprocessing contract: calibration, the Pulsar2 fields, the evaluator and the board's program agree."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from recipebuild.errors import StepError
from recipebuild.resources import shipped, template_sources
from recipebuild.toolkit.calibration.archive import read_archive
from recipebuild.toolkit.calibration.preprocess import preprocess
from recipebuild.toolkit.calibration.runtime import as_network, runtime_tensor
from recipebuild.toolkit.calibration.spec import ImageSpec, Runtime
from recipebuild.toolkit.calibration.tensors import write_tensors
from recipebuild.toolkit.pulsar2.compose import BuildSettings
from recipebuild.toolkit.pulsar2.render import rendered
from recipebuild.toolkit.quantize.dataset import CalibrationSet

SPEC = ImageSpec(shape=(1, 3, 16, 32), color="BGR", mean=(103.53, 116.28, 123.675), std=(57.375, 57.12, 58.395))


@pytest.fixture
def archive(street_images: Path, tmp_path: Path) -> Path:
    path = tmp_path / "calibration.tar"
    with tarfile.open(path, "w") as tar:
        for image in sorted(street_images.iterdir())[:3]:
            tar.add(image, image.name)
    return path


def config(runtime: Runtime, **changes: Any) -> dict[str, Any]:
    build = BuildSettings(hardware="AX650", npu_mode="NPU3", count=3, input=SPEC, runtime=runtime, **changes)
    values: dict[str, Any] = json.loads(rendered(build, template_sources([shipped("templates")])["pulsar2"]).text)
    return values


def by_the_configuration(fed: np.ndarray, processor: dict[str, Any]) -> np.ndarray:
    """What Pulsar2 is documented to put before the network, computed from the fields of the configuration alone."""
    values = fed.astype(np.float32)
    channels_last = processor.get("src_layout", "NCHW") == "NHWC"
    shape = (1, 1, 1, 3) if channels_last else (1, 3, 1, 1)
    mean, std = (np.array(processor[name], np.float32).reshape(shape) for name in ("mean", "std"))
    values = (values - mean) / std
    return values.transpose(0, 3, 1, 2) if channels_last else values


@pytest.mark.parametrize(
    "runtime",
    [
        Runtime(),
        Runtime(layout="NCHW"),
        Runtime(dtype="FP32"),
        Runtime(dtype="FP32", normalized=True, layout="NCHW"),
        Runtime(format="BGR"),
    ],
)
def test_one_image_is_the_same_tensor_for_calibration_configuration_evaluator_and_board(
    archive: Path, runtime: Runtime, tmp_path: Path
) -> None:
    write_tensors(CalibrationSet(archive, SPEC).named(), "Numpy", tmp_path / "tensors.tar")
    (processor,) = config(runtime)["input_processors"]
    assert processor["tensor_format"] == processor["src_format"] == SPEC.color
    with tarfile.open(tmp_path / "tensors.tar") as tar:
        for name, image in read_archive(archive):
            evaluator = preprocess(image, SPEC)
            calibrated = np.load(io.BytesIO(tar.extractfile(f"{name}.npy").read()))
            fed = runtime_tensor(image, SPEC, runtime)
            assert fed.shape == runtime.shape(SPEC)
            assert fed.dtype == (np.uint8 if runtime.dtype == "U8" else np.float32)
            for other in (calibrated, as_network(fed, SPEC, runtime), by_the_configuration(fed, processor)):
                np.testing.assert_array_equal(other, evaluator)


@pytest.mark.parametrize("format", ["YUV420SP", "YVU420SP", "YUYV422", "UYVY422"])
@pytest.mark.parametrize("mode", ["FullRange", "LimitedRange"])
def test_yuv_is_what_another_implementation_makes_of_the_same_pixels(format: Any, mode: str) -> None:
    """Against Pillow's, which has the full range, and cuts fractions off. In blocks of 2x2 sharing loses nothing."""
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (8, 16, 3), dtype=np.uint8)).resize((32, 16), Image.Resampling.NEAREST)
    expected = np.asarray(image.convert("YCbCr")).astype(float)
    if mode == "LimitedRange":
        expected = (expected - (0, 128, 128)) * (219 / 255, 224 / 255, 224 / 255) + (16, 128, 128)
    runtime = Runtime.model_validate({"format": format, "csc": {"mode": mode}})
    fed = runtime_tensor(image, SPEC, runtime)
    assert (fed.shape, fed.dtype.name) == (runtime.shape(SPEC), "uint8")
    if format.endswith("420SP"):
        luma, colours = fed[0, :16, :, 0], fed[0, 16:, :, 0].reshape(8, 16, 2).repeat(2, 0).repeat(2, 1)
    else:
        pairs = fed[0] if format == "YUYV422" else fed[0, ..., ::-1]
        luma, colours = pairs[..., 0], pairs[..., 1].reshape(16, 16, 2).repeat(2, 1)
    if format == "YVU420SP":
        colours = colours[..., ::-1]
    converted = np.concatenate([luma[..., np.newaxis], colours], axis=-1).astype(float)
    np.testing.assert_allclose(converted, expected, atol=1.6)


def test_yuv_that_cannot_be_made_is_an_error(archive: Path) -> None:
    _, image = next(iter(read_archive(archive)))
    with pytest.raises(StepError, match="cannot be YUV420SP"):
        runtime_tensor(image, SPEC.model_copy(update={"shape": (1, 3, 15, 32)}), Runtime(format="YUV420SP"))
    own = {"mode": "Matrix", "matrix": [0.0] * 12}
    with pytest.raises(StepError, match="your own csc matrix"):
        runtime_tensor(image, SPEC, Runtime.model_validate({"format": "YUV420SP", "csc": own}))


def test_formats_of_tensors(archive: Path, tmp_path: Path) -> None:
    spec = SPEC.model_copy(update={"shape": (2, 3, 16, 32)})
    first, image = next(iter(read_archive(archive)))
    expected = preprocess(image, spec).repeat(2, axis=0)
    members = {}
    for kind, suffix in (("Numpy", "npy"), ("Binary", "bin"), ("NumpyObject", "npy")):
        assert write_tensors(CalibrationSet(archive, spec).named(), kind, tmp_path / f"{kind}.tar") == 3  # type: ignore[arg-type]
        with tarfile.open(tmp_path / f"{kind}.tar") as tar:
            members[kind] = tar.extractfile(f"{first}.{suffix}").read()
    np.testing.assert_array_equal(np.load(io.BytesIO(members["Numpy"])), expected)
    assert members["Binary"] == expected.tobytes()
    (name, tensor), *more = np.load(io.BytesIO(members["NumpyObject"]), allow_pickle=True).item().items()
    assert (name, more) == ("pixel_values", [])
    np.testing.assert_array_equal(tensor, expected)


@pytest.mark.parametrize("kind", ["Numpy", "Binary", "NumpyObject"])
def test_same_images_same_bytes(archive: Path, tmp_path: Path, kind: Any) -> None:
    for name in ("a", "b"):
        write_tensors(CalibrationSet(archive, SPEC).named(), kind, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_images_of_one_name_stay_apart(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "c.tar", "w") as tar:
        for name in ("a.png", "a.bmp"):
            Image.new("RGB", (4, 4)).save(tmp_path / name)
            tar.add(tmp_path / name, name)
    write_tensors(CalibrationSet(tmp_path / "c.tar", SPEC).named(), "Binary", tmp_path / "t.tar")
    with tarfile.open(tmp_path / "t.tar") as tar:
        assert tar.getnames() == ["a.bmp.bin", "a.png.bin"]


@pytest.mark.parametrize(
    ("kind", "name", "archive_name"),
    [
        ("Numpy", "pixel_values", "calibration-tensors.tar"),
        ("Binary", "pixel_values", "calibration-tensors.tar"),
        ("NumpyObject", "DEFAULT", "calibration-tensors.tar"),
        ("Image", "pixel_values", "calibration.tar"),
    ],
)
def test_tensors_are_not_normalized_twice(kind: str, name: str, archive_name: str) -> None:
    (entry,) = config(Runtime(), format=kind)["quant"]["input_configs"]
    assert (entry["tensor_name"], entry["calibration_dataset"]) == (name, archive_name)
    assert ("calibration_mean" in entry) == ("calibration_std" in entry) == (kind == "Image")


@pytest.mark.parametrize(
    ("format", "shape"),
    [
        ("YUV420SP", (1, 24, 32, 1)),
        ("YVU420SP", (1, 24, 32, 1)),
        ("YUYV422", (1, 16, 32, 2)),
        ("UYVY422", (1, 16, 32, 2)),
    ],
)
def test_yuv(format: Any, shape: tuple[int, ...]) -> None:
    matrix = [1.164, 0.0, 1.596, -0.871, 1.164, -0.392, -0.813, 0.529, 1.164, 2.017, 0.0, -1.082]
    runtime = Runtime.model_validate({"format": format, "csc": {"mode": "Matrix", "matrix": matrix}})
    (processor,) = config(runtime)["input_processors"]
    assert processor["tensor_format"] == "BGR"
    assert processor["src_format"] == format
    assert (processor["csc_mode"], processor["csc_mat"]) == ("Matrix", matrix)
    assert runtime.shape(SPEC) == shape
    (plain,) = config(Runtime(format=format))["input_processors"]
    assert plain["csc_mode"] == "FullRange"
