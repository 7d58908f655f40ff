"""Random plans of toy steps under random edits, against a model of what a run must build and what comes out."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from recipebuild.engine.run import run_steps
from recipebuild.engine.step import Output, Source, Step
from recipebuild.engine.store import Store

pytestmark = pytest.mark.usefixtures("toys", "forked_workers")

TEXTS = st.sampled_from(["a", "A", "b", "B", "c"])
"""Toys shout: ``a`` and ``A`` are different parameters with the same output, where a change must stop."""


class Engine(RuleBasedStateMachine):
    """Step n reads any of the steps before it, and some read the file ``source``."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.source = self.folder / "source"
        self.source.write_text("s")
        self.texts: list[str] = []
        self.needs: list[set[int]] = []
        self.reads: list[bool] = []
        self.known: set[tuple[object, ...]] = set()
        self.lost: set[tuple[object, ...]] = set()

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @initialize(data=st.data(), size=st.integers(2, 5))
    def begin(self, data: st.DataObject, size: int) -> None:
        for _ in range(size):
            self.add(data)

    @rule(data=st.data())
    def add(self, data: st.DataObject) -> None:
        if len(self.texts) < 7:
            earlier = st.sets(st.integers(0, len(self.texts) - 1), max_size=3) if self.texts else st.just(set())
            self.needs.append(data.draw(earlier))
            self.texts.append(data.draw(TEXTS))
            self.reads.append(data.draw(st.booleans()))

    @rule(data=st.data(), text=TEXTS)
    def edit_a_parameter(self, data: st.DataObject, text: str) -> None:
        self.texts[data.draw(st.integers(0, len(self.texts) - 1))] = text

    @rule(text=st.sampled_from(["s", "t"]))
    def edit_the_source(self, text: str) -> None:
        self.source.write_text(text)

    @rule(data=st.data())
    def drop_an_edge(self, data: st.DataObject) -> None:
        self.needs[data.draw(st.integers(0, len(self.needs) - 1))].clear()

    @rule(data=st.data())
    def lose_an_output(self, data: st.DataObject) -> None:
        """A blob disappears: of the steps that had written it, at least one must be built again."""
        outputs = self.expected()
        lost = outputs[data.draw(st.integers(0, len(outputs) - 1))]
        for path in (self.folder / "store" / "blobs").glob("*"):
            if path.read_text() == lost:
                path.unlink()
                self.lost |= {entry for entry in self.known if entry[-1] == lost}

    def steps(self) -> list[Step]:
        steps = []
        for i, text in enumerate(self.texts):
            inputs: dict[str, Output | Source] = {f"i{n}": Output(f"r/{n}", "text") for n in sorted(self.needs[i])}
            if self.reads[i]:
                inputs["source"] = Source(self.source)
            steps.append(Step(f"r/{i}", "toy", "toys.join", {"text": text}, inputs))
        return steps

    def expected(self) -> list[str]:
        """What each step writes: its text in capitals, then its inputs by name (``i0`` .. ``i6``, ``source``)."""
        outputs: list[str] = []
        for i, text in enumerate(self.texts):
            texts = [outputs[n] for n in sorted(self.needs[i])] + [self.source.read_text()] * self.reads[i]
            outputs.append(text.upper() + "".join(texts))
        return outputs

    @invariant()
    def a_run_builds_what_must_be_built_and_nothing_else(self) -> None:
        outputs = self.expected()
        entries: dict[str, tuple[object, ...]] = {}
        for i, text in enumerate(self.texts):
            inputs = [(f"i{n}", outputs[n]) for n in sorted(self.needs[i])]
            inputs += [("source", self.source.read_text())] * self.reads[i]
            entries[f"r/{i}"] = (text, tuple(inputs), outputs[i])
        store = Store(self.folder / "store")
        results = run_steps(self.steps(), store, jobs=1)
        store.close()
        for i, output in enumerate(outputs):
            record = results[f"r/{i}"].record
            assert record is not None
            assert store.path(record.select("text")[0]).read_text() == output
        built = [entries[name] for name, result in results.items() if result.status == "built"]
        assert len(built) == len(set(built)), "steps that are alike are built once"
        must = set(entries.values()) - self.known
        may = set(entries.values()) & self.lost
        assert must <= set(built) <= must | may
        assert {entry[-1] for entry in may} <= {entry[-1] for entry in built}
        self.known |= set(entries.values())
        self.lost = {entry for entry in self.lost if entry[-1] not in outputs}


def test_the_engine_does_what_the_model_says(toys: Path) -> None:
    patience = settings(
        max_examples=8,
        stateful_step_count=6,
        deadline=None,
        phases=[Phase.generate],  # each run starts processes: shrinking would take minutes
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Engine, settings=patience)
