"""Model folders: which files count, and damage that is found before anything is copied."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from recipebuild.errors import StepError
from recipebuild.toolkit.models.checkpoint import check_folder, weight_files


@pytest.fixture
def folder(tiny_segformer: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model that a test may damage."""
    return Path(shutil.copytree(tiny_segformer, tmp_path / "model"))


def shard(folder: Path) -> Path:
    """Split the folder's weights into two files with an index."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(tensors)
    parts = {f"model-0000{i + 1}-of-00002.safetensors": names[i::2] for i in range(2)}
    for part, keys in parts.items():
        save_file({key: tensors[key] for key in keys}, folder / part, metadata={"format": "pt"})
    weight_map = {key: part for part, keys in parts.items() for key in keys}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    return folder


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"model.safetensors", "pytorch_model.bin"}, ["model.safetensors"]),
        ({"pytorch_model.bin", "tf_model.h5"}, ["pytorch_model.bin"]),
        ({"tf_model.h5", "flax_model.msgpack", "other.safetensors"}, []),
        (
            {"model.safetensors.index.json", "model-00002-of-00002.safetensors", "model-00001-of-00002.safetensors"},
            ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"],
        ),
    ],
)
def test_weight_files(names: set[str], expected: list[str]) -> None:
    assert weight_files(names) == expected


def test_a_whole_folder_passes(folder: Path) -> None:
    (folder / "training_args.bin").write_bytes(b"pickle")
    for name in ("preprocessor_config.json", "processor_config.json"):
        (folder / name).write_text("{}")
    files = check_folder(folder, allow_pickle=False, where="here")
    assert files == ["config.json", "preprocessor_config.json", "processor_config.json", "model.safetensors"]


def test_a_whole_folder_of_shards_passes(folder: Path) -> None:
    assert len(check_folder(shard(folder), allow_pickle=False, where="here")) == 4


def cut(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])


def pickled(folder: Path) -> None:
    import torch
    from safetensors.torch import load_file

    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def write(name: str, text: str) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        (folder / name).write_text(text)

    return apply


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def lose_a_shard(folder: Path) -> None:
    (shard(folder) / "model-00002-of-00002.safetensors").unlink()


def forget_the_metadata(folder: Path) -> None:
    index = shard(folder) / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": json.loads(index.read_text())["weight_map"]}))


@pytest.mark.parametrize(
    ("damage", "message", "remedy"),
    [
        (remove("config.json"), "has no config.json", "Hugging Face layout"),
        (write("config.json", "{model_type: segformer}"), "config.json is not JSON", "again"),
        (write("config.json", "[1]"), "config.json is not a JSON object", "again"),
        (write("config.json", "{}"), "names no model_type", "model_type"),
        (remove("model.safetensors"), "has no weights", "model.safetensors"),
        (pickled, "only pickled weights (pytorch_model.bin)", "model.allow_pickle: true"),
        (cut, "model.safetensors is damaged or cut short", "again"),
        (
            write("model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0"),
            "damaged",
            "git lfs pull",
        ),
        (write("model.safetensors", ""), "damaged or cut short", "again"),
        (lose_a_shard, "lacks model-00002-of-00002.safetensors", "missing file"),
        (forget_the_metadata, "index.json has no metadata", "again"),
    ],
)
def test_damage_is_named(damage: Callable[[Path], None], message: str, remedy: str, folder: Path) -> None:
    damage(folder)
    with pytest.raises(StepError) as caught:
        check_folder(folder, allow_pickle=False, where=str(folder))
    assert message in caught.value.message
    assert caught.value.message.startswith("model.source: ")
    assert "\n" not in caught.value.message
    assert remedy in caught.value.remedy


def test_pickled_weights_pass_where_they_are_allowed(folder: Path) -> None:
    pickled(folder)
    assert check_folder(folder, allow_pickle=True, where="here") == ["config.json", "pytorch_model.bin"]
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"weight": [1.0]}))  # as torch before 1.6 wrote them
    assert check_folder(folder, allow_pickle=True, where="here") == ["config.json", "pytorch_model.bin"]


@pytest.mark.parametrize(
    "change", [lambda content: b"", lambda content: b"<html></html>", lambda content: content[:-100]]
)
def test_damaged_pickles_are_named_where_they_are_allowed(change: Callable[[bytes], bytes], folder: Path) -> None:
    pickled(folder)
    weights = folder / "pytorch_model.bin"
    weights.write_bytes(change(weights.read_bytes()))
    with pytest.raises(StepError, match=r"model\.source: .*pytorch_model\.bin is damaged or cut short") as caught:
        check_folder(folder, allow_pickle=True, where="here")
    assert "get the file again" in caught.value.remedy
