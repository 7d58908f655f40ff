"""The rewrites of a graph: one file for each, with the equation that makes it exact.

A pass is a module with

    WHY                                what is gained, in a line
    pattern(node) -> Match | None      what it looks for, around one node
    check(match) -> bool               when it may: the guard
    rewrite(edit, match)               what it puts there

Its name is the file's. ``PASSES`` says in which order they are applied, ``defaults`` which of them for which target.
"""

from __future__ import annotations

from types import ModuleType

from recipebuild.toolkit.graph.passes import (
    argmax_first,
    arrange_once,
    dense_as_conv,
    drop_key_bias,
    drop_nan_guard,
    drop_no_ops,
    explicit_axes,
    explicit_pads,
    fold_decoder,
    fold_layer_scale,
    fold_scale,
    fuse_gelu,
    fuse_layer_norm,
    gather_as_slice,
    merge_moves,
    move_value_bias,
    nearest_at_centres,
    neg_as_mul,
    pixel_shuffle_dcr,
    reciprocal_as_div,
    safe_output_names,
    share_equal,
    single_head,
    sink_reshape,
    spell_out_activations,
    spell_out_gelu,
    spell_out_layer_norm,
    spell_out_wide_layer_norm,
    split_gemm,
    square_as_mul,
    stack_heads,
    tile_attention,
    transpose_4d,
    unmerge_linear,
    vectors_as_rows,
    widen_constants,
    write_attributes,
)

Pass = ModuleType

_HOST = frozenset({"tile_attention"})
"""Only what runs on a processor with a cache gains by these."""
_NPU = frozenset(
    {
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
    }
)
"""What Pulsar2 refuses, gets wrong in silence or does slowly, whatever the chip; each file names its source."""

_ON_REQUEST = frozenset({"spell_out_gelu", "spell_out_layer_norm"})
"""What all published tables of operators take as it is; but not every tool has such a table."""

PASSES: dict[str, Pass] = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        widen_constants,
        spell_out_activations,
        drop_no_ops,
        drop_nan_guard,
        fuse_layer_norm,
        fuse_gelu,
        split_gemm,
        unmerge_linear,
        fold_layer_scale,
        fold_scale,
        transpose_4d,
        merge_moves,
        sink_reshape,
        dense_as_conv,
        fold_decoder,
        argmax_first,
        drop_key_bias,
        move_value_bias,
        single_head,
        stack_heads,
        share_equal,
        arrange_once,
        tile_attention,
        gather_as_slice,
        spell_out_wide_layer_norm,
        spell_out_layer_norm,
        spell_out_gelu,
        square_as_mul,
        neg_as_mul,
        reciprocal_as_div,
        vectors_as_rows,
        nearest_at_centres,
        pixel_shuffle_dcr,
        explicit_axes,
        explicit_pads,
        write_attributes,
        safe_output_names,
    )
}
"""All passes by name, in the order in which they are applied."""


def defaults(target: str) -> list[str]:
    """The passes that are applied for a target, unless a recipe says otherwise: ``host``, or a chip such as AX650."""
    left_out = _ON_REQUEST | (_NPU if target == "host" else _HOST)
    return [name for name in PASSES if name not in left_out]
