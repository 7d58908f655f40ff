"""The files of a real build follow their published schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support.formats import follows, text_follows
from support.project import Project


def test_what_a_build_leaves_for_others_follows_its_schemas(built_project: Project) -> None:
    build = built_project.build
    follows("manifest", build / "manifest.json")
    made = built_project.manifest()["made"]
    built_project.command("run", built_project.recipe)
    assert built_project.manifest()["made"] == made  # of the run that built it
    assert made["command"].startswith("recipebuild run ") and made["command"].endswith("tiny.yaml")
    follows("lint", build / "steps" / "lint" / "lint.json")
    follows("quant", build / "quant.json")
    follows("model", build / "bundle" / "model.json")
    built_project.command("accept", built_project.recipe)
    follows("accepted", built_project.recipe.with_name("tiny.accepted.json"))


def test_what_commands_print_for_others_follows_its_schemas(built_project: Project) -> None:
    recipe = built_project.recipe

    def printed(*command: object) -> Any:
        text = built_project.command(*command, "--json").stdout
        text_follows(str(command[0]), text)
        return json.loads(text)

    assert printed("render", recipe)["config"] == json.loads((built_project.build / "pulsar2.json").read_text())
    steps = {step["name"]: step for step in printed("graph", recipe)["steps"]}
    assert steps["export"]["status"] == "cached" and steps["simplify"]["needs"] == [steps["export"]["id"]]
    assert Path(built_project.folder, printed("report", built_project.build)["page"]).is_file()
    assert Path(printed("accept", recipe)["file"]) == recipe.with_name("tiny.accepted.json")
    assert Path(printed("lock", recipe)["file"]) == recipe.with_name("tiny.lock")


def test_a_rule_that_the_recipe_answers_is_ignored_and_nothing_is_built_again(
    built_project: Project, recipe_text: str
) -> None:
    code = built_project.manifest()["rules"][0]["code"]
    built_project.recipe.write_text(f"{recipe_text}check: {{ignore: {{{code}: a test of five images}}}}\n")
    output = built_project.command("run", built_project.recipe).stdout
    manifest = built_project.manifest()
    assert {step["status"] for step in manifest["steps"]} == {"cached"}
    (rule,) = (rule for rule in manifest["rules"] if rule["code"] == code)
    assert (rule["level"], rule["reason"]) == ("ignored", "a test of five images")
    assert code not in output
    page = (built_project.build / "report.html").read_text(encoding="utf-8")
    assert "Ignored</strong>" in page and "a test of five images" in page
    follows("manifest", built_project.build / "manifest.json")
