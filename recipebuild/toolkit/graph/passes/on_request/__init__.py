"""Exact, and more work: operators that all tables list, spelled out for tools without such a table."""

from recipebuild.toolkit.graph.passes.on_request import (
    spell_out_gelu,
    spell_out_layer_norm,
)

__all__ = [
    "spell_out_gelu",
    "spell_out_layer_norm",
]
