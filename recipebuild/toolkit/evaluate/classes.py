"""How many classes a model tells apart, by its graph; nothing is run to tell."""

from __future__ import annotations

from pathlib import Path


def class_count(path: Path) -> int | None:
    """How many classes the model at ``path`` tells apart, if its graph says so.

    It is the size of the axis that the ArgMax before an output reduces; without one, of axis 1 of the first output.
    A threshold on the logits of one class tells two apart: 0, and the class, 1.
    """
    import onnx

    graph = onnx.load(path, load_external_data=False).graph
    outputs = {value.name for value in graph.output}
    heads = [node for node in graph.node if node.op_type == "ArgMax" and outputs.intersection(node.output)]
    above = {name for node in graph.node if node.op_type == "Greater" for name in node.output}
    if any(node.op_type == "Cast" and node.input[0] in above and node.output[0] in outputs for node in graph.node):
        return 2
    name, axis = graph.output[0].name, 1
    if heads:
        name = heads[0].input[0]
        axis = next((attribute.i for attribute in heads[0].attribute if attribute.name == "axis"), 0)
    for value in (*graph.output, *graph.value_info):
        sizes = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        if value.name == name and -len(sizes) <= axis < len(sizes) and sizes[axis] > 0:
            return int(sizes[axis])
    return None
