"""Prints docs/recipes.md's table of fields, made from the schema: ``python -m scripts.recipe_reference``."""

from __future__ import annotations

from recipebuild.recipe.fields import all_fields, default, values


def table() -> str:
    """The table in Markdown: field, default, meaning; sections are replaced by their fields."""
    rows = ["| field | default | what it says |", "|---|---|---|"]
    fields = all_fields()
    sections = {path[:-1] for path in fields}
    for path, field in fields.items():
        if path in sections or path[0] in ("extends", "matrix"):
            continue
        words = [] if all(word in str(field.description) for word in values(path)) else values(path)
        shown = default(path)
        code = shown if shown in ("required", "none") or " " in shown else f"`{shown}`"
        listed = f". One of {', '.join(f'`{word}`' for word in words)}" if words and words != ["true", "false"] else ""
        rows.append(f"| `{'.'.join(path)}` | {code} | {field.description}{listed} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())
