"""Fixtures that several rooms share: small models and images, made on the spot."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from support.shared import shared_folder

ROOT = Path(__file__).resolve().parent.parent

# Of torch, before it is imported, here and in processes that tests start: its threads wait for each other by spinning,
# and where all cores have work of their own that is most of what they do.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# What a shell starts in the background ignores Ctrl-C, and so would processes that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A machine that does other things besides is no fault of what is tested. `make test` tries the same examples each time;
# `make test-all` searches for new ones.
settings.register_profile("searching", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", settings.get_profile("searching"), derandomize=True)
settings.load_profile("same")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage among what is imported for the tests and lives to the end, neither now nor later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session")
def new_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder whose store knows the digests of our own code and has no results.

    To read all of the code costs a second and more, and every command that makes a plan in a new store has to.
    """
    return shared_folder(tmp_path_factory, "cache", _digest_code)


def _digest_code(cache: Path) -> None:
    from recipebuild.engine.code import code_parts
    from recipebuild.engine.store import Store
    from recipebuild.plan.kinds import KINDS

    (cache / "recipebuild").mkdir()
    stats = Store(cache / "recipebuild").stats
    for kind in KINDS.values():
        code_parts(kind.module, stats)
    stats.flush()


@pytest.fixture(scope="session", autouse=True)
def own_cache(new_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests that name no store have one of this worker, not the store of whoever runs them."""
    folder = tmp_path_factory.mktemp("cache")
    shutil.copytree(new_cache, folder, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield


@pytest.fixture(scope="session")
def tiny_segformer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SegFormer of a few thousand parameters in Hugging Face layout (config.json, model.safetensors), 19 classes."""
    return shared_folder(tmp_path_factory, "tiny-segformer", _save_tiny_segformer)


def _save_tiny_segformer(folder: Path) -> None:
    import torch
    from transformers import SegformerConfig, SegformerForSemanticSegmentation

    torch.manual_seed(0)
    config = SegformerConfig(
        num_labels=19,
        hidden_sizes=[8, 16, 24, 32],
        depths=[1, 1, 1, 1],
        num_attention_heads=[1, 2, 2, 4],
        decoder_hidden_size=32,
    )
    model = SegformerForSemanticSegmentation(config).eval()
    # Random weights put every pixel in one class, where an ArgMax comparison cannot fail: spread the logits per class.
    with torch.no_grad():
        logits = model(pixel_values=torch.rand(1, 3, 64, 128)).logits
        mean, std = logits.mean((0, 2, 3)), logits.std((0, 2, 3))
        classifier = model.decode_head.classifier
        classifier.weight.div_(std[:, None, None, None])
        classifier.bias.sub_(mean).div_(std)
    model.save_pretrained(folder, safe_serialization=True)


@pytest.fixture(scope="session")
def segformer_onnx(tiny_segformer: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``tiny_segformer`` as ONNX: pixel_values [1, 3, 64, 128] -> logits [1, 19, 16, 32]."""

    def export_to(folder: Path) -> None:
        from recipebuild.toolkit.models.export import export
        from recipebuild.toolkit.models.load import load

        module = load(tiny_segformer, task="semantic-segmentation", weights="pretrained", seed=0)
        export(
            module, folder / "export.onnx",
            input_name="pixel_values", output_name="logits", shape=(1, 3, 64, 128), opset=17, exporter="torchscript",
        )  # fmt: skip

    return shared_folder(tmp_path_factory, "exported", export_to) / "export.onnx"


@pytest.fixture
def street_images(tmp_path: Path) -> Path:
    """A folder with eight small, different JPEG images."""
    import numpy as np
    from PIL import Image

    folder = tmp_path / "streets"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(8):
        coarse = rng.integers(0, 256, (4, 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((128, 64), Image.Resampling.BICUBIC).save(folder / f"street-{i}.jpg", quality=92)
    return folder


@pytest.fixture
def pulsar2_folder(tmp_path: Path, street_images: Path) -> Path:
    """What ``pulsar2 build`` reads: model.onnx (input ``pixel_values``, 1x3x64x128), calibration.tar, pulsar2.json."""
    import tarfile

    from onnx import TensorProto, helper, save

    from recipebuild.resources import template_sources
    from recipebuild.toolkit.calibration.spec import ImageSpec
    from recipebuild.toolkit.pulsar2.compose import BuildSettings
    from recipebuild.toolkit.pulsar2.render import rendered

    folder = tmp_path / "pulsar2-folder"
    folder.mkdir()
    image = helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, [1, 3, 64, 128])
    classes = helper.make_tensor_value_info("argmax_output", TensorProto.INT64, [1, 1, 64, 128])
    node = helper.make_node("ArgMax", ["pixel_values"], ["argmax_output"], "argmax", axis=1, keepdims=1)
    save(helper.make_model(helper.make_graph([node], "g", [image], [classes])), folder / "model.onnx")
    with tarfile.open(folder / "calibration.tar", "w") as archive:
        for path in sorted(street_images.iterdir()):
            archive.add(path, path.name)
    spec = ImageSpec(shape=(1, 3, 64, 128), mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))
    build = BuildSettings(hardware="AX650", npu_mode="NPU3", count=8, input=spec)
    text = rendered(build, template_sources([ROOT / "templates"])["pulsar2"]).text
    (folder / "pulsar2.json").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def standins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """``standins("docker")`` puts the stand-ins of these names, and no other program, on PATH.

    It gives the folder of the stand-in docker's state: the list of ``calls``, and a file per running container.
    """
    programs, state = tmp_path / "programs", tmp_path / "containers"
    programs.mkdir()
    state.mkdir()
    # A link would not do: Python would look for its packages beside the link.
    (programs / "python3").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (programs / "python3").chmod(0o755)
    for name in ("DOCKER_CONTEXT", "XDG_RUNTIME_DIR", "PULSAR2_STANDIN_FAIL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_STANDIN_STATE", str(state))
    monkeypatch.setenv("DOCKER_HOST", "unix:///a-stand-in.sock")

    def put(*names: str) -> Path:
        for name in names:
            (programs / name).symlink_to(ROOT / "tests" / "standins" / name)
        monkeypatch.setenv("PATH", str(programs))
        return state

    return put


@pytest.fixture
def small_onnx(tmp_path: Path) -> Path:
    """An ONNX model of few operators, 1x3x16x32 -> logits 1x6x4x8, with shape arithmetic that can be folded away."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    constants = {
        "weight": rng.standard_normal((6, 3, 4, 4), dtype=np.float32) * np.float32(0.03),  # Tanh must not saturate
        "starts": np.array([0]),
        "ends": np.array([2]),
        "rest": np.array([-1]),
        "grid": np.array([1, 6, 4, 8]),
    }
    nodes = [
        helper.make_node("Conv", ["pixel_values", "weight"], ["features"], "conv", kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Shape", ["features"], ["sizes"], "shape"),
        helper.make_node("Slice", ["sizes", "starts", "ends"], ["first"], "slice"),
        helper.make_node("Concat", ["first", "rest"], ["flat_shape"], "concat", axis=0),
        helper.make_node("Reshape", ["features", "flat_shape"], ["flat"], "flatten"),
        helper.make_node("Tanh", ["flat"], ["squashed"], "squash"),
        helper.make_node("Reshape", ["squashed", "grid"], ["logits"], "unflatten"),
    ]
    nodes[0].metadata_props.add(key="pkg.torch.onnx.name_scopes", value="['', 'stem']")
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, [1, 3, 16, 32])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 6, 4, 8])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    path = tmp_path / "small.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.fixture
def colour_model(tmp_path: Path) -> Callable[..., Path]:
    """Makes ONNX models that class each pixel by its strongest channel (0 red, 1 green, 2 blue), at half the size.

    Their input is ``pixel_values`` [1, 3, 16, 32]; their output is ``argmax_output``, int64 [1, 1, 8, 16], unless
    ``outputs`` asks for ``logits``. ``step`` quantizes the input with that step size, as a QDQ model does.
    """
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def make(name: str = "model.onnx", outputs: Sequence[str] = ("argmax_output",), step: float = 0.0) -> Path:
        nodes = [
            helper.make_node("AveragePool", ["seen"], ["pooled"], kernel_shape=[2, 2], strides=[2, 2]),
            helper.make_node("Conv", ["pooled", "weight"], ["logits"], kernel_shape=[1, 1]),
            helper.make_node("ArgMax", ["logits"], ["argmax_output"], axis=1, keepdims=1),
        ]
        constants = [numpy_helper.from_array(np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1), "weight")]
        if step:
            scale = ["scale", "zero"]
            constants += [numpy_helper.from_array(np.float32(step), "scale")]
            constants += [numpy_helper.from_array(np.uint8(128), "zero")]
            nodes.insert(0, helper.make_node("QuantizeLinear", ["pixel_values", *scale], ["codes"]))
            nodes.insert(1, helper.make_node("DequantizeLinear", ["codes", *scale], ["seen"]))
        else:
            nodes.insert(0, helper.make_node("Identity", ["pixel_values"], ["seen"]))
        known = {
            "logits": helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 3, 8, 16]),
            "argmax_output": helper.make_tensor_value_info("argmax_output", TensorProto.INT64, [1, 1, 8, 16]),
        }
        graph = helper.make_graph(
            nodes,
            "colours",
            [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, [1, 3, 16, 32])],
            [known[output] for output in outputs],
            constants,
            value_info=[value for key, value in known.items() if key not in outputs],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(model, tmp_path / name)
        return tmp_path / name

    return make


@pytest.fixture
def colour_dataset(tmp_path: Path) -> Path:
    """Six labelled images that ``colour_model`` gets right to the last pixel: red, green and blue blocks of 4x4."""
    import numpy as np
    from PIL import Image

    folder = tmp_path / "dataset"
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for i in range(6):
        ids = rng.integers(0, 3, (4, 8), dtype=np.uint8).repeat(4, 0).repeat(4, 1)
        pixels = np.full((*ids.shape, 3), 90, np.uint8)
        np.put_along_axis(pixels, ids[..., np.newaxis], 130, axis=2)
        Image.fromarray(pixels).save(folder / f"images/{i}.png")
        Image.fromarray(ids).save(folder / f"labels/{i}.png")
    return folder
