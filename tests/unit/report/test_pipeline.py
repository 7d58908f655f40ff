"""The picture of the pipeline: what depends on what, in SVG, Mermaid and DOT."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

from recipebuild.report.pipeline.layout import layout
from recipebuild.report.pipeline.nodes import StepNode, nodes
from recipebuild.report.pipeline.svg import svg
from recipebuild.report.pipeline.text import dot, mermaid
from recipebuild.report.units import duration

DIAMOND = {"a": [], "b": ["a"], "c": ["a"], "d": ["a", "b", "c"], "far": ["a", "d"], "alone": []}


def entries(needs: dict[str, list[str]], **more: Any) -> list[dict[str, Any]]:
    return [
        {"id": f"r/{name}", "name": name, "variant": "", "status": "built", "seconds": 1.5, **more}
        | {"needs": [f"r/{one}" for one in wanted]}
        for name, wanted in needs.items()
    ]


def test_a_need_that_follows_from_others_is_no_edge() -> None:
    needs = {node.name: [need.removeprefix("r/") for need in node.needs] for node in nodes(entries(DIAMOND))}
    assert needs == {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"], "far": ["d"], "alone": []}


def test_each_step_is_right_of_what_it_needs_and_none_lie_on_each_other() -> None:
    diamond = nodes(entries(DIAMOND))
    drawn = layout(diamond)
    for node in diamond:
        assert all(drawn.places[need][0] < drawn.places[node.id][0] for need in node.needs)
    assert len(set(drawn.places.values())) == len(diamond)
    assert (drawn.columns, drawn.rows) == (4, 2)


def test_a_step_that_needs_nothing_stands_before_what_needs_it() -> None:
    chain: dict[str, list[str]] = {"a": [], "b": ["a"], "late": [], "c": ["b", "late"]}
    assert layout(nodes(entries(chain))).places["r/late"][0] == 1


def test_an_edge_over_several_columns_goes_around_the_boxes_between() -> None:
    steps = [
        StepNode("a", "a", "", "built", 1.0, ()),
        StepNode("b", "b", "", "built", 1.0, ("a",)),
        StepNode("c", "c", "", "built", 1.0, ("a", "b")),
    ]
    drawn = layout(steps)
    (long,) = [path for path in drawn.edges if len(path) == 3]
    assert long[1][0] == drawn.places["b"][0] and long[1][1] != drawn.places["b"][1]


def test_the_svg_says_each_steps_name_state_and_time() -> None:
    failed = {"id": "r/x", "name": "x", "variant": "", "status": "failed", "seconds": 100.0, "needs": []}
    steps = [*entries(DIAMOND, variant="NPU1 <b>"), failed]
    root = ElementTree.fromstring(svg(nodes(steps), 'A "title"'))
    space = {"s": "http://www.w3.org/2000/svg"}
    assert root.get("aria-label") == 'A "title"'
    titles = [title.text for title in root.findall("s:g/s:title", space)]
    assert titles[0] == "a, NPU1 <b>, built, 1.5 s"
    assert titles[-1] == "x, failed, 1.7 min"
    assert len(root.findall("s:path", space)) == 5


def test_a_long_name_is_set_into_its_box() -> None:
    steps = [StepNode(name, name, "", "built", None, ()) for name in ("answers-quantized", "calibrate")]
    root = ElementTree.fromstring(svg(steps, "title"))
    texts = {text.text: text for text in root.iter() if text.tag.endswith("text")}
    box = next(float(rect.attrib["width"]) for rect in root.iter() if rect.tag.endswith("rect"))
    assert float(texts["answers-quantized"].attrib["textLength"]) < box
    assert "textLength" not in texts["calibrate"].attrib


def test_mermaid_and_dot_have_the_same_steps_and_edges() -> None:
    diamond = nodes(entries(DIAMOND))
    flow, graph = mermaid(diamond), dot(diamond, "r")
    assert flow.startswith("flowchart LR\n")
    assert len(re.findall(r" --> ", flow)) == len(re.findall(r" -> ", graph)) == 5
    assert 's0["a<br/>built 1.5 s"]:::built' in flow
    assert '"r/b" -> "r/d";' in graph and '[label="a\\nbuilt 1.5 s"' in graph


def test_nothing_in_a_name_breaks_out_of_the_text() -> None:
    steps = [StepNode('a"]; x', 'evil"\n', "", "built", None, ())]
    assert '"evil#quot;' in mermaid(steps)
    assert '"a\\"]; x" [label="evil\\"\\n' in dot(steps, "r")


def test_durations() -> None:
    spans = (None, 0.04, 89.9, 600.0, 7200.0)
    assert [duration(seconds) for seconds in spans] == ["", "0.0 s", "89.9 s", "10.0 min", "2.0 h"]
