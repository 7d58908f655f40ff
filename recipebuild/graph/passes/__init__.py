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

from recipebuild.graph.passes import (
    arrange_once,
    dense_as_conv,
    drop_key_bias,
    drop_nan_guard,
    drop_no_ops,
    fold_decoder,
    fold_layer_scale,
    fold_scale,
    fuse_gelu,
    fuse_layer_norm,
    merge_moves,
    move_value_bias,
    share_equal,
    single_head,
    sink_reshape,
    split_gemm,
    stack_heads,
    tile_attention,
    transpose_4d,
    unmerge_linear,
)

Pass = ModuleType

_HOST = frozenset({"tile_attention"})
"""Only what runs on a processor with a cache gains by these."""

PASSES: dict[str, Pass] = {
    module.__name__.rpartition(".")[2]: module
    for module in (
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
        drop_key_bias,
        move_value_bias,
        single_head,
        stack_heads,
        share_equal,
        arrange_once,
        tile_attention,
    )
}
"""All passes by name, in the order in which they are applied."""


def defaults(target: str) -> list[str]:
    """The passes that are applied for a target, ``npu`` or ``host``, unless a recipe says otherwise."""
    return [name for name in PASSES if target == "host" or name not in _HOST]
