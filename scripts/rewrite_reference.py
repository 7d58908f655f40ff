"""Prints docs/graphs.md's table of rewrites, made from their rows: ``python -m scripts.rewrite_reference``."""

from __future__ import annotations

from recipebuild.facts.rewrites import REWRITES

_TARGETS = {"all": "all", "npu": "NPU", "host": "host"}


def table() -> str:
    """The table in Markdown: name, why, for which targets."""
    lines = ["| rewrite | why | for |", "|---|---|---|"]
    for row in REWRITES:
        targets = _TARGETS[row.targets] if row.default else "on request"
        lines.append(f"| `{row.name}` | {row.why} | {targets} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
