"""From an image to the model's input."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms
from pydantic import ValidationError

from recipebuild.toolkit.calibration.decode import decode
from recipebuild.toolkit.calibration.preprocess import preprocess
from recipebuild.toolkit.calibration.spec import ImageSpec

MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def spec(height: int, width: int, **changes: Any) -> ImageSpec:
    return ImageSpec(**{"shape": (1, 3, height, width), "mean": MEAN, "std": STD, **changes})


def picture(height: int = 60, width: int = 100) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


def pixels(image: Image.Image) -> np.ndarray:
    """What the model would see with no normalization: H, W, C in 0..255."""
    plain = spec(image.height, image.width, mean=(0, 0, 0), std=(1, 1, 1))
    return preprocess(image, plain)[0].transpose(1, 2, 0)


@pytest.mark.parametrize("size", [(30, 50), (60, 100), (128, 256), (61, 33)], ids=str)
def test_it_equals_the_image_processor_that_segformer_was_trained_with(size: tuple[int, int]) -> None:
    from transformers.models.segformer.image_processing_pil_segformer import SegformerImageProcessorPil

    processor = SegformerImageProcessorPil(
        do_resize=True,
        size={"height": size[0], "width": size[1]},
        image_mean=[m / 255 for m in MEAN],
        image_std=[s / 255 for s in STD],
    )
    theirs = processor(picture(), return_tensors="np")["pixel_values"]
    ours = preprocess(picture(), spec(*size))
    assert ours.dtype == np.float32
    assert ours.shape == theirs.shape == (1, 3, *size)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)


def test_bgr_swaps_channels_and_takes_mean_and_std_in_its_own_order() -> None:
    rgb = preprocess(picture(), spec(60, 100))
    bgr = preprocess(picture(), spec(60, 100, color="BGR", mean=MEAN[::-1], std=STD[::-1]))
    np.testing.assert_array_equal(bgr, rgb[:, ::-1])
    assert not np.array_equal(bgr, rgb)


def test_the_input_is_contiguous_as_runtimes_want_it() -> None:
    assert preprocess(picture(), spec(60, 100, color="BGR")).flags.c_contiguous


def test_transparency_and_palettes_are_resolved_to_the_colours_beneath() -> None:
    image = picture()
    alpha = image.convert("RGBA")
    alpha.putalpha(7)
    np.testing.assert_array_equal(pixels(alpha), np.asarray(image))
    palette = image.quantize(16)
    np.testing.assert_array_equal(pixels(palette), np.asarray(palette.convert("RGB")))


def test_a_cmyk_jpeg_has_the_colours_that_it_shows() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), (200, 30, 30)).convert("CMYK").save(buffer, "JPEG", quality=95)
    image = decode(buffer.getvalue(), "cmyk.jpg")
    assert image.mode == "CMYK"
    assert np.abs(pixels(image) - (200, 30, 30)).max() < 8


def png(colour_type: int, row: bytes, width: int) -> Image.Image:
    """A PNG of one row with 16 bits per channel, which PIL does not write in colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, 1, 16, colour_type, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" + row)) + chunk(b"IEND", b"")
    return decode(b"\x89PNG\r\n\x1a\n" + body, "deep.png")


@pytest.mark.parametrize(("colour_type", "channels"), [(0, 1), (2, 3)], ids=["grey", "colour"])
def test_sixteen_bit_images_keep_their_high_byte(colour_type: int, channels: int) -> None:
    values = [0x0000, 0x00FF, 0x1234, 0x8000, 0xFFFF]
    row = b"".join(struct.pack(">H", value) * channels for value in values)
    image = png(colour_type, row, len(values))
    assert pixels(image)[0].tolist() == [[float(value >> 8)] * 3 for value in values]


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_an_exif_rotation_is_not_applied(format_: str) -> None:
    exif, turned, plain = Image.Exif(), io.BytesIO(), io.BytesIO()
    exif[0x0112] = 6  # "rotate by 90 degrees"
    picture().save(turned, format_, exif=exif)
    picture().save(plain, format_)
    image = decode(turned.getvalue(), "turned")
    assert image.getexif()[0x0112] == 6
    np.testing.assert_array_equal(pixels(image), pixels(decode(plain.getvalue(), "plain")))


def test_a_colour_profile_is_not_applied() -> None:
    image, buffer = picture(), io.BytesIO()
    image.save(buffer, "PNG", icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes())
    np.testing.assert_array_equal(pixels(decode(buffer.getvalue(), "profile.png")), np.asarray(image))


def test_grey_is_one_channel_by_bt_601() -> None:
    image = Image.new("RGB", (2, 1))
    image.putdata([(255, 0, 0), (10, 200, 30)])
    tensor = preprocess(image, ImageSpec(shape=(1, 1, 1, 2), color="GRAY", mean=(6,), std=(2,)))
    # 0.299 * 255 = 76; 0.299 * 10 + 0.587 * 200 + 0.114 * 30 = 124
    np.testing.assert_array_equal(tensor, np.array([[[[35, 59]]]], np.float32))


def test_grey_stays_grey() -> None:
    tensor = preprocess(Image.new("L", (1, 1), 77), ImageSpec(shape=(1, 1, 1, 1), color="GRAY", mean=(0,), std=(1,)))
    assert tensor.tolist() == [[[[77]]]]


@pytest.mark.parametrize(
    ("image", "pixel"),
    [
        (Image.new("RGBA", (1, 1), (1, 2, 3, 4)), [1, 2, 3, 4]),
        (Image.new("RGB", (1, 1), (1, 2, 3)), [1, 2, 3, 255]),
        (Image.new("L", (1, 1), 9), [9, 9, 9, 255]),
    ],
    ids=["RGBA", "RGB", "L"],
)
def test_transparency_is_the_fourth_channel(image: Image.Image, pixel: list[int]) -> None:
    tensor = preprocess(image, ImageSpec(shape=(1, 4, 1, 1), color="RGBA", mean=(0,) * 4, std=(1,) * 4))
    assert tensor.ravel().tolist() == pixel


@pytest.mark.parametrize(
    "changes",
    [
        {"shape": (1, 3, 0, 32)},
        {"shape": (1, 3, 32, -1)},
        {"shape": (0, 3, 32, 32)},
        {"shape": (1, 1, 32, 32)},
        {"shape": (3, 32, 32)},
        {"std": (1, 0, 1)},
        {"std": (1, -1, 1)},
        {"std": (1, float("inf"), 1)},
        {"mean": (float("nan"), 0, 0)},
        {"mean": (0, 0)},
        {"color": "GRB"},
        {"color": "GRAY"},
        {"shape": (1, 1, 32, 32), "color": "GRAY"},
        {"name": ""},
        {"layout": "NCHW"},
    ],
    ids=str,
)
def test_a_wrong_specification_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        spec(32, 32, **changes)


def test_the_specification_survives_json() -> None:
    assert ImageSpec.model_validate_json(spec(32, 64).model_dump_json()) == spec(32, 64)


@pytest.mark.parametrize(("align", "rows"), [("center", (4, 12)), ("top-left", (0, 8))])
def test_a_letterboxed_image_keeps_its_aspect_ratio_between_grey(align: Any, rows: tuple[int, int]) -> None:
    spec = ImageSpec(shape=(1, 3, 16, 16), mean=(0, 0, 0), std=(255, 255, 255), resize="letterbox", align=align)
    pixels = preprocess(Image.new("RGB", (32, 16), (255, 0, 0)), spec)[0].transpose(1, 2, 0)
    top, bottom = rows
    assert (pixels[top:bottom] == (1, 0, 0)).all()
    assert np.allclose(np.delete(pixels, range(top, bottom), axis=0), 114 / 255)


def test_a_letterboxed_image_of_the_inputs_shape_is_not_padded() -> None:
    image = Image.effect_noise((64, 32), 50).convert("RGB")
    plain = ImageSpec(shape=(1, 3, 16, 32), mean=(0, 0, 0), std=(1, 1, 1))
    assert np.array_equal(preprocess(image, plain), preprocess(image, plain.model_copy(update={"resize": "letterbox"})))
