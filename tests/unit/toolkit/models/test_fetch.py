"""The hub, played by a server on this machine that speaks the few endpoints that huggingface_hub needs.

huggingface_hub reads its environment when it is imported, so each hub is asked from a process of its own that imports
huggingface_hub anew, with several questions at a time: ``ask`` returns an answer for each.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from support import warm

ROOT = Path(__file__).resolve().parents[4]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
WAYS_OUT = ("HF_ENDPOINT", "hf-mirror.com", "modelscope.cn", "model.source", "--weights random")

ASK = """
import json, sys, time

for name in [name for name in sys.modules if name.split(".")[0] == "huggingface_hub"]:
    del sys.modules[name]

from pathlib import Path
from recipebuild.errors import RecipebuildError
from recipebuild.verbs.new import new
from recipebuild.toolkit.models.fetch import look_up
from recipebuild.steps import fetch

for i, params in enumerate(json.loads(sys.argv[1])):
    out = Path(sys.argv[2]) / str(i)
    out.mkdir(parents=True)
    start = time.monotonic()
    try:
        said = []
        progress = lambda fraction, text="": said.append([fraction, text])
        if "look_up" in params:
            found = look_up(params["look_up"], None)
            here = sorted(path.name for path in found.folder.iterdir())
            answer = {"commit": found.commit, "names": sorted(found.names), "here": here}
        elif "new" in params:
            answer = {"recipe": new(params["new"], out / "mine.yaml", sets=["input.shape=[1,3,64,128]"]).text}
        else:
            answer = {"metrics": fetch.run({}, fetch.Params(**params), out, progress)}
        (out.parent / f"said-{i}.json").write_text(json.dumps(said))
    except RecipebuildError as error:
        answer = {"error": type(error).__name__, "message": error.message, "remedy": error.remedy}
        answer["seconds"] = time.monotonic() - start
    files = {path.relative_to(out).as_posix(): path.stat().st_size for path in out.rglob("*") if path.is_file()}
    print(json.dumps({**answer, "files": files, "imported": "huggingface_hub" in sys.modules}))
"""


@dataclass
class Hub:
    """What the server has and how it behaves.

    Attributes:
        models: By hub id: the files of the one commit that each model has, ``COMMIT``.
        replies: By hub id: an HTTP status and an error code to answer with instead.
        slow: By hub id: ``never`` answers, never answers for ``files``, or only ``drips``.
        requests: ``METHOD path`` of what was asked.
        tokens: What came as Authorization.
    """

    models: dict[str, dict[str, bytes]] = field(default_factory=dict)
    replies: dict[str, tuple[int, str]] = field(default_factory=dict)
    slow: dict[str, str] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    tokens: set[str | None] = field(default_factory=set)
    address: str = ""
    over: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def hub(tiny_segformer: Path) -> Iterator[Hub]:
    files = {path.name: path.read_bytes() for path in tiny_segformer.iterdir()}
    state = Hub({"me/tiny": {**files, "README.md": b"#", "pytorch_model.bin": b"pickle", "tf_model.h5": b"tf"}})

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            state.requests.append(f"{self.command} {self.path}")
            state.tokens.add(self.headers["Authorization"])
            parts = self.path.partition("?")[0].strip("/").split("/")
            is_api = parts[:2] == ["api", "models"]
            owner, name, *rest = parts[2:] if is_api else parts
            hub_id = f"{owner}/{name}"
            slow = state.slow.get(hub_id)
            if slow == "never" or (slow == "files" and not is_api):
                state.over.wait()
            elif slow == "drips":
                self.drip()
            elif hub_id in state.replies:
                self.refuse(*state.replies[hub_id])
            elif hub_id not in state.models:
                self.refuse(404, "RepoNotFound")
            elif (rest[1] if rest else "main") not in ("main", COMMIT):
                self.refuse(404, "RevisionNotFound")
            elif is_api:
                siblings = [{"rfilename": file, "size": len(body)} for file, body in state.models[hub_id].items()]
                self.answer(json.dumps({"id": hub_id, "sha": COMMIT, "siblings": siblings}).encode())
            elif rest[2] in state.models[hub_id]:
                self.answer(state.models[hub_id][rest[2]])
            else:
                self.refuse(404, "EntryNotFound")

        def answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{hashlib.sha1(body).hexdigest()}"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def refuse(self, status: int, code: str) -> None:
            body = b"<html>sign in to this network</html>" if status == 200 else b"{}"
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def drip(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            while not state.over.wait(0.5):
                self.wfile.write(b" ")
                self.wfile.flush()

        def log_message(self, *args: Any) -> None: ...

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *args: Any) -> None: ...  # clients that go away are part of the play

    server = Server(("127.0.0.1", 0), Handler)
    state.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield state
    state.over.set()
    server.shutdown()
    server.server_close()


class Asker:
    """A process that asks the hub; ``answers`` waits for it."""

    def __init__(self, endpoint: str, home: Path, *questions: dict[str, Any], **environment: str) -> None:
        home.mkdir(exist_ok=True)
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING"))}
        own = {"HOME": str(home), "HF_HOME": str(home / "hf"), "HF_ENDPOINT": endpoint, **environment}
        (home / "ask.py").write_text(ASK)
        arguments = [json.dumps(questions), str(home / f"out-{time.monotonic_ns()}")]
        self.process = warm.Forked(arguments, ROOT, clean | own, home / "ask.py")

    def answers(self) -> list[dict[str, Any]]:
        out, self.messages = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, self.messages
        return [json.loads(line) for line in out.splitlines()]


def ask(endpoint: str, home: Path, *questions: dict[str, Any], **environment: str) -> list[dict[str, Any]]:
    return Asker(endpoint, home, *questions, **environment).answers()


def test_what_a_build_needs_is_fetched_and_nothing_else(hub: Hub, tmp_path: Path) -> None:
    (answer,) = ask(hub.address, tmp_path, {"hub_id": "me/tiny"})
    assert set(answer["files"]) == {"model/config.json", "model/model.safetensors"}
    assert answer["files"]["model/model.safetensors"] == len(hub.models["me/tiny"]["model.safetensors"])
    assert answer["metrics"] == {"origin": "hub", "commit": COMMIT, "bytes": sum(answer["files"].values())}
    assert not [request for request in hub.requests if "pytorch_model" in request or "README" in request]


def test_the_download_is_told_in_bytes(hub: Hub, tmp_path: Path) -> None:
    ask(hub.address, tmp_path, {"hub_id": "me/tiny"})
    (path,) = tmp_path.glob("out-*/said-0.json")
    progress = json.loads(path.read_text())
    size = sum(len(hub.models["me/tiny"][name]) for name in ("config.json", "model.safetensors")) / 1e6
    assert progress[-1] == [1.0, f"model.safetensors, {size:.1f} MB of {size:.1f} MB"]
    assert [fraction for fraction, _ in progress] == sorted(fraction for fraction, _ in progress)


def test_looking_a_model_up_fetches_no_weights(hub: Hub, tmp_path: Path) -> None:
    hub.models["me/tiny"]["preprocessor_config.json"] = b"{}"
    (answer,) = ask(hub.address, tmp_path, {"look_up": "me/tiny"})
    assert answer["commit"] == COMMIT and "model.safetensors" in answer["names"]
    assert answer["here"] == ["config.json", "preprocessor_config.json"]
    (again,) = ask("http://127.0.0.1:9", tmp_path, {"look_up": "me/tiny"})
    assert again["commit"] == COMMIT and again["here"] == answer["here"], "from the cache, as the hub is away"
    (missing,) = ask(hub.address, tmp_path, {"look_up": "me/nothing"})
    assert missing["error"] == "MissingError" and "me/nothing" in missing["message"]


def test_new_pins_the_commit_of_a_model_of_the_hub_and_fetches_no_weights(hub: Hub, tmp_path: Path) -> None:
    hub.models["me/pickled"] = {k: v for k, v in hub.models["me/tiny"].items() if k != "model.safetensors"}
    tiny, pickled = ask(hub.address, tmp_path, {"new": "me/tiny"}, {"new": "me/pickled"})
    for answer, source in ((tiny, "me/tiny"), (pickled, "me/pickled")):
        assert f"source: {source} " in answer["recipe"]
        assert re.search(rf'revision: "?{COMMIT}"? ', answer["recipe"]), "the commit of main, as it is now"
    assert not [request for request in hub.requests if "safetensors" in request or "pytorch_model" in request]


def test_a_pinned_commit_in_the_cache_needs_no_network(hub: Hub, tmp_path: Path) -> None:
    pinned = {"hub_id": "me/tiny", "revision": COMMIT}
    first = ask(hub.address, tmp_path, pinned)
    hub.requests.clear()
    assert ask(hub.address, tmp_path, pinned) == first
    assert hub.requests == []


def test_a_branch_is_taken_from_the_cache_when_the_hub_is_away(hub: Hub, tmp_path: Path) -> None:
    (first,) = ask(hub.address, tmp_path, {"hub_id": "me/tiny"})
    hub.replies["me/tiny"] = (503, "")
    away = Asker(hub.address, tmp_path, {"hub_id": "me/tiny"})
    assert away.answers() == [first]
    assert "RB801 the hub cannot be reached" in away.messages
    assert ask(hub.address, tmp_path, {"hub_id": "me/tiny"}, HF_HUB_OFFLINE="1") == [first]
    for weights in (tmp_path / "hf").rglob("model.safetensors"):
        weights.unlink()
    (answer,) = ask(hub.address, tmp_path, {"hub_id": "me/tiny"})
    assert answer["error"] == "UnreachableError"


def test_a_token_goes_to_the_hub(hub: Hub, tmp_path: Path) -> None:
    ask(hub.address, tmp_path, {"hub_id": "me/tiny"}, HF_TOKEN="hf_secret")
    assert "Bearer hf_secret" in hub.tokens


def test_pickles_and_shards(hub: Hub, tmp_path: Path) -> None:
    tiny = hub.models["me/tiny"]
    hub.models["me/pickle"] = {"config.json": tiny["config.json"], "pytorch_model.bin": pickle.dumps({})}
    part = "model-00001-of-00001.safetensors"
    hub.models["me/shards"] = {
        "config.json": tiny["config.json"],
        part: tiny["model.safetensors"],
        "model.safetensors.index.json": json.dumps({"metadata": {}, "weight_map": {"a": part}}).encode(),
    }
    refused, allowed, shards = ask(
        hub.address,
        tmp_path,
        {"hub_id": "me/pickle"},
        {"hub_id": "me/pickle", "allow_pickle": True},
        {"hub_id": "me/shards"},
    )
    assert refused["error"] == "StepError"
    assert "me/pickle" in refused["message"]
    assert "model.allow_pickle: true" in refused["remedy"]
    assert set(allowed["files"]) == {"model/config.json", "model/pytorch_model.bin"}
    assert set(shards["files"]) == {"model/config.json", f"model/{part}", "model/model.safetensors.index.json"}


def test_refusals_of_the_hub_are_told_apart(hub: Hub, tmp_path: Path) -> None:
    hub.replies = {"me/down": (500, ""), "me/busy": (429, ""), "me/gated": (403, "GatedRepo"), "me/portal": (200, "")}
    hub.replies["me/private"] = (401, "RepoNotFound")
    hub.models["me/empty"] = {}
    asked = ["me/down", "me/busy", "me/gated", "me/private", "me/portal", "me/nowhere", "me/empty", "a/b/c"]
    answers = ask(hub.address, tmp_path, *({"hub_id": hub_id} for hub_id in asked))
    answers += ask(hub.address, tmp_path, {"hub_id": "me/tiny", "revision": "v9"})
    for answer, (error, words) in zip(
        answers,
        [
            ("UnreachableError", "cannot be reached for me/down"),
            ("UnreachableError", "cannot be reached for me/busy"),
            ("MissingError", "me/gated is not on 127.0.0.1"),
            ("MissingError", "private or gated (HTTP 401)"),
            ("MissingError", "cannot be reached for me/portal"),
            ("MissingError", "me/nowhere is not on 127.0.0.1"),
            ("StepError", "me/empty at 0123456789abcdef0123456789abcdef01234567 has no config.json"),
            ("RecipeError", "model.source: a/b/c cannot be a hub id"),
            ("MissingError", "model.revision: me/tiny on 127.0.0.1"),
        ],
        strict=True,
    ):
        assert (answer["error"], words in answer["message"]) == (error, True), answer
        assert "\n" not in answer["message"]
        assert answer["files"] == {}
        if error in ("MissingError", "UnreachableError"):
            assert all(way in answer["remedy"] for way in WAYS_OUT)


def test_no_network_is_told_within_15_seconds(hub: Hub, tmp_path: Path) -> None:
    hub.slow = {"me/black-hole": "never", "me/no-files": "files", "me/drips": "drips"}
    hub.models["me/no-files"] = hub.models["me/tiny"]
    question = {"hub_id": "me/tiny"}
    askers = [
        *(
            Asker(hub.address, tmp_path / name, {"hub_id": f"me/{name}"})
            for name in ("black-hole", "no-files", "drips")
        ),
        Asker("http://127.0.0.1:9", tmp_path / "refused", question),
        Asker("http://hub.invalid", tmp_path / "no-name", question),
        Asker(hub.address, tmp_path / "offline", question, HF_HUB_OFFLINE="1"),
    ]
    for asker in askers:
        (answer,) = asker.answers()
        assert answer["error"] == "MissingError"
        assert "cannot be reached" in answer["message"]
        assert all(way in answer["remedy"] for way in WAYS_OUT)
        assert answer["seconds"] < 15


def test_a_password_in_the_endpoint_is_not_told(hub: Hub, tmp_path: Path) -> None:
    hub.replies = {"me/down": (500, "")}
    endpoint = hub.address.replace("http://", "http://me:secret@")
    (answer,) = ask(endpoint, tmp_path, {"hub_id": "me/down"})
    assert answer["error"] == "UnreachableError"
    assert "secret" not in answer["message"] + answer["remedy"]


def test_random_weights_never_touch_the_network(hub: Hub, tmp_path: Path) -> None:
    known = {"hub_id": "nvidia/segformer-b0-finetuned-cityscapes-640-1280", "weights": "random"}
    answer, unknown = ask(hub.address, tmp_path, known, {"hub_id": "me/tiny", "weights": "random"})
    assert set(answer["files"]) == {"model/config.json"}
    assert answer["metrics"]["origin"] == "family"
    assert unknown["error"] == "RecipeError"
    assert hub.requests == []
    assert not unknown["imported"]


def test_a_cache_that_cannot_be_written_is_not_the_hubs_fault(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    (answer,) = ask(hub.address, tmp_path, {"hub_id": "me/tiny"}, HF_HOME=str(tmp_path / "file" / "hf"))
    assert answer["error"] == "StepError"
    assert "HF_HOME" in answer["remedy"]
