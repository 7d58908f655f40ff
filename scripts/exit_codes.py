"""Prints docs/exit-codes.md's table, made from the errors: ``python -m scripts.exit_codes``."""

from __future__ import annotations

from recipebuild.errors import KINDS
from recipebuild.verbs.help_ import EXIT_CODES


def table() -> str:
    """The table in Markdown: code, the classes that leave with it, meaning, what to do."""
    rows = ["| code | error | meaning | what to do |", "|---|---|---|---|"]
    for code, (meaning, remedy) in EXIT_CODES.items():
        kinds = ", ".join(f"`{name}`" for name, kind in KINDS.items() if kind.exit_code == code)
        rows.append(f"| {code} | {kinds} | {meaning} | {remedy} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())
