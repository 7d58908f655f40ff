"""The recipe's ``rewrite`` section: which of the graph's rewrites are applied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field, create_model

from recipebuild.facts.rewrites import REWRITES
from recipebuild.facts.rewrites import Rewrite as Row
from recipebuild.recipe.section import Section


class RewriteSection(Section):
    """Rewrites of the graph that leave its function as it is. A field for each, named as in docs/graphs.md."""

    enabled: bool = Field(default=True, description="`false` keeps the simplified graph")

    @property
    def switches(self) -> dict[str, bool]:
        """The rewrites that the recipe turns on or off."""
        chosen = self.model_dump(exclude={"enabled"}, exclude_none=True)
        return {name: bool(on) for name, on in sorted(chosen.items())}


def _rows() -> list[Row]:
    """As the fields are listed: what makes graphs faster in the order of application, the rest by name."""
    faster = [row for row in REWRITES if row.default and row.targets != "npu"]
    return faster + sorted((row for row in REWRITES if row not in faster), key=lambda row: row.name)


def _switch(row: Row) -> Any:
    """The field of one rewrite: true or false, or by default as its row says."""
    usual = "the target decides by default" if row.default else "off by default"
    return bool | None, Field(default=None, description=f"{row.what}; {usual}")


if TYPE_CHECKING:
    Rewrite = RewriteSection
else:
    Rewrite = create_model(
        "Rewrite",
        __base__=RewriteSection,
        __doc__=RewriteSection.__doc__,
        __module__=__name__,
        **{row.name: _switch(row) for row in _rows()},
    )
