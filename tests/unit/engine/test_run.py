from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from recipebuild.engine.claims import Claim, Claims
from recipebuild.engine.events import Event
from recipebuild.engine.run import run_steps
from recipebuild.engine.step import Output, Source, Step
from recipebuild.engine.store import Store
from recipebuild.engine.task import Result
from recipebuild.errors import CheckError, Interrupted, RecipebuildError, StepError, UnreachableError

pytestmark = pytest.mark.usefixtures("toys", "forked_workers")


def step(name: str, text: str = "", needs: tuple[str, ...] = (), **params: object) -> Step:
    inputs = {f"i{n}": Output(f"r/{need}", "text") for n, need in enumerate(needs)}
    return Step(f"r/{name}", name, "toys.join", {"text": text or name, **params}, inputs)


DIAMOND = [step("a"), step("b", needs=("a",)), step("c", needs=("a",)), step("d", needs=("b", "c"))]


def statuses(results: dict[str, Result]) -> dict[str, str]:
    return {result.step.name: result.status for result in results.values()}


def text(store: Store, result: Result, name: str = "text") -> str:
    assert result.record is not None
    return store.path(result.record.select(name)[0]).read_text()


def run(store: Store, steps: list[Step], **options: object) -> dict[str, Result]:
    return run_steps(steps, store, **{"jobs": 2, **options})  # type: ignore[arg-type]


def test_steps_get_their_inputs_and_the_second_run_does_nothing(make_store: Callable[[], Store]) -> None:
    store = make_store()
    results = run(store, DIAMOND)
    assert statuses(results) == dict.fromkeys("abcd", "built")
    assert text(store, results["r/d"]) == "DBACA"
    again = run(make_store(), DIAMOND)
    assert statuses(again) == dict.fromkeys("abcd", "cached")
    assert again["r/d"].record is not None
    assert again["r/d"].record.metrics == {"length": 1}


def test_a_changed_parameter_rebuilds_the_step_and_what_follows(make_store: Callable[[], Store]) -> None:
    run(make_store(), DIAMOND)
    steps = [DIAMOND[0], step("b", "B2", needs=("a",)), *DIAMOND[2:]]
    assert statuses(run(make_store(), steps)) == {"a": "cached", "b": "built", "c": "cached", "d": "built"}


def test_an_unchanged_output_stops_the_propagation(make_store: Callable[[], Store]) -> None:
    run(make_store(), DIAMOND)
    steps = [DIAMOND[0], step("b", "b", needs=("a",), sleep=0.01), *DIAMOND[2:]]
    assert statuses(run(make_store(), steps)) == {"a": "cached", "b": "built", "c": "cached", "d": "cached"}


@pytest.mark.parametrize(("do", "workers"), [("", 1), ("hoard", 2)])
def test_a_worker_serves_many_steps_unless_it_hoards_memory(
    do: str, workers: int, make_store: Callable[[], Store], tmp_path: Path
) -> None:
    trace = str(tmp_path / "trace")
    run(make_store(), [step("a", trace=trace, do=do), step("b", needs=("a",), trace=trace)])
    assert len(set((tmp_path / "trace").read_text().split())) == workers


def test_independent_steps_run_at_the_same_time(make_store: Callable[[], Store]) -> None:
    events: list[tuple[str, str]] = []
    steps = [step("a", sleep=0.7), step("b", sleep=0.7)]
    run(make_store(), steps, on_event=lambda e: events.append((e.step.name, e.status)))
    started = [events.index((name, "started")) for name in "ab"]
    ended = [events.index((name, "built")) for name in "ab"]
    assert max(started) < min(ended)


def test_steps_that_hold_one_resource_take_turns(make_store: Callable[[], Store]) -> None:
    events: list[tuple[str, str]] = []
    steps = [replace(step(name, sleep=0.1), resources=("board",)) for name in "ab"]
    run(make_store(), steps, on_event=lambda e: events.append((e.step.name, e.status)))
    order = [event for event in events if event[1] in ("started", "built")]
    assert order == [("a", "started"), ("a", "built"), ("b", "started"), ("b", "built")]


def test_a_worker_serves_many_steps(make_store: Callable[[], Store], tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    run(make_store(), [step(name, trace=str(trace)) for name in "abcd"], jobs=1)
    assert len(set(trace.read_text().split())) == 1
    assert len(trace.read_text().split()) == 4


def test_an_idle_worker_that_was_killed_gets_no_step(make_store: Callable[[], Store], tmp_path: Path) -> None:
    trace = tmp_path / "trace"

    def kill(event: Event) -> None:
        if (event.step.name, event.status) == ("a", "built"):
            worker = int(trace.read_text())
            os.kill(worker, signal.SIGKILL)
            wait_until(lambda: not is_alive(worker))

    results = run(make_store(), [step("a", trace=str(trace)), step("b", needs=("a",))], jobs=1, on_event=kill)
    assert statuses(results) == {"a": "built", "b": "built"}


def test_a_step_whose_worker_dies_before_it_begins_goes_to_another(
    make_store: Callable[[], Store], tmp_path: Path
) -> None:
    trace = tmp_path / "trace"

    def stop_and_kill(event: Event) -> None:
        if (event.step.name, event.status) == ("a", "built"):
            os.kill(int(trace.read_text()), signal.SIGSTOP)
        elif (event.step.name, event.status) == ("b", "started"):
            threading.Timer(0.5, os.kill, (int(trace.read_text()), signal.SIGKILL)).start()

    steps = [step("a", trace=str(trace)), step("b", needs=("a",), trace=str(trace))]
    results = run(make_store(), steps, jobs=1, on_event=stop_and_kill)
    assert statuses(results) == {"a": "built", "b": "built"}
    assert len(set(trace.read_text().split())) == 2


def test_no_record_is_there_before_its_blobs_are_on_the_disk_and_nobody_waits_for_that(
    make_store: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, synced, began = make_store(), threading.Event(), threading.Event()
    sync = os.fsync

    def slow(descriptor: int) -> None:
        assert began.wait(30), "b waited for the disk"
        file = Path(f"/proc/self/fd/{descriptor}").readlink()
        if file.parent == store.blobs:
            assert not any(file.name in record.read_text() for record in store.actions.iterdir())
        sync(descriptor)
        synced.set()

    def hear(event: Event) -> None:
        if (event.step.name, event.status) == ("b", "started"):
            assert not synced.is_set()
            began.set()

    monkeypatch.setattr(os, "fsync", slow)
    steps = [step("a"), replace(step("b", needs=("a",)), module="toys.tree", inputs={"source": Output("r/a", "sub")})]
    results = run(store, steps, jobs=1, on_event=hear)
    assert statuses(results) == {"a": "built", "b": "built"}
    assert statuses(run(make_store(), DIAMOND[:1])) == {"a": "cached"}


def test_a_disk_that_fails_fails_the_step(make_store: Callable[[], Store], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    results = run(make_store(), DIAMOND[:1])
    assert isinstance(results["r/a"].error, StepError) and "Input/output error" in results["r/a"].error.message
    assert not list(make_store().actions.iterdir())
    assert not list((make_store().root / "locks").iterdir())


def test_a_failure_skips_what_depends_on_it_and_keeps_the_rest(make_store: Callable[[], Store]) -> None:
    steps = [DIAMOND[0], step("b", needs=("a",), do="raise"), step("c", needs=("a",), sleep=0.3), DIAMOND[3]]
    results = run(make_store(), steps)
    assert statuses(results) == {"a": "built", "b": "failed", "c": "built", "d": "skipped"}
    failed = results["r/b"]
    assert isinstance(failed.error, RecipebuildError) and failed.error.exit_code == 1
    assert "boom" in failed.error.message
    assert failed.log is not None and "Traceback" in failed.log.read_text()
    assert statuses(run(make_store(), steps))["c"] == "cached"


def test_after_a_failure_nothing_new_starts_unless_told_to_keep_going(make_store: Callable[[], Store]) -> None:
    steps = [step("a", do="raise"), step("b"), step("c", needs=("a",))]
    assert statuses(run(make_store(), steps, jobs=1)) == {"a": "failed", "b": "skipped", "c": "skipped"}
    kept = run(make_store(), steps, jobs=1, keep_going=True)
    assert statuses(kept) == {"a": "failed", "b": "built", "c": "skipped"}


def test_an_error_of_ours_arrives_as_it_was_raised(make_store: Callable[[], Store]) -> None:
    error = run(make_store(), [step("a", do="check")])["r/a"].error
    assert isinstance(error, CheckError)
    assert (error.message, error.field, error.remedy, error.metrics) == ("too low", "", "do better", {"figure": 1})


def test_an_error_that_only_its_step_knows_arrives_as_its_base_with_its_field(make_store: Callable[[], Store]) -> None:
    error = run(make_store(), [step("a", do="field")])["r/a"].error
    assert type(error) is StepError
    assert (error.field, error.text, error.remedy) == ("joint.text", "is: too short", "write more")
    assert error.message == "joint.text: is: too short"


@pytest.mark.parametrize(
    ("do", "words"), [("die", "killed"), ("link", "not a regular file"), ("read-undeclared", "FileNotFoundError")]
)
def test_misbehaviour_fails_the_step(make_store: Callable[[], Store], tmp_path: Path, do: str, words: str) -> None:
    (tmp_path / "neighbour.txt").write_text("a file of the recipe's folder that is no input")
    result = run(make_store(), [step("a", do=do)])["r/a"]
    assert result.status == "failed" and result.error is not None
    assert words in result.error.message


def test_a_step_that_hangs_is_ended(make_store: Callable[[], Store]) -> None:
    result = run(make_store(), [replace(step("a", sleep=60), timeout=0.5), step("b")], keep_going=True)
    assert statuses(result) == {"a": "failed", "b": "built"}
    assert "timed out" in str(result["r/a"].error)


@pytest.mark.parametrize(("failures", "status"), [(2, "built"), (3, "failed")])
def test_what_does_not_answer_is_tried_again(
    make_store: Callable[[], Store], tmp_path: Path, failures: int, status: str
) -> None:
    trace = tmp_path / "trace"
    events: list[Event] = []
    asking = replace(step("a", do=f"unreachable{failures}", trace=str(trace)), retries=2)
    result = run(make_store(), [asking], on_event=events.append)["r/a"]
    assert result.status == status
    assert len(trace.read_text().split()) == 3
    assert [event.text for event in events if event.status == "retrying"] == [
        "no answer; again in 1 s", "no answer; again in 2 s",
    ]  # fmt: skip
    if status == "failed":
        assert result.log is not None and result.log.read_text().count("a line of the log") == 3
        assert isinstance(result.error, UnreachableError) and result.error.exit_code == 4


def test_other_failures_are_not_tried_again(make_store: Callable[[], Store], tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    run(make_store(), [replace(step("a", do="check", trace=str(trace)), retries=2)])
    assert len(trace.read_text().split()) == 1


def test_a_resource_with_two_slots_serves_two_steps_and_no_more(make_store: Callable[[], Store]) -> None:
    running, most = set(), 0

    def count(event: Event) -> None:
        nonlocal most
        if event.status == "started":
            running.add(event.step.id)
        elif event.status == "built":
            running.remove(event.step.id)
        most = max(most, len(running))

    steps = [replace(step(name, sleep=0.3), resources=("board",)) for name in "abcd"]
    run(make_store(), steps, jobs=4, slots={"board": 2}, on_event=count)
    assert most == 2


def test_processes_share_one_resource(make_store: Callable[[], Store], tmp_path: Path) -> None:
    program = textwrap.dedent(f"""
        import sys, time
        from pathlib import Path
        from recipebuild.engine.run import run_steps
        from recipebuild.engine.step import Step
        from recipebuild.engine.store import Store
        def tell(event):
            if event.status in ("started", "built"):
                with open({str(tmp_path / "order")!r}, "a") as file:
                    print(sys.argv[1], event.status, file=file)
        step = Step(f"r/{{sys.argv[1]}}", "a", "toys.join", dict(text=sys.argv[1], sleep=0.5), resources=("pulsar2",))
        store = Store(Path({str(make_store().root)!r}))
        run_steps([step], store, jobs=2, on_event=tell)
        store.close()
    """)
    processes = [subprocess.Popen([sys.executable, "-c", program, name]) for name in "abc"]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    lines = (tmp_path / "order").read_text().split("\n")[:-1]
    assert [line.split()[1] for line in lines] == ["started", "built"] * 3
    assert all(one.split()[0] == two.split()[0] for one, two in zip(lines[::2], lines[1::2], strict=True))


def test_an_input_that_changes_while_read_is_not_recorded(make_store: Callable[[], Store], tmp_path: Path) -> None:
    source = tmp_path / "source.txt"
    source.write_text("first")
    steps = [Step("r/a", "a", "toys.join", {"text": "a", "do": "touch-input"}, {"source": Source(source)})]
    result = run(make_store(), steps)["r/a"]
    assert isinstance(result.error, StepError) and "changed while" in result.error.message
    assert not list(make_store().actions.glob("*"))


def test_an_outside_input_counts_by_content(make_store: Callable[[], Store], tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    source = folder / "x.txt"
    source.write_text("first")

    def status() -> str:
        steps = [Step("r/a", "a", "toys.join", {"text": "a"}, {"source": Source(source)})]
        return statuses(run(make_store(), steps))["a"]

    assert status() == "built"
    os.utime(source)
    assert status() == "cached"
    source.write_text("second")
    assert status() == "built"
    source.write_text("first")
    assert status() == "cached"


def test_a_missing_input_fails_its_step_by_name(make_store: Callable[[], Store], tmp_path: Path) -> None:
    steps = [Step("r/a", "a", "toys.join", {}, {"source": Source(tmp_path / "nowhere")})]
    assert "nowhere" in str(run(make_store(), steps)["r/a"].error)


def test_an_order_only_dependency_must_succeed_but_is_no_input(make_store: Callable[[], Store]) -> None:
    late = Step("r/b", "b", "toys.join", {"text": "b"}, after=("r/a",))
    assert statuses(run(make_store(), [step("a", do="check"), late])) == {"a": "failed", "b": "skipped"}
    assert statuses(run(make_store(), [step("a"), late])) == {"a": "built", "b": "built"}
    assert statuses(run(make_store(), [step("a", "changed"), late])) == {"a": "built", "b": "cached"}


def test_a_damaged_blob_is_built_again(make_store: Callable[[], Store]) -> None:
    store = make_store()
    first = run(store, DIAMOND)
    path = store.path(first["r/b"].record.select("text")[0])
    path.chmod(0o644)
    path.write_bytes(b"XX")
    assert statuses(run(make_store(), DIAMOND)) == {"a": "cached", "b": "built", "c": "cached", "d": "cached"}
    assert path.read_text() == "BA"


def test_steps_of_one_run_with_one_key_are_built_once_and_nobody_is_said_to_wait(
    make_store: Callable[[], Store], tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    events: list[Event] = []
    alike = [replace(step("a", sleep=0.3, trace=str(trace)), id=f"r{n}/a") for n in range(3)]
    results = run(make_store(), alike, on_event=events.append)
    assert sorted(result.status for result in results.values()) == ["built", "cached", "cached"]
    assert len(trace.read_text().split()) == 1
    assert "waiting" not in {event.status for event in events}


def test_processes_that_want_one_key_build_it_once(make_store: Callable[[], Store], toys: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    program = textwrap.dedent(f"""
        from pathlib import Path
        from recipebuild.engine.run import run_steps
        from recipebuild.engine.step import Step
        from recipebuild.engine.store import Store
        steps = [Step(f"r/{{n}}", n, "toys.join", dict(text=n, sleep=0.2, trace={str(trace)!r})) for n in "abc"]
        store = Store(Path({str(make_store().root)!r}))
        results = run_steps(steps, store, jobs=2)
        store.close()
        print(sum(r.status == "built" for r in results.values()))
        assert all(r.record for r in results.values()), results
    """)
    processes = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    built = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert sum(built) == 3
    assert len(trace.read_text().split()) == 3
    assert not list((make_store().root / "locks").iterdir())
    assert not list((make_store().root / "tmp").iterdir())


@pytest.mark.parametrize("moment", [("a", "cached"), ("b", "waiting"), ("b", "started")])
def test_an_interrupted_run_says_so_also_where_nothing_runs(
    make_store: Callable[[], Store], moment: tuple[str, str]
) -> None:
    run(make_store(), DIAMOND[:1])

    def interrupt(event: Event) -> None:
        if (event.step.name, event.status) == moment:
            raise Interrupted("interrupted")

    held = [replace(DIAMOND[1], resources=("board",)), *DIAMOND[2:]]
    store = make_store()
    claim = Claims(store.root / "locks", {}).take("0", ["board"]) if moment[1] == "waiting" else Claim()
    results = run(store, [DIAMOND[0], *held], on_event=interrupt, jobs=1)
    claim.release()
    assert statuses(results) == {"a": "cached", "b": "failed", "c": "skipped", "d": "skipped"}
    assert isinstance(results["r/b"].error, Interrupted)


PROGRAM = """
from pathlib import Path
from recipebuild.engine.run import run_steps
from recipebuild.engine.step import Step
from recipebuild.engine.store import Store
import signal, sys
from recipebuild.errors import Interrupted
def stop(*_): raise Interrupted("stop")
signal.signal(signal.SIGTERM, stop)
store = Store(Path(sys.argv[1]))
steps = [Step("r/a", "a", "toys.join", dict(text="a", sleep=60, trace=sys.argv[2]))]
results = run_steps(steps, store, jobs=2)
store.close()
sys.exit(type(results["r/a"].error).__name__)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_the_children_within_two_seconds(
    make_store: Callable[[], Store], tmp_path: Path, number: signal.Signals
) -> None:
    trace, root = tmp_path / "trace", make_store().root
    arguments = [sys.executable, "-c", PROGRAM, str(root), str(trace)]
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)
    while not trace.exists() or not trace.read_text().strip():
        time.sleep(0.02)
    worker = int(trace.read_text())
    began = time.monotonic()
    process.send_signal(number)
    messages = process.communicate(timeout=20)[1]
    while is_alive(worker):
        assert time.monotonic() - began < 2
        time.sleep(0.02)
    assert not list((root / "actions").iterdir())
    if number != signal.SIGKILL:
        assert messages.strip() == "Interrupted"
        assert not list((root / "tmp").iterdir())
    else:
        _ = make_store().workspaces
        assert len(list((root / "tmp").iterdir())) == 2, "what the dead left was not swept"


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False
