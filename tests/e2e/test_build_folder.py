"""The build folder through runs that do not finish: the last complete build stays until a new one is complete."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from support.project import Project

LAST_RUN = {"manifest.json", "complete.json", "report.partial.html", "partial"}


def complete_build(project: Project) -> dict[str, str]:
    """The digest of every file of the complete build, by name."""
    names = [path.relative_to(project.build) for path in project.build.rglob("*") if path.is_file()]
    mine = [name for name in names if name.parts[0] not in LAST_RUN]
    return {str(name): hashlib.sha256((project.build / name).read_bytes()).hexdigest() for name in mine}


@pytest.mark.parametrize(
    ("arguments", "code", "status", "made"),
    [
        pytest.param(
            ["--until", "calibrate", "--set", "calibration.seed=5"], 0, "partial", "calibration.tar", id="until"
        ),
        pytest.param(
            ["--set", "calibration.source=broken"], 3, "failed", "logs/calibrate.log", id="a step fails"
        ),
        pytest.param(["--until", "fetch", "--store", "other"], 0, "partial", None, id="another store"),
    ],
)  # fmt: skip
def test_a_run_that_does_not_finish_leaves_the_last_complete_build(
    built_project: Project, arguments: list[str], code: int, status: str, made: str | None
) -> None:
    built_project.command("run", built_project.recipe)
    broken = built_project.folder / "broken" / "image.jpg"
    broken.parent.mkdir(exist_ok=True)
    broken.write_bytes((built_project.recipe.parent / "images" / "street-0.jpg").read_bytes()[:200])
    before, manifest = complete_build(built_project), built_project.manifest()
    assert manifest["status"] == "ok" and "report.html" in before

    built_project.command("run", built_project.recipe, *arguments, code=code)

    after = built_project.manifest()
    assert complete_build(built_project) == before
    assert after["status"] == status
    assert json.loads((built_project.build / after["complete"]).read_text()) == manifest
    places = [output["path"] for step in after["steps"] for output in step["outputs"]]
    places += [step["log"] for step in after["steps"] if "log" in step]
    assert all((built_project.build / place).is_file() for place in places)
    assert (built_project.build / "partial").exists() == bool(made)
    assert not made or f"partial/{made}" in places

    built_project.command("run", built_project.recipe)
    assert complete_build(built_project) == before
    assert not (built_project.build / "partial").exists() and not (built_project.build / "complete.json").exists()


def test_a_complete_build_replaces_the_last_one(built_project: Project) -> None:
    built_project.command("run", built_project.recipe, "--until", "calibrate", "--set", "calibration.seed=7")
    seed = built_project.manifest()["steps"]
    built_project.command("run", built_project.recipe, "--set", "calibration.seed=7")
    steps = {step["name"]: step for step in built_project.manifest()["steps"]}
    assert steps["calibrate"]["status"] == "cached"
    assert [step["key"] for step in seed if step["name"] == "calibrate"] == [steps["calibrate"]["key"]]
    (tar,) = [output for output in steps["calibrate"]["outputs"] if output["name"] == "calibration.tar"]
    assert tar["path"] == "calibration.tar"
    digest = hashlib.sha256((built_project.build / "calibration.tar").read_bytes()).hexdigest()
    assert digest == tar["sha256"]
    assert not (Path(built_project.build) / "partial").exists()
