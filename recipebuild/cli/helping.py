"""``help``: topics, verbs, fields of recipes."""

from __future__ import annotations

from typing import Annotated

import typer

from recipebuild.cli import completing
from recipebuild.errors import RecipeError


def help_(
    context: typer.Context,
    topic: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TOPIC]", help="A topic, a verb, or a field of recipes.", autocompletion=completing.topics
        ),
    ] = None,
) -> None:
    """Explain a topic (errors, recipes, steps, environment, editors, completion), a verb, or a field of recipes.

    Example: recipebuild help errors

    Example: recipebuild help board run

    Example: recipebuild help input.shape
    """
    typer.echo(_text(context, topic or []), nl=False)


def _text(context: typer.Context, words: list[str]) -> str:
    from recipebuild.cli.topics import TOPICS

    name = " ".join(words)
    if not words:
        lines = [f"  {topic:<12} {about}" for topic, (about, _) in TOPICS.items()]
        return "\n".join(
            [
                "Topics:",
                "",
                *lines,
                "",
                "Also: recipebuild help VERB, recipebuild help FIELD (such as input.shape).",
                "",
            ]
        )
    if name in TOPICS:
        return TOPICS[name][1]()
    return _verb(context, words) or _field(name) or _unknown(name)


def _verb(context: typer.Context, words: list[str]) -> str:
    """The help of the verb ``words``; empty if there is none."""
    parent = context.find_root()
    command = parent.command
    for word in words:
        commands = getattr(command, "commands", {})
        if word not in commands:
            return ""
        command = commands[word]
        parent = type(parent)(command, info_name=word, parent=parent)
    return command.get_help(parent) + "\n"


def _field(name: str) -> str:
    """What a field of recipes is for, or the fields of a section; empty if there is none of that name."""
    from pydantic_core import PydanticUndefined

    from recipebuild.recipe.fields import all_fields

    fields = all_fields()
    path = tuple(name.split("."))
    inside = [it for it in fields if len(it) == len(path) + 1 and it[:-1] == path]
    if path not in fields:
        return ""
    lines = [f"{name}: {fields[path].description}"]
    if inside:
        lines += ["", *(f"  {'.'.join(it):<34} {fields[it].description}" for it in inside)]
    else:
        default = fields[path].get_default()
        lines.append(f"  default: {'none, it is required' if default is PydanticUndefined else default}")
        lines.append(f"  try it:  recipebuild check RECIPE --set {name}=VALUE")
    return "\n".join(lines) + "\n"


def _unknown(name: str) -> str:
    from recipebuild.cli.topics import TOPICS
    from recipebuild.recipe.fields import all_fields, closest

    near = closest(name, [*TOPICS, *(".".join(path) for path in all_fields())])
    meant = f"did you mean {near}?\n" if near else ""
    raise RecipeError(
        f"there is no help on {name}",
        remedy=f"{meant}topics are {', '.join(TOPICS)}; verbs are listed by recipebuild --help, fields by "
        "recipebuild help recipes",
    )
