"""The rewrites of graphs: a row for each, in the order in which they are applied.

The recipe's switches, the defaults of ``toolkit.graph.passes`` and the table in docs/graphs.md are made of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Rewrite:
    """What is known of a rewrite without its code.

    Attributes:
        name: Of its file, its switch in recipes and its row in manifests.
        what: What becomes of the graph.
        why: What is gained, in a line.
        targets: Where it is of use: ``npu``, ``host``, or ``all``.
        default: Whether it is applied there, unless a recipe says otherwise.
    """

    name: str
    what: str
    why: str
    targets: Literal["all", "npu", "host"] = "all"
    default: bool = True


REWRITES = (
    Rewrite(
        "widen_constants",
        "Constants of 16 bits with 32",
        "Pulsar2 fails on constants of 16 bits",
        targets="npu",
    ),
    Rewrite(
        "spell_out_activations",
        "ONNX Runtime's own Gelus, and Swish, in common operators",
        "only ONNX Runtime, or the newest opset, has operators for them",
        targets="npu",
    ),
    Rewrite(
        "drop_no_ops",
        "Remove operators that give what they take",
        "leftovers of training and of exporters",
    ),
    Rewrite(
        "clamp_mask",
        "Masks before a Softmax, added or put in by a Where, clamped to 100 below what they leave",
        "-inf or -3.4e38 in a mask uses up all steps of 8 or 16 bits and leaves none for the scores",
    ),
    Rewrite(
        "clamp_chosen_mask",
        "Masks of -inf that the network itself makes, likewise",
        "-inf has no place in a quantized tensor",
    ),
    Rewrite(
        "drop_nan_guard",
        "Softmax without the guard for rows that are masked, where nothing is",
        "two operators fewer on the scores; and Pulsar2 has no IsNaN",
    ),
    Rewrite(
        "fuse_layer_norm",
        "LayerNormalization in one operator",
        "one operator instead of nine, which read and write the tensor nine times",
    ),
    Rewrite(
        "fuse_gelu",
        "Gelu in one operator",
        "one operator instead of five, which read and write the tensor five times",
    ),
    Rewrite(
        "split_gemm",
        "Gemm as MatMul and Add",
        "Gemm accepts matrices only, and costs a Reshape on either side; ONNX Runtime forms Gemms where they pay off",
    ),
    Rewrite(
        "unmerge_linear",
        "A linear layer that is then split as one layer for each part",
        "no Split, and queries, keys and values can each have the layout that attention needs",
    ),
    Rewrite(
        "fold_layer_scale",
        "LayerScale in the weights",
        "one operator fewer per layer; and quantized weights have a scale per channel, a vector has one for all",
    ),
    Rewrite(
        "fold_scale",
        "Attention's scale in the weights",
        "one operator fewer on the largest tensors of the network, the scores",
    ),
    Rewrite(
        "transpose_4d",
        "One Transpose next to each Conv, of the image, not of the flattened image",
        "leaves one Transpose next to each Conv; the Reshape moves on until it meets its inverse",
    ),
    Rewrite(
        "merge_moves",
        "Reshapes and Transposes in a row as one",
        "data is moved once, or not at all",
    ),
    Rewrite(
        "sink_reshape",
        "Reshapes behind operators along the last axis, where they cancel",
        "the Reshape meets its inverse further down, and both disappear",
    ),
    Rewrite(
        "dense_as_conv",
        "Linear layers beside a Transpose as 1x1 Conv",
        "a smaller Transpose or none, and a bias that costs nothing",
    ),
    Rewrite(
        "fold_decoder",
        "A decoder's fusing Conv folded into its projections",
        "removes the wide fusing Conv at the largest resolution: for SegFormer 43 % of all multiply-adds",
    ),
    Rewrite(
        "argmax_first",
        "An ArgMax before the Resize that repeats pixels",
        "class ids of the small image are repeated, not the logits of each class",
    ),
    Rewrite(
        "drop_key_bias",
        "Attention without the bias of its keys",
        "one operator fewer per attention",
    ),
    Rewrite(
        "move_value_bias",
        "The bias of attention's values in that of its output",
        "one operator fewer per attention",
    ),
    Rewrite(
        "single_head",
        "Attention of one head without projections of its own for keys and output",
        "two products fewer per attention",
    ),
    Rewrite(
        "stack_heads",
        "A product per head in place of splitting heads after it",
        "queries, keys and values come out in the layout of the scores: a Reshape and a Transpose fewer for each",
    ),
    Rewrite(
        "share_equal",
        "Equal operators computed once",
        "nothing is computed twice",
    ),
    Rewrite(
        "arrange_once",
        "Reshapes shared by products and what they multiply",
        "one Reshape fewer",
    ),
    Rewrite(
        "tile_attention",
        "Attention for some queries at a time (on the host)",
        "the scores stay in the cache instead of going through memory",
        targets="host",
    ),
    Rewrite(
        "gather_as_slice",
        "A Gather of constant neighbours as a Slice",
        "Pulsar2 keeps the whole source of a Gather on the chip",
        targets="npu",
    ),
    Rewrite(
        "spell_out_wide_layer_norm",
        "LayerNormalizations that the NPU does not take, likewise",
        "Pulsar2 normalizes over the last axis only, by a scale that is a constant",
        targets="npu",
    ),
    Rewrite(
        "spell_out_layer_norm",
        "LayerNormalization in elementary operators",
        "not every tool supports it, or has room on the chip for one on a large tensor",
        default=False,
    ),
    Rewrite(
        "spell_out_gelu",
        "Gelu in elementary operators",
        "not every tool supports it",
        default=False,
    ),
    Rewrite(
        "square_as_mul",
        "Pow(x, 2) as Mul(x, x)",
        "Pulsar2 fuses Pow into an operator that it cannot tile",
        targets="npu",
    ),
    Rewrite(
        "neg_as_mul",
        "Neg as a product with -1",
        "Neg is not in the NPU's table of operators",
        targets="npu",
    ),
    Rewrite(
        "reciprocal_as_div",
        "Reciprocal as a quotient of 1",
        "Reciprocal is not in the NPU's table of operators",
        targets="npu",
    ),
    Rewrite(
        "vectors_as_rows",
        "Arithmetic on vectors as on rows [1, N]",
        "Pulsar2 cannot tile arithmetic on vectors",
        targets="npu",
    ),
    Rewrite(
        "nearest_at_centres",
        "Nearest Resize by whole factors with the NPU's rounding",
        "Pulsar2 supports one rounding mode only",
        targets="npu",
    ),
    Rewrite(
        "pixel_shuffle_dcr",
        "DepthToSpace after a Conv with the NPU's order of channels",
        "Pulsar2 supports one order of channels only",
        targets="npu",
    ),
    Rewrite(
        "explicit_axes",
        "Reductions with their axes written out",
        "without axes Pulsar2 silently reduces only the last one",
        targets="npu",
    ),
    Rewrite(
        "explicit_pads",
        "Padding in numbers where it follows from the sizes",
        "Pulsar2 supports numeric padding only",
        targets="npu",
    ),
    Rewrite(
        "write_attributes",
        "Attributes that are left out with ONNX's default values",
        "Pulsar2 does not know ONNX's default values, and fails",
        targets="npu",
    ),
    Rewrite(
        "safe_output_names",
        "Names of outputs that can be files",
        "on the board, outputs are files of that name",
        targets="npu",
    ),
)
