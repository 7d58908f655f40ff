"""ONNX -> ONNX: simplify, heads, statistics, equivalence."""
