"""The recipe's ``rewrite`` section: which of the graph's rewrites are applied."""

from __future__ import annotations

from pydantic import Field

from recipebuild.recipe.section import Section


def _switch(what: str, otherwise: str = "by target") -> bool | None:
    """A field for one rewrite: true or false, or ``otherwise`` if left out."""
    switch: bool | None = Field(default=None, description=f"{what}; {otherwise} if left out")
    return switch


class Rewrite(Section):
    """Rewrites of the graph that leave its function as it is. A field for each, named as in docs/graphs.md."""

    enabled: bool = Field(default=True, description="`false` leaves the graph as it was simplified")
    drop_no_ops: bool | None = _switch("Remove operators that give what they take")
    drop_nan_guard: bool | None = _switch("Softmax without the guard for rows that are masked, where nothing is")
    fuse_layer_norm: bool | None = _switch("LayerNormalization in one operator")
    fuse_gelu: bool | None = _switch("Gelu in one operator")
    split_gemm: bool | None = _switch("Gemm as MatMul and Add")
    unmerge_linear: bool | None = _switch("A linear layer that is then split as one layer for each part")
    fold_layer_scale: bool | None = _switch("LayerScale in the weights")
    fold_scale: bool | None = _switch("Attention's scale in the weights")
    transpose_4d: bool | None = _switch("One Transpose next to each Conv, of the image, not of the flattened image")
    merge_moves: bool | None = _switch("Reshapes and Transposes in a row as one")
    sink_reshape: bool | None = _switch("Reshapes behind operators along the last axis, where they cancel")
    dense_as_conv: bool | None = _switch("Linear layers beside a Transpose as 1x1 Conv")
    fold_decoder: bool | None = _switch("A decoder's fusing Conv folded into its projections")
    argmax_first: bool | None = _switch("An ArgMax before the Resize that repeats pixels")
    drop_key_bias: bool | None = _switch("Attention without the bias of its keys")
    move_value_bias: bool | None = _switch("The bias of attention's values in that of its output")
    single_head: bool | None = _switch("Attention of one head without projections of its own for keys and output")
    stack_heads: bool | None = _switch("A product per head in place of splitting heads after it")
    share_equal: bool | None = _switch("Equal operators computed once")
    arrange_once: bool | None = _switch("Reshapes shared by products and what they multiply")
    tile_attention: bool | None = _switch("Attention for some queries at a time (on the host)")
    explicit_axes: bool | None = _switch("Reductions with their axes written out")
    explicit_pads: bool | None = _switch("Padding in numbers where it follows from the sizes")
    gather_as_slice: bool | None = _switch("A Gather of constant neighbours as a Slice")
    nearest_at_centres: bool | None = _switch("Nearest Resize by whole factors with the NPU's rounding")
    neg_as_mul: bool | None = _switch("Neg as a product with -1")
    pixel_shuffle_dcr: bool | None = _switch("DepthToSpace after a Conv with the NPU's order of channels")
    reciprocal_as_div: bool | None = _switch("Reciprocal as a quotient of 1")
    safe_output_names: bool | None = _switch("Names of outputs that can be files")
    spell_out_activations: bool | None = _switch("ONNX Runtime's own Gelus, and Swish, in common operators")
    spell_out_gelu: bool | None = _switch("Gelu in elementary operators", "off")
    spell_out_layer_norm: bool | None = _switch("LayerNormalization in elementary operators", "off")
    spell_out_wide_layer_norm: bool | None = _switch("LayerNormalizations that the NPU does not take, likewise")
    square_as_mul: bool | None = _switch("Pow(x, 2) as Mul(x, x)")
    vectors_as_rows: bool | None = _switch("Arithmetic on vectors as on rows [1, N]")
    widen_constants: bool | None = _switch("Constants of 16 bits with 32")
    write_attributes: bool | None = _switch("Attributes that are left out with ONNX's default values")

    @property
    def switches(self) -> dict[str, bool]:
        """The rewrites that the recipe turns on or off."""
        given = self.model_dump(exclude={"enabled"}, exclude_none=True)
        return {name: bool(on) for name, on in sorted(given.items())}
