"""In which line of a configuration a field is written:   ``line_of(text, ("quant", "layer_configs", 0))``."""

from __future__ import annotations

from collections.abc import Sequence


def line_of(text: str, path: Sequence[int | str]) -> int | None:
    """The line, from 1, of the deepest part of ``path`` that YAML or strict JSON has; ``None`` of other text."""
    import yaml

    try:
        node = yaml.compose(text.replace("\t", " "))
    except (yaml.YAMLError, RecursionError):
        return None
    line = None
    for part in path:
        if isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == part), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
        else:
            break
        if node is None:
            break
        line = node.start_mark.line + 1
    return line
