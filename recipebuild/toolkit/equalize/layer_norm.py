"""LayerNormalization to the linear layers behind it: gain and bias take what the weights give back.

x_j / s_j = LayerNormalization with g_j / s_j and b_j / s_j,    (x / s) (s W) = x W
"""

from __future__ import annotations

from recipebuild.toolkit.equalize.site import Survey, all_behind
from recipebuild.toolkit.equalize.trace import Graph


def sites(graph: Graph) -> Survey:
    """Each LayerNormalization whose output goes to linear layers with stored weights only."""
    return all_behind(frozenset({"LayerNormalization"}), "layer_norm", graph)
