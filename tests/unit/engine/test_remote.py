"""A store elsewhere: over S3's protocol and over SFTP on loopback, in a folder; and all that goes wrong there."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from support.s3 import BUCKET, S3Server, environment, start_s3
from support.sftp import SftpServer, start_sftp

from recipebuild.engine.digest import digest_json
from recipebuild.engine.events import Event
from recipebuild.engine.exchange import pull, push
from recipebuild.engine.explain import preview
from recipebuild.engine.record import Record
from recipebuild.engine.remote import Remote
from recipebuild.engine.run import run_steps
from recipebuild.engine.step import Output, Step
from recipebuild.engine.store import Store
from recipebuild.engine.task import Result
from recipebuild.engine.transfer import Transfer
from recipebuild.errors import CheckError, MissingError, RecipeError

pytestmark = pytest.mark.usefixtures("toys", "forked_workers")


def step(name: str, needs: tuple[str, ...] = (), **params: object) -> Step:
    inputs = {f"i{n}": Output(f"r/{need}", "text") for n, need in enumerate(needs)}
    return Step(f"r/{name}", name, "toys.join", {"text": name, **params}, inputs)


DIAMOND = [step("a"), step("b", ("a",)), step("c", ("a",)), step("d", ("b", "c"))]


class Machine:
    """A machine with a local store of its own in front of the remote one."""

    def __init__(self, folder: Path, url: str, patience: float = 30.0) -> None:
        self.root, self.url, self.patience = folder, url, patience
        self.warnings: list[str] = []

    def run(self, steps: list[Step], on_event: Callable[[Event], None] = lambda event: None) -> dict[str, Result]:
        def hear(event: Event) -> None:
            if event.status == "warning":
                self.warnings.append(event.text)
            on_event(event)

        store = Store(self.root)
        transfer = Transfer(store, Remote(self.url), self.patience)
        try:
            return run_steps(steps, store, jobs=2, transfer=transfer, on_event=hear)
        finally:
            store.close()

    def text(self, result: Result) -> str:
        assert result.record is not None, result.error
        return Store(self.root).path(result.record.select("text")[0]).read_text()


def statuses(results: dict[str, Result]) -> str:
    return " ".join(result.status for result in results.values())


@pytest.fixture(scope="module")
def s3_server() -> Iterator[S3Server]:
    server = start_s3()
    yield server
    server.stop()


@pytest.fixture
def s3(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The server with an empty bucket, in the environment of the test."""
    for name in s3_server.names():
        s3_server.client.delete_object(Bucket=BUCKET, Key=name)
    for name, value in environment(s3_server.address).items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.fixture(scope="module")
def sftp_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    server = start_sftp(tmp_path_factory.mktemp("sftp"))
    yield server
    server.stop()


@pytest.fixture(params=["file", "s3", "sftp"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty remote store."""
    if request.param == "file":
        return f"file://{tmp_path}/remote"
    if request.param == "s3":
        return str(request.getfixturevalue("s3").url)
    server: SftpServer = request.getfixturevalue("sftp_server")
    monkeypatch.setenv("HOME", str(server.home))
    return server.url(str(tmp_path / "remote"))


ALIKE = pytest.mark.parametrize("url", ["file", pytest.param("s3", marks=pytest.mark.slow), "sftp"], indirect=True)
"""Where the protocols differ in nothing: the slowest of them, if all tests run."""


def test_what_one_machine_built_another_fetches(url: str, tmp_path: Path) -> None:
    one, two = Machine(tmp_path / "one", url), Machine(tmp_path / "two", url)
    first = one.run(DIAMOND)
    assert statuses(first) == "built built built built"
    seen: list[tuple[str, str]] = []
    second = two.run(DIAMOND, lambda event: seen.append((event.step.name, event.status)))
    assert statuses(second) == "cached cached cached cached"
    assert seen[:2] == [("a", "fetching"), ("a", "cached")]
    assert [result.record for result in second.values()] == [result.record for result in first.values()]
    assert two.text(second["r/d"]) == "DBACA"
    changed = [DIAMOND[0], step("b", ("a",), sleep=0.01), *DIAMOND[2:], step("e")]
    assert statuses(two.run(changed)) == "cached built cached cached built"
    assert not one.warnings and not two.warnings


@ALIKE
def test_what_another_machine_built_with_other_code_spares_a_step_its_work(
    url: str, tmp_path: Path, toys: Path
) -> None:
    compiled = Step("r/compile", "compile", "toys.hour", {}, {}, goes_on=("code",))
    for machine, steps, text in (
        ("one", [compiled], "anew"),
        ("two", [compiled], "taken over"),
        ("three", [replace(compiled, goes_on=())], "anew"),
        ("four", [replace(compiled, params={"n": 2})], "anew"),
    ):
        (toys / "hour.py").write_text(f"{HOUR}\nMACHINE = '{machine}'\n")
        (result,) = Machine(tmp_path / machine, url).run(steps).values()
        assert Machine(tmp_path / machine, url).text(result) == text, machine


HOUR = """
from pydantic import BaseModel

class Params(BaseModel):
    n: int = 1

def run(inputs, params, out, progress):
    (out / "text").write_text("taken over" if "earlier" in inputs else "anew")
    return {}
"""


@ALIKE
def test_a_plan_tells_what_is_there_and_brings_nothing(url: str, tmp_path: Path) -> None:
    one = Machine(tmp_path / "one", url)
    one.run(DIAMOND[:3])
    two = Store(tmp_path / "two")
    previews = preview(DIAMOND, two, Remote(url).look)
    assert [each.status for each in previews] == ["fetch", "fetch", "fetch", "build"]
    assert previews[0].earlier is not None and previews[0].earlier.key == previews[0].key
    assert two.find(str(previews[0].key)) is None


@ALIKE
def test_many_make_the_stores_folders_at_once(url: str, tmp_path: Path) -> None:
    store = Store(tmp_path / "one")
    record = next(iter(run_steps(DIAMOND[:1], store, jobs=1).values())).record
    assert record is not None
    _ = store.workspaces
    together = threading.Barrier(4, timeout=20)

    def send() -> None:
        mine = Remote(f"{url}/a/b")
        assert mine.look(record.key) is None  # connected
        for n in range(8):
            together.wait()
            mine._upload(store.path(record.log), f"{mine._open()[1]}/{n}/c/d/{record.log.sha256}", lambda: None)

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(send) for _ in range(4)]:
            future.result(timeout=60)


@ALIKE
def test_push_and_pull_by_hand(url: str, tmp_path: Path) -> None:
    one, two, remote = Store(tmp_path / "one"), Store(tmp_path / "two"), Remote(url)
    run_steps(DIAMOND[:3], one, jobs=2)
    pushed = push(one, remote, DIAMOND)
    assert (pushed.records, pushed.present, pushed.missing) == (3, 0, ["r/d"])
    pushed = push(one, remote)
    assert (pushed.records, pushed.present) == (0, 3)
    pulled = pull(two, remote, DIAMOND[:2])
    assert (pulled.records, pulled.present, pulled.missing) == (2, 0, [])
    pulled = pull(two, remote)
    assert (pulled.records, pulled.present) == (1, 2)
    assert statuses(run_steps(DIAMOND, two, jobs=2)) == "cached cached cached built"
    pulled = pull(Store(tmp_path / "three"), remote, DIAMOND)
    assert pulled.missing == ["r/d"]


def test_a_remote_store_that_was_never_written_is_empty(url: str, tmp_path: Path) -> None:
    assert Remote(url).all_keys() == []
    assert pull(Store(tmp_path / "store"), Remote(url), DIAMOND).missing == ["r/a", "r/b", "r/c", "r/d"]


def test_the_bucket_has_whole_things_only(s3: S3Server, tmp_path: Path) -> None:
    results = Machine(tmp_path / "one", s3.url).run(DIAMOND)
    records = [result.record for result in results.values() if result.record]
    blobs = {blob.sha256 for record in records for blob in (*record.outputs, record.log)}
    expected = {f"team/actions/{record.key}.json" for record in records} | {f"team/blobs/{name}" for name in blobs}
    assert set(s3.names()) == expected


def test_nothing_sound_is_written_again(tmp_path: Path) -> None:
    remote = f"file://{tmp_path}/remote"

    def files() -> dict[Path, tuple[int, int]]:
        files = [path for path in (tmp_path / "remote").rglob("*") if path.is_file()]
        return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}

    one = Machine(tmp_path / "one", remote)
    one.run(DIAMOND)
    before = files()
    push(Store(one.root), Remote(remote))
    Machine(tmp_path / "two", remote).run([*DIAMOND, step("e", ("a",), sleep=0.01)])
    assert before.items() <= files().items() and len(files()) > len(before)


def test_a_cached_run_neither_imports_fsspec_nor_touches_the_remote(tmp_path: Path) -> None:
    Machine(tmp_path / "one", f"file://{tmp_path}/remote").run(DIAMOND)
    program = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from recipebuild.engine.transfer import Transfer
from recipebuild.engine.remote import Remote
from recipebuild.engine.run import run_steps
from recipebuild.engine.step import Output, Step
from recipebuild.engine.store import Store
steps = [Step("r/a", "a", "toys.join", dict(text="a"))]
store = Store(Path({str(tmp_path / "one")!r}))
results = run_steps(steps, store, transfer=Transfer(store, Remote("s3://nowhere/at-all")))
assert results["r/a"].status == "cached"
assert not {{"fsspec", "s3fs", "botocore", "distributed"}} & set(sys.modules)
import threading
assert threading.active_count() == 1
"""
    subprocess.run([sys.executable, "-c", program], check=True)


# What goes wrong. A build that can go on without the remote does, and says so once.


def test_a_server_that_stops_in_the_middle_of_a_build(
    tmp_path: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start_s3()
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.address)
    one, two = Machine(tmp_path / "one", server.url), Machine(tmp_path / "two", server.url)
    one.run(DIAMOND[:2])

    def stop(event: Event) -> None:
        if (event.step.name, event.status) == ("b", "cached") and server.process.poll() is None:
            server.stop()

    results = two.run(DIAMOND, stop)
    assert server.process.poll() is not None
    assert statuses(results).startswith("cached cached ")
    assert two.text(results["r/d"]) == "DBACA"
    assert len(two.warnings) == 1, two.warnings
    assert "Could not connect" in two.warnings[0]


def test_a_server_that_stops_while_results_are_pushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = start_s3()
    for name, value in environment(server.address).items():
        monkeypatch.setenv(name, value)
    machine = Machine(tmp_path / "one", server.url)
    step_ = step("a", sleep=0.3)

    def stop(event: Event) -> None:
        if event.status == "started":
            server.stop()

    assert statuses(machine.run([step_], stop)) == "built"
    assert len(machine.warnings) == 1 and "results stay on this machine" in machine.warnings[0]


def test_wrong_credentials(s3: S3Server, tmp_path: Path) -> None:
    machine = Machine(tmp_path / "one", s3.url)
    s3.ask_for_credentials(True)
    try:
        assert statuses(machine.run(DIAMOND)) == "built built built built"
        with pytest.raises(MissingError, match="cannot be read"):
            pull(Store(tmp_path / "two"), Remote(s3.url))
        with pytest.raises(MissingError, match="cannot be written"):
            push(Store(tmp_path / "one"), Remote(s3.url))
    finally:
        s3.ask_for_credentials(False)
    assert len(machine.warnings) == 1 and "Forbidden" in machine.warnings[0]
    assert not s3.names()


def test_a_bucket_that_is_not_there(s3: S3Server, tmp_path: Path) -> None:
    machine = Machine(tmp_path / "one", "s3://other/team")
    assert statuses(machine.run(DIAMOND)) == "built built built built"
    assert len(machine.warnings) == 1 and "results stay on this machine" in machine.warnings[0]


HARMS: dict[str, bytes | None] = {"flipped": b"BB", "shorter": b"B", "longer": b"BAA", "gone": None}


@pytest.mark.parametrize("harm", HARMS)
def test_a_damaged_blob_is_refused_and_the_remote_healed(tmp_path: Path, harm: str) -> None:
    url = f"file://{tmp_path}/remote"
    record = Machine(tmp_path / "one", url).run(DIAMOND)["r/b"].record
    assert record is not None
    digest = record.select("text")[0].sha256
    blob = tmp_path / "remote" / "blobs" / digest
    blob.unlink()
    if (content := HARMS[harm]) is not None:
        blob.write_bytes(content)
    two = Machine(tmp_path / "two", url)
    results = two.run(DIAMOND)
    assert statuses(results) == "cached built cached cached"
    assert two.text(results["r/b"]) == "BA"
    assert len(two.warnings) == 1 and digest in two.warnings[0]
    assert blob.read_bytes() == b"BA"
    three = Machine(tmp_path / "three", url)
    assert statuses(three.run(DIAMOND)) == "cached cached cached cached" and not three.warnings


def test_a_blob_that_was_damaged_in_the_bucket(s3: S3Server, tmp_path: Path) -> None:
    record = Machine(tmp_path / "one", s3.url).run(DIAMOND[:1])["r/a"].record
    assert record is not None
    name = f"team/blobs/{record.select('text')[0].sha256}"
    s3.client.put_object(Bucket=BUCKET, Key=name, Body=b"B")
    two = Machine(tmp_path / "two", s3.url)
    assert statuses(two.run(DIAMOND[:1])) == "built" and len(two.warnings) == 1
    assert s3.client.get_object(Bucket=BUCKET, Key=name)["Body"].read() == b"A"


def spoiled(record: Record, **changes: object) -> bytes:
    from recipebuild.engine.record import record_as_json

    return json.dumps(record_as_json(record) | changes).encode()


BAD_RECORDS: dict[str, Callable[[Record], bytes]] = {
    "empty": lambda record: b"",
    "no JSON": lambda record: b"<html>not found</html>",
    "a list": lambda record: b"[]",
    "half": lambda record: spoiled(record)[:200],
    "deep": lambda record: b"[" * 100_000,
    "another field": lambda record: spoiled(record, more=1),
    "another key": lambda record: spoiled(record, key="0" * 64),
    "other ingredients": lambda record: spoiled(record, ingredients={**record.ingredients, "params": {}}),
    "a way out": lambda record: spoiled(record, outputs=[vars(record.outputs[0]) | {"name": "../../etc/passwd"}]),
    "an absolute name": lambda record: spoiled(record, outputs=[vars(record.outputs[0]) | {"name": "/etc/passwd"}]),
    "no digest": lambda record: spoiled(record, log=vars(record.log) | {"sha256": "../actions/x"}),
    "no number": lambda record: spoiled(record, log=vars(record.log) | {"bytes": "1"}),
    "no metrics": lambda record: spoiled(record, metrics=[1]),
}


@pytest.mark.parametrize("harm", BAD_RECORDS)
def test_a_record_that_is_not_what_it_should_be_is_refused(tmp_path: Path, harm: str) -> None:
    url = f"file://{tmp_path}/remote"
    first = Machine(tmp_path / "one", url).run(DIAMOND[:1])
    record = first["r/a"].record
    assert record is not None
    path = tmp_path / "remote" / "actions" / f"{record.key}.json"
    sound = json.loads(path.read_text())
    path.write_bytes(BAD_RECORDS[harm](record))
    with pytest.raises(CheckError, match="damaged record"):
        Remote(url).fetch(record.key, Store(tmp_path / "three"))
    two = Machine(tmp_path / "two", url)
    assert statuses(two.run(DIAMOND[:1])) == "built"
    assert len(two.warnings) == 1 and "damaged record" in two.warnings[0]
    assert json.loads(path.read_text())["outputs"] == sound["outputs"]
    (tmp_path / "four").mkdir()
    path.write_bytes(BAD_RECORDS[harm](record))
    assert pull(Store(tmp_path / "four"), Remote(url)).damaged == [record.key]


def test_a_server_that_never_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it takes connections, and nothing more
        for name, value in environment(f"http://127.0.0.1:{silent.getsockname()[1]}").items():
            monkeypatch.setenv(name, value)
        machine = Machine(tmp_path / "one", "s3://results/team", patience=0.5)
        began = time.monotonic()
        assert statuses(machine.run(DIAMOND)) == "built built built built"
        assert time.monotonic() - began < 15, "the server held the build up"
    assert len(machine.warnings) == 1 and "too slowly" in machine.warnings[0]


def test_steps_run_while_others_wait_for_a_slow_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remote = Remote(f"file://{tmp_path}/remote")
    fetch = remote.fetch
    order: list[str] = []
    others_built = threading.Event()

    def slowly(key: str, *rest: object) -> Record | None:
        if key == slow_key:
            assert others_built.wait(60), "the others waited, too"
        return fetch(key, *rest)  # type: ignore[arg-type]

    def hear(event: Event) -> None:
        order.append(f"{event.step.name} {event.status}")
        if order[-1] == "b built":
            others_built.set()

    steps = [step("a"), step("b", ("a",)), step("slow")]
    store = Store(tmp_path / "store")
    from recipebuild.engine.keys import Keys

    slow_key = digest_json(Keys(store.stats).ingredients(steps[2], {}))
    monkeypatch.setattr(remote, "fetch", slowly)
    results = run_steps(steps, store, jobs=2, transfer=Transfer(store, remote), on_event=hear)
    store.close()
    assert statuses(results) == "built built built"
    assert order.index("b built") < order.index("slow started")


def test_a_full_remote(tmp_path: Path) -> None:
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no right to mount a small file system")
    try:
        machine = Machine(tmp_path / "one", f"file://{place}/remote")
        assert statuses(machine.run(DIAMOND)) == "built built built built"
        assert len(machine.warnings) == 1 and "No space left" in machine.warnings[0]
        assert not list(place.rglob("*.part"))
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_host_that_ssh_does_not_know_is_refused(
    sftp_server: SftpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    machine = Machine(tmp_path / "one", sftp_server.url(str(tmp_path / "remote")))
    assert statuses(machine.run(DIAMOND)) == "built built built built"
    assert len(machine.warnings) == 1 and "connect once with ssh" in machine.warnings[0]
    assert not (tmp_path / "remote").exists()


def test_passwords_are_not_told(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "one", "sftp://me:secret@127.0.0.1:1/x")
    assert statuses(machine.run(DIAMOND[:1])) == "built"
    assert len(machine.warnings) == 1 and "secret" not in machine.warnings[0]


@pytest.mark.parametrize("url", ["s3://", "://x", "bucket"])
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(RecipeError, match="no URL"):
        Remote(url)


def test_a_protocol_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no protocol s4"):
        Machine(tmp_path / "one", "s4://bucket/x").run(DIAMOND)
    assert not list((tmp_path / "one" / "actions").iterdir())


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recipebuild.engine.remote.find_spec", lambda name: None)
    for url, extra in (("s3://b/x", "s3"), ("gs://b/x", "gs"), ("sftp://h/x", "sftp")):
        with pytest.raises(MissingError) as caught:
            Remote(url)
        assert caught.value.remedy == f"pip install '.[{extra}]' in a checkout"


def test_two_machines_that_build_one_key_do_no_harm(tmp_path: Path) -> None:
    url = f"file://{tmp_path}/remote"
    program = f"""
from pathlib import Path
import sys
from recipebuild.engine.transfer import Transfer
from recipebuild.engine.remote import Remote
from recipebuild.engine.run import run_steps
from recipebuild.engine.step import Step
from recipebuild.engine.store import Store
store = Store(Path(sys.argv[1]))
steps = [Step(f"r/{{n}}", n, "toys.join", dict(text=n, sleep=0.1)) for n in "abcdef"]
results = run_steps(steps, store, jobs=2, transfer=Transfer(store, Remote({url!r})))
store.close()
assert all(result.record for result in results.values())
"""
    command = [sys.executable, "-c", program]
    machines = [subprocess.Popen([*command, str(tmp_path / name)]) for name in ("one", "two", "three")]
    assert [machine.wait(timeout=60) for machine in machines] == [0, 0, 0]
    pulled = pull(Store(tmp_path / "four"), Remote(url))
    assert (pulled.records, pulled.damaged) == (6, [])
    assert not list(tmp_path.glob("remote/*/*.part"))
