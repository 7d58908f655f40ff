"""Advice: what is allowed, and yet most often a mistake."""

from __future__ import annotations

import pytest

from recipebuild.recipe.advice import advice

UNITS = "warning: RB102 input.mean and input.std look like 0..1 units"
PINNED = "revision: " + "0123456789" * 4


def test_nothing_to_say_of_a_good_recipe(desk, good):
    assert advice(desk.one(good).recipe) == []


def test_units_of_zero_to_one(desk, good):
    (text,) = advice(desk.one(good, "input.mean=[0.485, 0.456, 0.406]", "input.std=[0.229, 0.224, 0.225]").recipe)
    assert text.startswith(UNITS)
    assert "mean: [123.675, 116.28, 103.53] and std: [58.395, 57.12, 57.375]" in text


@pytest.mark.parametrize(
    ("mean", "std"), [("[0, 0, 0]", "[1, 1, 1]"), ("[0, 0, 0]", "[255, 255, 255]"), ("[1, 1, 2]", "[1, 1, 1]")]
)
def test_units_that_are_fine(desk, good, mean, std):
    assert advice(desk.one(good, f"input.mean={mean}", f"input.std={std}").recipe) == []


def test_a_hub_model_without_a_commit(desk, good):
    hub = good.replace("./net", "nvidia/mit-b0")
    assert advice(desk.one(hub).recipe)[0].startswith("note: RB501 model.revision is not pinned to a commit")
    assert "`main` can move" in advice(desk.one(hub, "model.revision=main").recipe)[0]
    assert advice(desk.one(hub.replace("mit-b0", "mit-b0\n  " + PINNED.replace(": ", ": '") + "'")).recipe) == []


def test_random_weights_mean_nothing(desk, good):
    (text,) = advice(desk.one(good.replace("./net", "nvidia/mit-b0"), "model.weights=random").recipe)
    assert text.startswith("note: RB502 model.weights is random")


def test_the_drawn_images_are_for_the_model_that_comes_with_them(desk, good):
    desk.write("quickstart/calibration/a.jpg", b"")
    desk.write("quickstart/model/config.json", '{"model_type": "segformer"}')
    drawn = good.replace("./images", "./quickstart/calibration")
    (text,) = advice(desk.one(drawn).recipe)
    assert text.startswith("note: RB212 ")
    assert "real images of your own should take their place: --set calibration.source=" in text
    assert advice(desk.one(drawn.replace("./net", "./quickstart/model")).recipe) == []
    desk.write("quickstart-detector/detector.onnx", "")
    assert advice(desk.one(drawn.replace("./net", "./quickstart-detector/detector.onnx")).recipe) == []


def test_smooth_quant_beside_equalize_is_done_twice(desk, good):
    both = "\nequalize: {}\nquantization: {smooth_quant: {}}\n"
    assert any(
        "note: RB315 quantization.smooth_quant does again what equalize.layer_norm did" in line
        for line in advice(desk.one(good + both).recipe)
    )
    apart = both.replace("equalize: {}", "equalize: {layer_norm: false}")
    assert not any("smooth_quant" in line for line in advice(desk.one(good + apart).recipe))


def test_a_method_for_each_tensor_is_not_what_pulsar2_would_do(desk, good):
    here = "\nquantization: {method: auto}\ntarget: {toolchain: onnxruntime}\n"
    (text,) = [line for line in advice(desk.one(good + here).recipe) if "RB316" in line]
    assert text.startswith("note: ") and "pulsar2.json says MinMax" in text
