"""Exact, spelled as NPUs take it: what Pulsar2 refuses, gets wrong or does slowly. Each file has its evidence."""

from recipebuild.toolkit.graph.passes.spelling import (
    explicit_axes,
    explicit_pads,
    gather_as_slice,
    nearest_at_centres,
    neg_as_mul,
    pixel_shuffle_dcr,
    reciprocal_as_div,
    safe_output_names,
    spell_out_activations,
    spell_out_wide_layer_norm,
    square_as_mul,
    vectors_as_rows,
    widen_constants,
    write_attributes,
)

__all__ = [
    "explicit_axes",
    "explicit_pads",
    "gather_as_slice",
    "nearest_at_centres",
    "neg_as_mul",
    "pixel_shuffle_dcr",
    "reciprocal_as_div",
    "safe_output_names",
    "spell_out_activations",
    "spell_out_wide_layer_norm",
    "square_as_mul",
    "vectors_as_rows",
    "widen_constants",
    "write_attributes",
]
