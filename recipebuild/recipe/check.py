"""``check``: what the author of a recipe knows, and need not be told again."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from recipebuild.recipe.section import Section, Text, wrong

_EXAMPLE = 'write the reason beside the code: ignore: {RB101: "fed RGB by our own program"}'


class Check(Section):
    """Warnings and notes that the recipe answers."""

    ignore: dict[Annotated[str, Field(pattern=r"^RB\d{3}$")], Text] = Field(
        default={},
        description="Codes of warnings and notes that do not matter here, each with the reason, such as "
        'RB101: "fed RGB by our own program"',
    )

    @field_validator("ignore", mode="before")
    @classmethod
    def _known_with_reasons(cls, ignore: Any) -> Any:
        if isinstance(ignore, list):
            raise wrong("is a list of codes without reasons", _EXAMPLE)
        if not isinstance(ignore, dict):
            return ignore
        from recipebuild.facts.rules import rules

        for code, reason in ignore.items():
            if code not in rules():
                words = {"message": f"there is no rule {code}", "remedy": _nearest(str(code)), "field": str(code)}
                raise PydanticCustomError("recipe", "{message}", words)
            if not isinstance(reason, str) or not reason.strip():
                words = {"message": "has no reason", "remedy": _EXAMPLE, "field": code}
                raise PydanticCustomError("recipe", "{message}", words)
        return ignore


def _nearest(code: str) -> str:
    from recipebuild.facts.rules import nearest

    near = nearest(code)
    return f"did you mean {near}?" if near else "recipebuild help rules lists them"
