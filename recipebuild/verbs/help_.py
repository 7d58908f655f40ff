"""``help``: what it prints of topics, of rules and of fields of recipes."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from recipebuild.errors import RecipeError

EXIT_CODES: Mapping[int, tuple[str, str]] = {
    0: ("done", "Nothing to do."),
    1: (
        "a bug of ours",
        "The one line on the screen names a file with the traceback. Please report it, with that file; running again "
        "with another store (--store /tmp/other) tells whether the store has to do with it.",
    ),
    2: (
        "the recipe or the command line is wrong",
        "The message names file, line and field, and what was expected. `recipebuild check RECIPE` tells all mistakes "
        "at once; `recipebuild help input.shape` tells what a field is for.",
    ),
    3: (
        "a step failed",
        "The message names the step, why, and its log. What was built before is kept: after the fix, the same command "
        "goes on from there. `recipebuild explain RECIPE STEP` tells what went into the step.",
    ),
    4: (
        "something outside is missing: toolchain, hub, board, Python packages",
        "`recipebuild doctor` looks at all of them, and names the command that helps for each. Without a hub: "
        "HF_ENDPOINT for a mirror, a local folder as model.source, or --weights random.",
    ),
    5: (
        "a check fell short: accuracy, agreement, operators, --locked",
        "What was built is kept, and the figures are in manifest.json. Either the limit is wrong (evaluate.max_drop, "
        "board.min_agreement, ...): with another one, what was built is judged again and not built again. Or the build "
        "is: more calibration images, another quantization.method, or 16 bits for some layers (quantization.layers).",
    ),
    130: ("interrupted, by Ctrl-C or SIGTERM", "The same command goes on where it stopped."),
}
"""By exit code: what it means, and what to do."""

_ENVIRONMENT = """\
Environment variables that count:

  XDG_CACHE_HOME      the store is $XDG_CACHE_HOME/recipebuild, else ~/.cache/recipebuild
  XDG_CONFIG_HOME     the book of boards is $XDG_CONFIG_HOME/recipebuild/boards.yaml, else below ~/.config
  HF_ENDPOINT         a mirror of the Hugging Face hub
  HF_HUB_OFFLINE=1    take models from the hub's cache only
  HF_HOME             where that cache is
  HF_TOKEN            for private and gated models
  DOCKER_HOST         where docker is, for Pulsar2 in an image
  RECIPEBUILD_CONTAINER_NETWORK
                      the network of Pulsar2's containers: none (as always, unless you say so), host or default
  RECIPEBUILD_DEVICE  where accuracy is measured, as --device: cpu, auto, cuda or cuda:1
  NO_COLOR            no colours, and a line for each event in place of the live display
  GITHUB_ACTIONS      true: the log of a run is folded step by step, and errors are marked
  COLUMNS             how wide tables are
"""

_EDITORS = """\
Editors complete, explain and check recipes while you type:

  recipebuild schema > recipe.schema.json

VS Code (extension redhat.vscode-yaml), in .vscode/settings.json:

  {"yaml.schemas": {"./recipe.schema.json": "recipes/*.yaml"}}

Neovim (yaml-language-server by nvim-lspconfig):

  vim.lsp.config("yamlls", {settings = {yaml = {schemas = {["./recipe.schema.json"] = "recipes/*.yaml"}}}})

Any editor with yaml-language-server, as the first line of a recipe:

  # yaml-language-server: $schema=../recipe.schema.json
"""

_COMPLETION = """\
Shells complete verbs, options, recipes, steps, fields of --set and boards:

  recipebuild --install-completion        for the shell that you are in: bash, zsh, fish
  recipebuild --show-completion           print the script, to put it somewhere yourself

Open a new shell, and try: recipebuild run qui<Tab>
"""

_RECIPES = """\
A recipe is a YAML file. It says what to build: which model, for which input, calibrated on which images.

  recipebuild new nvidia/segformer-b0-finetuned-ade-512-512 -o recipes/mine.yaml     drafts one
  recipebuild check recipes/mine.yaml                                                tells all mistakes at once
  recipebuild plan recipes/mine.yaml                                                 tells what a run would do, and why
  recipebuild run recipes/mine.yaml                                                  builds it
  recipebuild run recipes/mine.yaml --set calibration.count=64                       with another value
  recipebuild models                                                                 lists those that ship

`recipebuild help FIELD` explains a field (input.shape) or the fields of a section (input).
"""


def errors() -> str:
    """The exit codes, and what to do about each."""
    import textwrap

    lines = ["Exit codes, and what to do:", ""]
    for code, (meaning, remedy) in EXIT_CODES.items():
        lines.append(f"  {code:<4} {meaning}")
        lines += textwrap.wrap(remedy, 100, initial_indent=" " * 7, subsequent_indent=" " * 7)
        lines.append("")
    return "\n".join(lines)


def steps() -> str:
    """The steps, with the first line of what each module says of itself; nothing of them is imported."""
    from recipebuild.plan.kinds import KINDS

    lines = ["The steps of a build, in their order; `recipebuild plan RECIPE` tells which a recipe has:", ""]
    for name, kind in KINDS.items():
        spec = find_spec(kind.module)
        source = Path(spec.origin).read_text(encoding="utf-8") if spec and spec.origin else ""
        first = (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
        lines.append(f"  {name:<20} {first.partition(': ')[2].partition('   ')[0]}")
    return "\n".join(lines) + "\n"


def rules() -> str:
    """The codes of warnings and notes, a line each, by kind."""
    from recipebuild.facts.rules import KINDS
    from recipebuild.facts.rules import rules as table

    lines = ["Warnings and notes begin with the code of their rule; `recipebuild help RB101` explains one."]
    for kind, about in KINDS.items():
        lines += ["", f"{kind}xx  {about}", ""]
        lines += [f"  {code}  {rule.what}" for code, rule in table().items() if code.startswith(kind)]
    return "\n".join(lines) + "\n"


def codes() -> list[str]:
    """The codes of all rules, in order."""
    from recipebuild.facts.rules import rules as table

    return list(table())


def rule_text(code: str) -> str:
    """What a rule says, why, an example and the remedy; empty if there is no rule of that code."""
    from recipebuild.facts.rules import rules as table

    rule = table().get(code.upper()) if code[:2].upper() == "RB" else None
    return str(rule) if rule else ""


TOPICS: Mapping[str, tuple[str, Callable[[], str]]] = {
    "errors": ("exit codes, and what to do", errors),
    "recipes": ("what a recipe is, and the commands around it", lambda: _RECIPES),
    "rules": ("codes of warnings and notes, such as RB101", rules),
    "steps": ("what is done, one line a step", steps),
    "environment": ("environment variables that count", lambda: _ENVIRONMENT),
    "editors": ("completion and checks while you type a recipe", lambda: _EDITORS),
    "completion": ("completion in your shell", lambda: _COMPLETION),
}
"""By name: what it is about, and its text."""


def field_text(name: str) -> str:
    """What a field of recipes is for, or the fields of a section; empty if there is none of that name."""
    from recipebuild.recipe.fields import all_fields, default, values

    fields = all_fields()
    path = tuple(name.split("."))
    inside = [inner for inner in fields if len(inner) == len(path) + 1 and inner[:-1] == path]
    if path not in fields:
        return ""
    lines = [f"{name}: {fields[path].description}"]
    if inside:
        lines += ["", *(f"  {'.'.join(inner):<34} {fields[inner].description}" for inner in inside)]
    else:
        words = values(path)
        lines += [f"  values:  {', '.join(words)}"] if words else []
        usual = default(path)
        lines.append(f"  default: {usual}")
        another = next((word for word in words if word != usual), "VALUE")
        lines.append(f"  try it:  recipebuild check RECIPE --set {name}={another}")
    return "\n".join(lines) + "\n"


def refuse(name: str) -> NoReturn:
    """Say that there is no help on ``name``, and what is near.

    Raises:
        RecipeError: Always.
    """
    from recipebuild.facts.rules import nearest
    from recipebuild.recipe.fields import all_fields, closest

    fields = [".".join(path) for path in all_fields()]
    near = nearest(name) if name.upper().startswith("RB") else closest(name, [*TOPICS, *fields])
    meant = f"did you mean {near}?\n" if near else ""
    raise RecipeError(
        f"there is no help on {name}",
        remedy=f"{meant}topics are {', '.join(TOPICS)}; verbs are listed by recipebuild --help, fields by "
        "recipebuild help recipes",
    )
