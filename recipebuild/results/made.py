"""How a build was made: ``made("recipes/mine.yaml", options)`` -> the command, the date, and the recipe's commit."""

from __future__ import annotations

import shlex
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from recipebuild.recipe.find import find
from recipebuild.session import Options


def made(recipe: str, options: Options) -> dict[str, str]:
    """What the manifest and the report say of a run that built something.

    Returns:
        ``command``, that builds the same; ``date``, UTC as in ISO 8601; and ``commit``, that of the git repository in
        which the recipe lies, ending in ``-dirty`` if something there was not committed; left out if there is none.
    """
    values = [word for value in options.sets for word in ("--set", value)]
    until = ["--until", options.until] if options.until else []
    device = ["--device", options.wanted_device] if options.wanted_device != "cpu" else []
    command = shlex.join(["recipebuild", "run", recipe, *values, *device, *until])
    date = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    commit = _commit(recipe)
    return {"command": command, "date": date, **({"commit": commit} if commit else {})}


def _commit(recipe: str) -> str:
    describe = ["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(
            ["git", "-C", str(find(recipe, Path.cwd()).parent), *describe],
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):  # no git, or no repository
        return ""
    return done.stdout.strip()
