"""``help``: what it prints of topics, of rules and of fields of recipes."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from recipebuild.errors import RecipeError

EXIT_CODES: Mapping[int, tuple[str, str]] = {
    0: ("done", "Nothing."),
    1: (
        "a bug in recipebuild",
        "The error names a file with the traceback. Please report the bug and attach that file. A run with an empty "
        "store (--store /tmp/other) shows whether the store is involved.",
    ),
    2: (
        "the recipe or the command line is wrong",
        "The message names the file, line and field, and what was expected. `recipebuild check RECIPE` lists all "
        "mistakes at once; `recipebuild help input.shape` explains a field.",
    ),
    3: (
        "a step failed",
        "The message names the step, the reason and the log. Finished steps are kept: after the fix, the same command "
        "continues from there. `recipebuild explain RECIPE STEP` shows the inputs of the step.",
    ),
    4: (
        "something else is missing: toolchain, hub, board or Python packages",
        "`recipebuild doctor` checks all of them and names a command that fixes each. Without access to the hub, set "
        "HF_ENDPOINT to a mirror, use a local folder as model.source, or try --weights random.",
    ),
    5: (
        "a check failed: accuracy, agreement, operators or --locked",
        "The build is kept, and manifest.json has the figures. If the limit is too strict (evaluate.max_drop, "
        "board.min_agreement, ...), change it: the build is judged again without being rebuilt. If the accuracy is too "
        "low, try more calibration images, equalize: {}, another quantization.method, or 16 bits for some layers "
        "(quantization.layers).",
    ),
    130: ("interrupted by Ctrl-C or SIGTERM", "Run the same command again: it continues where it stopped."),
}
"""By exit code: what it means, and what to do."""

_ENVIRONMENT = """\
Environment variables:

  XDG_CACHE_HOME      parent of the store, recipebuild/; ~/.cache by default
  XDG_CONFIG_HOME     parent of the list of boards, recipebuild/boards.yaml; ~/.config by default
  HF_ENDPOINT         a mirror of the Hugging Face hub
  HF_HUB_OFFLINE=1    take models only from the local hub cache
  HF_HOME             location of that cache
  HF_TOKEN            access token for private and gated models
  DOCKER_HOST         address of the Docker daemon, for Pulsar2 in an image
  RECIPEBUILD_CONTAINER_NETWORK
                      network of Pulsar2's containers: none (the default), host or default
  RECIPEBUILD_DEVICE  device that measures accuracy, as --device: cpu, auto, cuda or cuda:1
  NO_COLOR            no colours, and one line per event instead of the live display
  GITHUB_ACTIONS      true: fold the log of a run by step, and annotate errors
  COLUMNS             width of tables
"""

_EDITORS = """\
Editors can complete, explain and check recipes while you type. Write the schema first:

  recipebuild schema > recipe.schema.json

VS Code (extension redhat.vscode-yaml), in .vscode/settings.json:

  {"yaml.schemas": {"./recipe.schema.json": "recipes/*.yaml"}}

Neovim (yaml-language-server with nvim-lspconfig):

  vim.lsp.config("yamlls", {settings = {yaml = {schemas = {["./recipe.schema.json"] = "recipes/*.yaml"}}}})

Any editor with yaml-language-server: start the recipe with

  # yaml-language-server: $schema=../recipe.schema.json
"""

_COMPLETION = """\
The shell can complete commands, options, recipes, steps, fields of --set and boards:

  recipebuild --install-completion        install for the current shell: bash, zsh or fish
  recipebuild --show-completion           print the script, to install it yourself

Open a new shell and try: recipebuild run qui<Tab>
"""

_RECIPES = """\
A recipe is a YAML file that says what to build: the model, its input, the calibration images.

  recipebuild new nvidia/segformer-b0-finetuned-ade-512-512 -o recipes/mine.yaml     draft a recipe
  recipebuild check recipes/mine.yaml                                                list all mistakes
  recipebuild plan recipes/mine.yaml                                                 show what a run would do, and why
  recipebuild run recipes/mine.yaml                                                  build it
  recipebuild run recipes/mine.yaml --set calibration.count=64                       try another value
  recipebuild models                                                                 list the shipped recipes

`recipebuild help FIELD` explains a field (input.shape) or the fields of a section (input).
"""


def errors() -> str:
    """The exit codes, and what to do about each."""
    import textwrap

    lines = ["Exit codes and what to do:", ""]
    for code, (meaning, remedy) in EXIT_CODES.items():
        lines.append(f"  {code:<4} {meaning}")
        lines += textwrap.wrap(remedy, 100, initial_indent=" " * 7, subsequent_indent=" " * 7)
        lines.append("")
    return "\n".join(lines)


def steps() -> str:
    """The steps, with the first line of what each module says of itself; nothing of them is imported."""
    from recipebuild.plan.kinds import KINDS

    lines = ["The steps of a build, in order. `recipebuild plan RECIPE` lists those of a recipe.", ""]
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

    lines = ["Every warning and note starts with the code of its rule. `recipebuild help RB101` explains one."]
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
    "errors": ("exit codes and what to do", errors),
    "recipes": ("what a recipe is, and the commands for it", lambda: _RECIPES),
    "rules": ("codes of warnings and notes, such as RB101", rules),
    "steps": ("the steps of a build, one line each", steps),
    "environment": ("environment variables", lambda: _ENVIRONMENT),
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
        remedy=f"{meant}topics: {', '.join(TOPICS)}; recipebuild --help lists the commands, docs/recipes.md the fields",
    )
