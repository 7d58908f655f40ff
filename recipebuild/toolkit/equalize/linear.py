"""A linear layer to the next: its rows take what the columns of the next give back.

    (x W / s) (s V) = (x W) V    and with attention between,    (A (x W / s)) (s V) = (A (x W)) V

as A mixes tokens, not channels. So V to the output projection, fc1 to the depthwise convolution of Mix-FFN, depthwise
to pointwise, and convolutions with ReLU between them, as ReLU(x / s) = ReLU(x) / s for s > 0 (M. Nagel et al.,
"Data-Free Quantization through Weight Equalization and Bias Correction", ICCV 2019, arXiv 1906.04721, section 4.1).
"""

from __future__ import annotations

from recipebuild.toolkit.equalize.site import Survey, all_behind
from recipebuild.toolkit.equalize.trace import Graph


def sites(graph: Graph) -> Survey:
    """Each linear layer whose output goes to linear layers only, with nothing between that mixes channels or bends."""
    return all_behind(frozenset({"Conv", "Gemm", "MatMul"}), "linear", graph)
