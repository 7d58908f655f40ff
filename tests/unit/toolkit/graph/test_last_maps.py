"""The last maps of an image: heads are, what is inside of the network is not."""

from __future__ import annotations

from support.graphs import graph

from recipebuild.toolkit.graph.last_maps import ImageMap, last_maps

WEIGHTS = "float[9,3,8,8] w, float[9,3,16,16] v"


def test_maps_that_are_flattened_are_last() -> None:
    model = graph(f"""(float[1,3,64,128] x, {WEIGHTS}) => (float[1,9,160] y) {{
        fine = Conv <strides = [8, 8]> (x, w)
        coarse = Conv <strides = [16, 16]> (x, v)
        shape = Constant <value_ints = [1, 9, -1]> ()
        a = Reshape (fine, shape)
        b = Reshape (coarse, shape)
        y = Concat <axis = 2> (a, b)
    }}""")
    assert last_maps(model, (64, 128)) == [ImageMap("fine", 9, 8), ImageMap("coarse", 9, 16)]


def test_a_map_that_comes_back_as_one_is_not() -> None:
    model = graph(f"""(float[1,3,64,128] x, {WEIGHTS}) => (float[1,9,8,16] y) {{
        inner = Conv <strides = [8, 8]> (x, w)
        flat = Constant <value_ints = [1, 9, 128]> ()
        again = Constant <value_ints = [1, 9, 8, 16]> ()
        a = Reshape (inner, flat)
        b = Softmax (a)
        y = Reshape (b, again)
    }}""")
    assert last_maps(model, (64, 128)) == [ImageMap("y", 9, 8)]


def test_cells_that_are_no_squares_and_the_image_itself_are_no_maps() -> None:
    model = graph(f"""(float[1,3,64,128] x, {WEIGHTS}) => (float[1,9,8,32] y) {{
        same = Relu (x)
        y = Conv <strides = [8, 4], pads = [0, 2, 0, 2]> (same, w)
    }}""")
    assert last_maps(model, (64, 128)) == []
