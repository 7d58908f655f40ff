"""``schema``: the JSON Schema of recipes, for editors."""

from __future__ import annotations

from recipebuild.recipe.json_schema import json_schema

__all__ = ["json_schema"]
