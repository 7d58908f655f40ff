"""Exact changes of a float graph that make it lose less in 8 bits: any toolchain that compiles it inherits them.

    equalized = equalize(model, techniques, batches)      # equalize.py: find sites, choose scales, fold, verify

A technique (``layer_norm``, ``linear``, ``query_key``) finds sites: a tensor whose channels one operator makes, and
all that takes them. Dividing channel j where it is made and multiplying it by the same s_j where it is taken leaves the
function as it is, and no operator is added. ``noise`` chooses s; ``trace`` follows channels through the graph.
``attention`` and ``tokens`` add operators: they let a tensor hold less unlike values.
"""
