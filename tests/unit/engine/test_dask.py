"""Steps on Dask: on this machine's own cluster, and on one of a scheduler and two workers as real processes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from support.dask import DaskCluster

from recipebuild.engine.events import Event
from recipebuild.engine.executors import open_executor
from recipebuild.engine.remote import Remote
from recipebuild.engine.run import run_steps
from recipebuild.engine.step import Output, Source, Step
from recipebuild.engine.store import Store
from recipebuild.engine.task import Result
from recipebuild.engine.transfer import Transfer
from recipebuild.errors import CheckError, MissingError, RecipeError, StepError

pytestmark = pytest.mark.usefixtures("toys")


def step(name: str, needs: tuple[str, ...] = (), **params: object) -> Step:
    inputs = {f"i{n}": Output(f"r/{need}", "text") for n, need in enumerate(needs)}
    return Step(f"r/{name}", name, "toys.join", {"text": name, **params}, inputs)


DIAMOND = [step("a"), step("b", ("a",)), step("c", ("a",)), step("d", ("b", "c"))]


def run(
    store: Store, steps: list[Step], address: str, remote: Remote | None = None, **options: object
) -> dict[str, Result]:
    names = {name: 1 for step in steps for name in step.resources}
    executor = open_executor(address, 2, names, remote)
    try:
        return run_steps(steps, store, executor=executor, **options)  # type: ignore[arg-type]
    finally:
        store.close()


def contents(store: Store, results: dict[str, Result]) -> dict[str, list[tuple[str, bytes]]]:
    """The bytes of all outputs, by step."""
    contents = {}
    for name, result in results.items():
        assert result.record is not None, result.error
        contents[name] = [(blob.name, store.path(blob).read_bytes()) for blob in result.record.outputs]
    return contents


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def cluster(tmp_path: Path, toys: Path) -> Iterator[DaskCluster]:
    """Two workers; one has the board."""
    cluster = DaskCluster(tmp_path)
    try:
        for name, resources in (("one", ""), ("two", "board=1")):
            cluster.add_worker(name, resources, XDG_CACHE_HOME=str(tmp_path / f"cache-{name}"))
        cluster.wait_for_workers()
        yield cluster
    finally:
        cluster.close()


def test_a_cluster_of_this_machine_gives_what_a_local_run_gives(
    make_store: Callable[[], Store], tmp_path: Path
) -> None:
    source = tmp_path / "source.txt"
    source.write_text("from outside")
    steps = [*DIAMOND, Step("r/e", "e", "toys.join", {"text": "e"}, {"source": Source(source)})]
    local = Store(tmp_path / "local")
    expected = contents(local, run_steps(steps, local, jobs=2))
    results = run(make_store(), steps, "dask")
    assert {result.status for result in results.values()} == {"built"}
    assert contents(make_store(), results) == expected
    assert {result.status for result in run(make_store(), steps, "dask").values()} == {"cached"}


def test_errors_logs_and_time_limits_travel(make_store: Callable[[], Store]) -> None:
    steps = [
        step("a", do="check"), step("b", do="raise"), step("c", do="die"), step("d", ("a",)),
        replace(step("e", sleep=60), timeout=0.5), step("f"), step("g", do="field"),
    ]  # fmt: skip
    results = run(make_store(), steps, "dask", keep_going=True)
    a, b, c, d, e, f, g = results.values()
    assert isinstance(a.error, CheckError) and a.error.metrics == {"figure": 1} and a.error.remedy == "do better"
    assert b.error and "boom" in b.error.message
    assert isinstance(c.error, StepError) and "killed" in c.error.message
    assert isinstance(e.error, StepError) and "timed out after 0.5 s" in e.error.message
    assert isinstance(g.error, StepError) and (g.error.field, g.error.text) == ("joint.text", "is: too short")
    assert (d.status, f.status) == ("skipped", "built")


def test_a_failed_step_brings_its_log_home(make_store: Callable[[], Store]) -> None:
    store = make_store()
    results = run_steps([step("a", do="raise")], store, executor=open_executor("dask", 1, {}, None))
    log = results["r/a"].log
    assert log is not None and "Traceback" in log.read_text() and "a line of the log" in log.read_text()
    store.close()


def test_resources_are_held_one_at_a_time(make_store: Callable[[], Store], tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    steps = [replace(step(name, sleep=0.4, spans=str(trace)), resources=("board",)) for name in "abc"]
    run(make_store(), steps, "dask")
    spans = sorted(tuple(map(float, line.split())) for line in trace.read_text().splitlines())
    assert len(spans) == 3
    assert all(first[1] <= second[0] for first, second in pairwise(spans)), spans


@pytest.mark.slow
def test_a_worker_that_is_killed_mid_step_costs_nothing_but_time(
    cluster: DaskCluster, make_store: Callable[[], Store], tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    steps = [step("a", sleep=1.5, trace=str(trace)), *DIAMOND[1:]]
    killed: list[int] = []

    def kill(event: Event) -> None:
        if event.status == "progress" and event.text == "half way" and event.step.name == "a" and not killed:
            # The step's process is a child of the worker that runs it.
            child = int(trace.read_text().split()[0])
            killed.append(int(Path(f"/proc/{child}/stat").read_text().split()[3]))
            assert killed[0] in {process.pid for process in cluster.workers.values()}
            os.kill(killed[0], signal.SIGKILL)

    results = run(make_store(), steps, cluster.address, on_event=kill)
    assert killed
    assert len(trace.read_text().split()) == 2, "the step was not repeated"
    local = Store(tmp_path / "local")
    assert contents(make_store(), results) == contents(local, run_steps(steps, local, jobs=2))


def test_workers_that_share_no_folder_exchange_results_through_a_remote_store(
    cluster: DaskCluster, make_store: Callable[[], Store], tmp_path: Path
) -> None:
    source = tmp_path / "folder"
    (source / "deep").mkdir(parents=True)
    (source / "deep" / "x").write_text("x")
    (source / "y").write_text("y")
    steps = [*DIAMOND, Step("r/e", "e", "toys.tree", {}, {"source": Source(source), "a": Output("r/a", "text")})]
    remote = Remote(f"file://{tmp_path}/remote")
    results = run(make_store(), steps, cluster.address, remote)
    local = Store(tmp_path / "local")
    assert contents(make_store(), results) == contents(local, run_steps(steps, local, jobs=2))
    assert len(remote.all_keys()) == 5
    used = [path.name for path in tmp_path.glob("cache-*/recipebuild")]
    assert used, "the workers used no store of their own"


def test_a_damaged_result_in_the_remote_store_is_built_again(make_store: Callable[[], Store], tmp_path: Path) -> None:
    url = f"file://{tmp_path}/remote"
    first = run(Store(tmp_path / "first"), DIAMOND[:1], "dask", Remote(url))["r/a"].record
    assert first is not None
    blob = tmp_path / "remote" / "blobs" / first.select("text")[0].sha256
    blob.chmod(0o644)
    blob.write_text("B")
    shutil.rmtree(tmp_path / "cache")
    store, remote = make_store(), Remote(url)
    results = run(store, DIAMOND[:1], "dask", remote, transfer=Transfer(store, remote))
    assert results["r/a"].status == "built" and results["r/a"].record
    assert blob.read_text() == "A"


def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recipebuild.engine.executors.find_spec", lambda name: None)
    with pytest.raises(MissingError) as caught:
        open_executor("dask", 1, {}, None)
    assert caught.value.remedy == "pip install '.[dask]' in a checkout" and caught.value.exit_code == 4


@pytest.mark.slow
def test_a_step_waits_for_the_worker_that_has_its_resource(
    cluster: DaskCluster, make_store: Callable[[], Store], tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    steps = [replace(step(name, trace=str(trace), sleep=0.5), resources=("board",)) for name in "ab"]
    seen: list[str] = []
    run(make_store(), steps, cluster.address, on_event=lambda event: seen.append(event.text))
    places = {text for text in seen if text.startswith("on tcp://")}
    assert len(places) == 1, places


def test_a_resource_that_no_worker_has_is_told(cluster: DaskCluster, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(INTERRUPTED)
    arguments = [sys.executable, str(program), str(tmp_path / "store"), cluster.address, "gpu"]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert "RB803 r/a waits: the Dask cluster has no worker with gpu yet" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert "Interrupted" in process.communicate(timeout=20)[0]


INTERRUPTED = """
import sys
from pathlib import Path
from recipebuild.engine.executors import open_executor
from recipebuild.engine.run import run_steps
from recipebuild.engine.step import Step
from recipebuild.engine.store import Store

store = Store(Path(sys.argv[1]))
params = dict(text="a", sleep=60, trace=sys.argv[1] + ".trace")
steps = [Step("r/a", "a", "toys.join", params, resources=tuple(sys.argv[3:]))]
executor = open_executor(sys.argv[2], 1, {}, None)
tell = lambda event: event.status == "warning" and print(event.text, flush=True)
results = run_steps(steps, store, executor=executor, on_event=tell)
store.close()
print(type(results["r/a"].error).__name__, flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("where", ["dask", pytest.param("cluster", marks=pytest.mark.slow)])
def test_a_signal_ends_the_step_wherever_it_runs(
    where: str, number: signal.Signals, request: pytest.FixtureRequest, tmp_path: Path, toys: Path
) -> None:
    address = request.getfixturevalue("cluster").address if where == "cluster" else where
    program, trace = tmp_path / "program.py", tmp_path / "store.trace"
    program.write_text(INTERRUPTED)
    process = subprocess.Popen([sys.executable, str(program), str(tmp_path / "store"), address], stdout=subprocess.PIPE)
    while not trace.exists() or not trace.read_text().strip():
        assert process.poll() is None
        time.sleep(0.02)
    child = int(trace.read_text())
    process.send_signal(number)
    output = process.communicate(timeout=20)[0]
    assert number == signal.SIGKILL or b"Interrupted" in output
    deadline = time.monotonic() + 10
    while is_alive(child):
        assert time.monotonic() < deadline, "the step runs on"
        time.sleep(0.05)
    assert not list((tmp_path / "store" / "actions").iterdir())


@pytest.mark.slow
def test_a_worker_with_other_code_is_refused(cluster: DaskCluster, make_store: Callable[[], Store], toys: Path) -> None:
    executor = open_executor(cluster.address, 1, {}, None)
    start = executor.start

    def edit_and_start(order: object, store: Store) -> None:
        helper = toys / "helper.py"
        helper.write_text(helper.read_text().replace("upper", "lower"))
        start(order, store)  # type: ignore[arg-type]

    executor.start = edit_and_start  # type: ignore[method-assign]
    store = make_store()
    error = run_steps([step("a")], store, executor=executor)["r/a"].error
    store.close()
    assert isinstance(error, MissingError) and "another version of toys.join" in error.message


@pytest.mark.slow
def test_a_scheduler_that_is_lost_fails_the_step_at_once_and_in_one_line(cluster: DaskCluster, tmp_path: Path) -> None:
    program, trace = tmp_path / "program.py", tmp_path / "store.trace"
    program.write_text(INTERRUPTED)
    command = [sys.executable, str(program), str(tmp_path / "store"), cluster.address]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not trace.exists() or not trace.read_text().strip():
        assert process.poll() is None
        time.sleep(0.02)
    cluster.scheduler.kill()
    assert process.communicate(timeout=30) == ("MissingError\n", "")


@pytest.mark.slow
def test_a_worker_that_does_not_see_the_folder_says_so(make_store: Callable[[], Store], tmp_path: Path) -> None:
    store = make_store()
    store.root.mkdir()
    hidden = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none "$1"; shift; exec "$@"', "sh", str(store.root)]
    if subprocess.run([*hidden, "true"], capture_output=True).returncode:
        pytest.skip("no right to mount")
    cluster = DaskCluster(tmp_path)
    try:
        cluster.add_worker("blind", before=hidden)
        cluster.wait_for_workers()
        error = run(store, [step("a")], cluster.address)["r/a"].error
    finally:
        cluster.close()
    assert isinstance(error, MissingError) and "does not see the store" in error.message and "--store" in error.remedy


@pytest.mark.slow
def test_a_remote_store_that_cannot_be_written_fails_what_needs_it(
    cluster: DaskCluster, make_store: Callable[[], Store]
) -> None:
    remote = Remote("file:///proc/nowhere")  # nobody can write there
    error = run(make_store(), [step("a")], cluster.address, remote)["r/a"].error
    assert isinstance(error, MissingError) and "cannot be written" in error.message


def test_wrong_names_and_places_of_executors() -> None:
    with pytest.raises(RecipeError, match="no such executor"):
        open_executor("slurm", 1, {}, None)


def test_no_scheduler_at_the_address(make_store: Callable[[], Store], monkeypatch: pytest.MonkeyPatch) -> None:
    from recipebuild.engine import dask_pool

    monkeypatch.setattr(dask_pool, "_CONNECT", "1s")
    results = run(make_store(), [step("a"), step("b")], "tcp://127.0.0.1:1", keep_going=True)
    for result in results.values():
        assert isinstance(result.error, MissingError)
        assert "no Dask scheduler answers at tcp://127" in result.error.message


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False
