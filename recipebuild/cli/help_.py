"""``help``: topics, verbs, rules, fields of recipes."""

from __future__ import annotations

from typing import Annotated

import typer

from recipebuild.cli import complete


def help_(
    context: typer.Context,
    topic: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TOPIC]",
            help="A topic, a command, a rule such as RB101, or a recipe field.",
            autocompletion=complete.topics,
        ),
    ] = None,
) -> None:
    """Explain a topic, a command, a rule or a recipe field. Topics include errors, recipes, rules, steps, environment.

    Example: recipebuild help errors

    Example: recipebuild help board run

    Example: recipebuild help input.shape

    Example: recipebuild help RB101
    """
    typer.echo(_text(context, topic or []), nl=False)


def _text(context: typer.Context, words: list[str]) -> str:
    from recipebuild.verbs.help_ import TOPICS, field_text, refuse, rule_text

    name = " ".join(words)
    if not words:
        lines = [f"  {topic:<12} {about}" for topic, (about, _) in TOPICS.items()]
        return "\n".join(
            [
                "Topics:",
                "",
                *lines,
                "",
                "Also: recipebuild help VERB, recipebuild help FIELD (such as input.shape), recipebuild help RB101.",
                "",
            ]
        )
    if name in TOPICS:
        return TOPICS[name][1]()
    return _verb(context, words) or rule_text(name) or field_text(name) or refuse(name)


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
