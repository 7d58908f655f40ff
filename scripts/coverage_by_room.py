"""How much of each room the tests reach: ``make coverage`` prints this after the tests.

Reads what ``coverage json`` wrote. A branch is a way out of an ``if`` or a loop; the percentage counts lines and
branches together, as coverage.py does.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path

MEASURED = Path("build/coverage/coverage.json")
COUNTS = {
    "num_statements": "lines", "covered_lines": "reached", "num_branches": "branches", "covered_branches": "taken",
}  # fmt: skip


def room(path: str) -> str:
    """The room of a file of the package: ``recipebuild/engine/x.py`` is in ``engine``; ``toolkit`` has rooms itself."""
    _, *folders, _ = Path(path).parts
    return "/".join(folders[: 2 if folders[:1] == ["toolkit"] else 1]) or "(top)"


def percentage(counts: Counter[str]) -> float:
    """Lines and branches that were reached, of all."""
    whole = counts["num_statements"] + counts["num_branches"]
    return 100 * (counts["covered_lines"] + counts["covered_branches"]) / whole if whole else 100.0


def main() -> None:
    """Print a line per room, the least reached first, and the total."""
    rooms: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for path, file in json.loads(MEASURED.read_text(encoding="utf-8"))["files"].items():
        rooms[room(path)].update({name: file["summary"][name] for name in COUNTS})
    rows = sorted(rooms.items(), key=lambda row: percentage(row[1]))
    rows.append(("total", sum(rooms.values(), Counter())))
    print(f"{'room':<22}" + "".join(f"{title:>10}" for title in COUNTS.values()) + f"{'%':>8}")
    for name, counts in rows:
        print(f"{name:<22}" + "".join(f"{counts[key]:>10}" for key in COUNTS) + f"{percentage(counts):>8.1f}")


if __name__ == "__main__":
    main()
