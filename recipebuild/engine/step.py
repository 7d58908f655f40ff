"""What a step is: the words in which a plan speaks to the engine.

A plan is a list of ``Step``. A step is a module with a ``Params`` model and a ``run`` function; the engine gives it
its inputs as paths and an empty folder to write to, and never learns what the files mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Output:
    """What another step writes: the file ``name`` in its folder, with all below it and its companions.

    ``name`` selects the file itself, everything under it if it is a folder, and files whose names continue it with a
    dot (``model.onnx`` brings ``model.onnx.data`` along).
    """

    step: str
    name: str


@dataclass(frozen=True)
class Source:
    """A file or folder outside the store, known by its content, never by its place."""

    path: Path


@dataclass(frozen=True)
class Step:
    """One node of the plan.

    Attributes:
        id: Unique in the plan; what other steps' ``Output`` and ``after`` name.
        name: The plain name that users see: ``export``.
        module: The Python module with ``Params`` and ``run``: ``recipebuild.steps.export``.
        params: Parameters as JSON values; they are part of the key.
        inputs: By the name under which ``run`` finds them.
        after: Ids of steps that must have succeeded first, though nothing of theirs is read.
        tools: Python distributions whose versions are part of the key.
        extensions: Modules of other packages whose code is part of the key, too.
        facts: Other things that the result depends on and that are not parameters, such as a toolchain's image id.
        variant: Which entry of a recipe's matrix this belongs to; empty if to all.
        resources: Scarce things that the step holds while it runs (``pulsar2``, ``board``).
        timeout: Seconds after which the step is ended; ``None`` for no limit.
        retries: How often it is tried again, after 1, 2, 4 ... seconds, when something outside does not answer.
        goes_on: Ingredients, such as ``inputs.dataset`` or ``code``, that may differ in an earlier record whose outputs
            spare the step work. They are its input ``earlier``, a folder, with the log as ``.log`` in it, if there are
            any; it writes the same bytes without.
    """

    id: str
    name: str
    module: str
    params: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Output | Source] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    variant: str = ""
    resources: tuple[str, ...] = ()
    timeout: float | None = None
    retries: int = 0
    goes_on: tuple[str, ...] = ()

    @property
    def before(self) -> set[str]:
        """The ids of the steps that must have succeeded before this one."""
        return {input_.step for input_ in self.inputs.values() if isinstance(input_, Output)} | set(self.after)
