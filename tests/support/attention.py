"""A multi-head self-attention as exporters spell it."""

from __future__ import annotations

import onnx
from support.graphs import graph

ATTENTION = """(float[1,5,8] x, float[8,8] wq, float[8] bq, float[8,8] wk, float[8] bk, float[8,8] wv, float[8] bv,
               float[8,8] wo,
               float[8] bo, int64[4] heads, int64[3] rows) => (float[1,5,8] y) {
    q0 = MatMul (x, wq)
    q1 = Add (q0, bq)
    q2 = Reshape (q1, heads)
    q = Transpose <perm = [0,2,1,3]> (q2)
    k0 = MatMul (x, wk)
    k1 = Add (k0, bk)
    k2 = Reshape (k1, heads)
    k = Transpose <perm = [0,2,3,1]> (k2)
    v0 = MatMul (x, wv)
    v1 = Add (v0, bv)
    v2 = Reshape (v1, heads)
    v = Transpose <perm = [0,2,1,3]> (v2)
    s = MatMul (q, k)
    p = Softmax <axis = AXIS> (s)
    o0 = MatMul (p, v)
    o1 = Transpose <perm = [0,2,1,3]> (o0)
    o2 = Reshape (o1, rows)
    o3 = MatMul (o2, wo)
    y = Add (o3, bo)
}"""


def attention(heads: int, axis: int = -1) -> onnx.ModelProto:
    return graph(ATTENTION.replace("AXIS", str(axis)), heads=[1, 5, heads, 8 // heads], rows=[1, 5, 8])
