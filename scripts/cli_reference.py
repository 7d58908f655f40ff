"""Prints docs/cli.md, made from the command line itself: ``python -m scripts.cli_reference > docs/cli.md``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from recipebuild.cli.app import app
from recipebuild.verbs.help_ import EXIT_CODES

HEAD = """\
# The command line

Generated from the commands' help by `python -m scripts.cli_reference`. `recipebuild COMMAND --help` prints the same;
`recipebuild help` explains topics and each field of a recipe. Results go to standard output, messages to standard
error. `RECIPE` is a path, with or without `.yaml`, or the name of a shipped recipe.
"""


def page() -> str:
    """The page in Markdown."""
    os.environ["COLUMNS"] = "10000"
    parts = [HEAD, *(_section(path, command, context) for path, command, context in commands())]
    codes = ["| code | meaning | what to do |", "|---|---|---|"]
    codes += [f"| {code} | {meaning} | {remedy} |" for code, (meaning, remedy) in EXIT_CODES.items()]
    return "\n".join([*parts, "## Exit codes\n", *codes, ""])


def commands() -> Iterator[tuple[str, Any, Any]]:
    """Every verb, in the order of ``--help``: its words, its command, and the context to ask it for help in."""
    root = get_command(app)
    context = root.context_class(root, info_name="recipebuild")
    yield from _walk("recipebuild", root, context)


def _walk(path: str, command: Any, context: Any) -> Iterator[tuple[str, Any, Any]]:
    inside = getattr(command, "commands", None)
    if inside is None:
        yield path, command, context
        return
    for name, each in inside.items():
        yield from _walk(f"{path} {name}", each, each.context_class(each, info_name=name, parent=context))


def examples(command: Any) -> list[str]:
    """The command lines that a verb's help shows."""
    return re.findall(r"^\s*Example: (.*)$", command.help or "", re.M)


def _section(path: str, command: Any, context: Any) -> str:
    text = re.sub(r"^\s*Example: .*$", "", command.help or "", flags=re.M)
    words = "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n") if paragraph.strip())
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    lines = [f"## {path}\n", f"{words}\n", "```console", f"{usage}", "```\n", "```console", *examples(command), "```\n"]
    rows = [record for param in command.params if (record := param.get_help_record(context))]
    if rows:
        lines += ["| | |", "|---|---|", *(f"| `{_cell(left)}` | {_cell(right)} |" for left, right in rows), ""]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    print(page(), end="")
