"""The files of a real build follow their published schemas."""

from __future__ import annotations

from support.formats import follows
from support.project import Project


def test_what_a_build_leaves_for_others_follows_its_schemas(built_project: Project) -> None:
    build = built_project.build
    follows("manifest", build / "manifest.json")
    follows("lint", build / "steps" / "lint" / "lint.json")
    follows("quant", build / "quant.json")
    follows("model", build / "bundle" / "model.json")
    built_project.command("accept", built_project.recipe)
    follows("accepted", built_project.recipe.with_name("tiny.accepted.json"))


def test_a_rule_that_the_recipe_answers_is_ignored_and_nothing_is_built_again(
    built_project: Project, recipe_text: str
) -> None:
    code = built_project.manifest()["rules"][0]["code"]
    built_project.recipe.write_text(f"{recipe_text}check: {{ignore: {{{code}: a test of five images}}}}\n")
    said = built_project.command("run", built_project.recipe).stdout
    manifest = built_project.manifest()
    assert {step["status"] for step in manifest["steps"]} == {"cached"}
    (rule,) = (rule for rule in manifest["rules"] if rule["code"] == code)
    assert (rule["level"], rule["reason"]) == ("ignored", "a test of five images")
    assert code not in said
    page = (built_project.build / "report.html").read_text(encoding="utf-8")
    assert "Ignored</strong>" in page and "a test of five images" in page
    follows("manifest", built_project.build / "manifest.json")
