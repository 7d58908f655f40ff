"""Prints docs/rules.md, made from the rules' rows: ``python -m scripts.rule_reference > docs/rules.md``."""

from __future__ import annotations

from recipebuild.facts.rules import KINDS, Rule, rules

HEAD = """\
# Rules

Generated from the rows in `recipebuild/facts/rules/` by `python -m scripts.rule_reference`. Every warning of `check`,
`import`, `run` and the report, and every note on a recipe, starts with the code of its rule; `recipebuild help RB101`
prints its entry on this page. Codes never change; the first digit is the kind. Errors, which end a command, have
[exit codes](exit-codes.md) instead, and each line of `doctor` names its own fix.

To silence a warning that does not apply, give the reason in the recipe:

```yaml
check:
  ignore:
    RB101: "fed RGB by our own program"
```

`check`, `manifest.json` and the report then show the warning as ignored, with that reason, and `run` omits it from the
summary. An ignored rule changes no step, so nothing is rebuilt.

| codes | about |
|---|---|
"""


def page() -> str:
    """The page in Markdown."""
    kinds = "".join(f"| {kind}xx | {about} |\n" for kind, about in KINDS.items())
    return HEAD + kinds + "".join(_section(kind, about) for kind, about in KINDS.items())


def _section(kind: str, about: str) -> str:
    entries = [_entry(rule) for code, rule in rules().items() if code.startswith(kind)]
    return f"\n## {about}\n" + "".join(entries)


def _entry(rule: Rule) -> str:
    text = f"\n### {rule.code}\n\n{_plain(rule.what)}\n\n- Why: {_plain(rule.why)}\n- Example: `{rule.example}`\n"
    text += f"- Remedy: {_plain(rule.remedy)}\n"
    return text + (f"- Source: {_plain(rule.source)}\n" if rule.source else "")


def _plain(text: str) -> str:
    """``text`` with what Markdown would read as its own escaped."""
    return "".join(f"\\{char}" if char in "*[<" else char for char in text)


if __name__ == "__main__":
    print(page(), end="")
