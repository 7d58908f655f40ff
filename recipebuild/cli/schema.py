"""``schema``: the JSON Schema of recipes, for editors."""

from __future__ import annotations

from recipebuild.cli.exits import print_json


def schema() -> None:
    """Print the JSON Schema of recipes, for editors; recipebuild help editors tells how they are told of it.

    Example: recipebuild schema
    """
    from recipebuild.verbs.schema import json_schema

    print_json([json_schema()])
