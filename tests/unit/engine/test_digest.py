"""Digests: one spelling of JSON, files with their companions, folders as trees."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from recipebuild.engine.digest import canonical_json, digest_json, digest_listing
from recipebuild.engine.sources import digest_source
from recipebuild.engine.statcache import StatCache
from recipebuild.files import digest_file


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_json_has_one_spelling() -> None:
    assert canonical_json({"b": [1, 2.5, None], "a": "ä"}) == '{"a":"ä","b":[1,2.5,null]}'
    assert digest_json({"b": 1, "a": 2}) == digest_json({"a": 2, "b": 1}) == sha256(b'{"a":2,"b":1}')


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_has_no_number_for_has_no_digest(value: float) -> None:
    with pytest.raises(ValueError):
        digest_json({"x": value})


def test_what_json_has_no_word_for_has_no_digest(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        digest_json({"x": tmp_path})


def test_a_listing_is_digested_in_any_order() -> None:
    files = [("b", "2"), ("a", "1")]
    assert digest_listing(files) == digest_listing(files[::-1]) == sha256(b'[["a","1"],["b","2"]]')


def test_a_name_that_is_no_utf_8_counts_by_its_bytes(tmp_path: Path) -> None:
    for name in (b"stra\xdfe.png", b"plain.png"):
        (tmp_path / os.fsdecode(name)).write_bytes(name)
    listing = {name: sha256(name) for name in (b"plain.png", b"stra\xdfe.png")}
    entries = b",".join(b'["%s","%s"]' % (name, digest.encode()) for name, digest in listing.items())
    assert digest_source(tmp_path, StatCache(None)) == sha256(b"[" + entries + b"]")


def test_a_file_alone_is_its_content(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"content")
    for name in ("model.onn", "model.onnxx", "other.onnx.data", "model.onnx-old"):
        (tmp_path / name).write_bytes(b"not of it")
    (tmp_path / "model.onnx.d").mkdir()
    assert digest_source(path, StatCache(None)) == digest_file(path) == sha256(b"content")


def test_a_files_companions_count_by_name_and_content(tmp_path: Path) -> None:
    path = tmp_path / "model[1].onnx"  # which a pattern would read as model1.onnx
    path.write_bytes(b"content")
    (tmp_path / "model1.onnx.data").write_bytes(b"of another model")
    alone = digest_source(path, StatCache(None))
    seen = {alone}
    for name in ("model[1].onnx.data", "model[1].onnx_data"):
        (tmp_path / name).write_bytes(b"weights")
        seen.add(digest_source(path, StatCache(None)))
    (tmp_path / "model[1].onnx_data").write_bytes(b"other weights")
    seen.add(digest_source(path, StatCache(None)))
    assert alone == sha256(b"content") and len(seen) == 4


def test_a_folder_is_the_names_and_contents_of_its_files(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        (folder / "sub").mkdir(parents=True)
        (folder / "sub" / "b").write_bytes(b"2")
        (folder / "a").write_bytes(b"1")
    expected = digest_listing([("a", sha256(b"1")), ("sub/b", sha256(b"2"))])
    assert digest_source(one, StatCache(None)) == digest_source(two, StatCache(None)) == expected
    (two / "a").rename(two / "c")
    assert digest_source(two, StatCache(None)) != expected


def test_a_folder_of_one_file_is_not_that_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    assert digest_source(tmp_path, StatCache(None)) == digest_listing([("a", sha256(b"1"))]) != sha256(b"1")


def test_a_link_to_a_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a").write_bytes(b"1")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to(tmp_path / "real")
    assert digest_source(tmp_path / "folder", StatCache(None)) == digest_listing([("link/a", sha256(b"1"))])


def test_a_digest_is_remembered_as_what_the_rest_of_the_engine_looks_for(tmp_path: Path) -> None:
    path, cache = tmp_path / "a", StatCache(None)
    path.write_bytes(b"1")
    time.sleep(0.05)  # past the timestamp's resolution
    digest = digest_source(path, cache)
    assert cache.get(path, "sha256", lambda: pytest.fail("it was read again")) == digest


def test_what_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        digest_source(tmp_path / "nothing", StatCache(None))
