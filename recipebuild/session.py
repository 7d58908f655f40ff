"""From recipes and options to plans, and the one wiring in which plans run.

Load, resolve what the machine has, plan; then ``Session`` is the store, the remote store and the executor. What is done
with the results is in ``verbs/``.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Self

from recipebuild.engine.events import OnEvent
from recipebuild.engine.executors import open_executor
from recipebuild.engine.remote import Remote
from recipebuild.engine.run import run_steps
from recipebuild.engine.step import Step
from recipebuild.engine.store import Store, own_store
from recipebuild.engine.task import Result
from recipebuild.engine.transfer import Transfer
from recipebuild.errors import RecipeError
from recipebuild.machine import ResolvedDevice, onnxruntime_distribution, resolve_device, resolve_toolchain
from recipebuild.plan.device import with_device, with_runtime
from recipebuild.plan.families import with_families
from recipebuild.plan.plan import Plan, only_until, plan
from recipebuild.plan.steps import ResolvedToolchain
from recipebuild.recipe.advice import advice
from recipebuild.recipe.document import Document
from recipebuild.recipe.load import Variant, load
from recipebuild.recipe.problems import Place, Problem, RecipeProblems
from recipebuild.recipe.schema import Recipe
from recipebuild.requirements import MISSING, require_packages, require_toolchain
from recipebuild.resources import shipped, template_sources
from recipebuild.toolkit.models.extensions import declared


@dataclass(frozen=True)
class Options:
    """How to build, as opposed to what.

    Attributes:
        sets: Values that override the recipe's, as ``a.b=value``.
        store: The store's folder; by default ``$XDG_CACHE_HOME/recipebuild``, else ``~/.cache/recipebuild``. A URL
            names a remote store behind that one.
        build_dir: The folder in which each recipe gets one of its own; by default ``build`` in the current folder.
        templates: A folder of templates that go before the shipped ones.
        jobs: How many steps may run at once; by default what cores and memory allow.
        slots: How many steps may hold a scarce resource of this machine (``pulsar2``) at once, by name; else one.
        device: Where ONNX models run that evidence is made with: ``cpu``, ``auto`` (a GPU where one can be used),
            ``cuda`` or ``cuda:1``; by default what ``RECIPEBUILD_DEVICE`` says, else ``cpu``.
        timeout: Seconds after which any step is ended; by default what is usual for it (see ``plan/kinds.py``).
        executor: Where steps run: ``local``, ``dask`` or the address of a Dask scheduler.
        keep_going: After a failure, build all that does not depend on it.
        until: The name of the last step to build; what it does not need is left out.
        locked: Build only what the recipes' lock files say.
        fail_on_regression: Fail a build that is worse than what was accepted, or was not compared with it.
        board: The name of a board to deploy to and to measure on.
        again: Anything that was not said before makes the board measure anew.
    """

    sets: Sequence[str] = ()
    store: Path | str | None = None
    build_dir: Path | str = Path("build")
    templates: Path | str | None = None
    jobs: int | None = None
    slots: Mapping[str, int] = field(default_factory=dict)
    device: str | None = None
    timeout: float | None = None
    executor: str = "local"
    keep_going: bool = False
    until: str | None = None
    locked: bool = False
    fail_on_regression: bool = False
    board: str | None = None
    again: str | None = None

    @property
    def wanted_device(self) -> str:
        """That of the option, of the environment, or the CPU."""
        return self.device or os.environ.get("RECIPEBUILD_DEVICE") or "cpu"

    def folder_of(self, name: str) -> Path:
        """The build folder of the recipe of that name."""
        return Path(self.build_dir) / name


DEFAULTS = Options()
"""How the command line builds without options."""


RecipeName = str | Path
"""A recipe's path, or the name of a shipped one."""


def listed(recipes: RecipeName | Sequence[RecipeName]) -> list[str]:
    """One recipe or several, as several."""
    return [str(recipe) for recipe in ([recipes] if isinstance(recipes, (str, Path)) else recipes)]


@dataclass(frozen=True)
class Job:
    """One recipe, ready to be built: its plan, what it was planned from, and what else the manifest says.

    Attributes:
        plan: Its steps.
        variants: The recipe's entries, by label.
        toolchains: What each entry's toolchain was resolved to, by label.
        notes: What the user should know.
    """

    plan: Plan
    variants: Mapping[str, Variant]
    toolchains: Mapping[str, ResolvedToolchain]
    notes: list[str] = field(default_factory=list)

    @property
    def recipes(self) -> list[Recipe]:
        """The recipe of each entry."""
        return [variant.recipe for variant in self.variants.values()]

    @property
    def ignore(self) -> dict[str, str]:
        """Codes of warnings and notes that its entries answer, with the reasons."""
        return {code: reason for recipe in self.recipes for code, reason in recipe.check.ignore.items()}

    def place(self, step: Step, field: str) -> Place | None:
        """Where ``field`` was written for a step; ``None`` if it has its default, or there is no such field."""
        variant = self.variants.get(step.variant) or next(iter(self.variants.values()))
        return variant.place(field)


def prepare(recipes: Sequence[str], options: Options) -> list[Job]:
    """Load and plan recipes.

    Raises:
        RecipeError: If a recipe or an option is wrong, or two recipes have one name.
    """
    jobs: dict[str, Job] = {}
    bases: dict[Path, Document] = {}  # what many recipes extend is read once
    resolve = cache(resolve_toolchain)  # asking docker costs more than planning a recipe
    device = resolve_device(options.wanted_device)
    problems: list[Problem] = []
    for recipe in recipes:
        try:
            variants = load(recipe, sets=options.sets, cwd=Path.cwd(), bases=bases)
        except RecipeProblems as error:
            problems += error.problems
            continue
        name = variants[0].recipe.name
        if name in jobs:
            raise RecipeError(f"two recipes are named {name}", remedy="give one of them another `name:`")
        jobs[name] = plan_recipe(variants, options, resolve, device)
    if problems:
        raise RecipeProblems(problems)
    return list(jobs.values())


def plan_recipe(
    variants: Sequence[Variant],
    options: Options,
    resolve: Callable[..., ResolvedToolchain],
    device: ResolvedDevice | None = None,
) -> Job:
    """Plan one loaded recipe with what ``resolve`` finds of the toolchains and versions that it wants."""
    device = device or resolve_device(options.wanted_device)
    toolchains = [resolve(_wanted(v.recipe), v.recipe.pulsar2.version) for v in variants]
    planned = with_families(plan(variants, toolchains, templates_of(options)), declared())
    planned = with_runtime(with_device(planned, device.name, device.facts), onnxruntime_distribution())
    if options.board:
        from recipebuild.plan.deploy import with_deploy
        from recipebuild.toolkit.board.boards import find_board  # few runs have a board, and all would wait for it

        planned = with_deploy(planned, variants, options.board, find_board(options.board), options.again)
    if options.until:
        planned = only_until(planned, options.until)
    if options.timeout is not None:
        planned = replace(planned, steps=tuple(replace(step, timeout=options.timeout) for step in planned.steps))
    by_label = {variant.label: variant for variant in variants}
    lines = [line for variant in variants for line in advice(variant.recipe)]
    lines += [line for pair in zip(variants, toolchains, strict=True) for line in _absent(*pair)]
    lines += [f"note: {device.note}"] if device.note else []
    return Job(planned, by_label, dict(zip(by_label, toolchains, strict=True)), list(dict.fromkeys(lines)))


def _wanted(recipe: Recipe) -> str:
    """The recipe's toolchain; models that are quantized already are for Pulsar2 alone."""
    return "pulsar2" if recipe.pulsar2.is_quantized else recipe.target.toolchain


def _absent(variant: Variant, toolchain: ResolvedToolchain) -> list[str]:
    """That the Pulsar2 which a recipe names is not here, and whether something else does instead."""
    version = variant.recipe.pulsar2.version
    if toolchain.version == MISSING:
        name = f"Pulsar2 {version}" if version else "Pulsar2"
        return [f"warning: RB503 {name}, which the recipe asks for, is not on this machine: run ends with 4"]
    if version and toolchain.name == "onnxruntime" and variant.recipe.target.toolchain == "auto":
        return [f"note: RB503 Pulsar2 {version}, which the recipe names, is not on this machine"]
    return []


def templates_of(options: Options) -> dict[str, dict[str, Path]]:
    """For each room, the templates of the user's and the shipped ones, by the names of the inputs that they are."""
    users = [Path(options.templates).absolute()] if options.templates else []
    return template_sources([*users, shipped("templates")])


def open_store(options: Options = DEFAULTS) -> Store:
    """The store in the folder that the options name, or the user's own, which is also the front of a remote one."""
    named = options.store if not isinstance(options.store, str) or "://" not in options.store else None
    return Store(Path(named).absolute() if named else own_store())


def open_remote(options: Options) -> Remote | None:
    """The remote store that the options name; it is not touched yet.

    Raises:
        MissingError: If the packages for its protocol are not installed.
    """
    return Remote(options.store) if isinstance(options.store, str) and "://" in options.store else None


class Session:
    """What steps run with: the store, a remote one behind it, and what runs them. One way for all verbs that build.

        with Session(options, steps) as session:
            results = session.run(on_event)

    It begins with nothing touched but the store. While it is open, ``cache gc`` leaves alone what it uses.

    Args:
        options: How to build.
        steps: What is to run.

    Raises:
        MissingError: If Pulsar2 or packages that the steps use, or that the executor or a remote store needs, are not
            installed.
    """

    def __init__(self, options: Options, steps: Sequence[Step]) -> None:
        require_packages(steps)
        if options.executor == "local":  # elsewhere a worker may have it
            require_toolchain(steps)
        self._options = options
        self.steps = steps
        self.jobs = options.jobs or default_jobs()
        self.store = open_store(options)
        remote = open_remote(options)
        self._transfer = Transfer(self.store, remote) if remote else None
        resources = {name: options.slots.get(name, 1) for step in steps for name in step.resources}
        self._executor = open_executor(options.executor, self.jobs, resources, remote)

    def __enter__(self) -> Self:
        self.store.hold()
        return self

    def __exit__(self, *error: object) -> None:
        self._executor.close()
        self.store.close()

    def run(self, on_event: OnEvent, *, keep_going: bool = False) -> dict[str, Result]:
        """Run the steps, once: look each up, and build what is missing.

        Args:
            on_event: Called with each event of each step.
            keep_going: After a failure, build all that does not depend on it.

        Returns:
            How each step ended, by its id.
        """
        return run_steps(
            self.steps,
            self.store,
            executor=self._executor,
            transfer=self._transfer,
            keep_going=keep_going,
            slots=self._options.slots,
            machine=own_store() / "locks",
            on_event=on_event,
        )

    @property
    def unpushed(self) -> Collection[str]:
        """The ids of steps whose results did not reach the remote store."""
        return self._transfer.unpushed if self._transfer else ()


def default_jobs() -> int:
    """As many steps at once as there are cores, and 4 GiB of free memory for each; at least one."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
        free = int(next(line for line in lines if line.startswith("MemAvailable")).split()[1]) * 1024
    return max(1, min(len(os.sched_getaffinity(0)), free // (4 << 30)))
