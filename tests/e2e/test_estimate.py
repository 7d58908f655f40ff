from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from support.project import Project


def test_an_estimate_is_called_one_and_states_its_error(make_project: Callable[[], Project]) -> None:
    project = make_project()
    output = project.command("estimate", project.recipe).stdout
    for words in (
        "an estimate of",
        "on AX650 NPU3",
        "G multiply-adds",
        "fitted on 29 measured models",
        "a check: SegFormer-B0",
    ):
        assert words in output
    modes = "matrix={target.npu_mode: [NPU1, NPU3]}"
    answer = json.loads(project.command("estimate", project.recipe, "--set", modes, "--json").stdout)
    one, three = answer
    assert one["npu_mode"] == "NPU1" and one["ms"] > three["ms"] > 0
    assert one["costs"] == three["costs"]
    small = project.command("estimate", project.recipe, "--set", "target.hardware=AX630C").stdout
    assert "on AX630C NPU2" in small and "fitted on 19 measured models" in small and "a check" not in small
    failed = project.command("estimate", project.recipe, "--set", "target.hardware=AX620E", code=2)
    assert "there are no public measurements of AX620E" in failed.stderr and "AX630C, AX620Q" in failed.stderr


@pytest.mark.slow
def test_the_costs_of_segformer_b0_in_the_table_are_those_of_its_graph(make_project: Callable[[], Project]) -> None:
    """What was published was measured with the graph as it is exported."""
    project = make_project()
    arguments = ["b0-cityscapes", "--weights", "random", "--set", "rewrite.enabled=false", "--json"]
    (answer,) = [json.loads(project.command("estimate", *arguments).stdout)]
    from recipebuild.toolkit.board.estimate import held_out

    costs = held_out().costs
    assert (answer["costs"]["conv"], answer["costs"]["matmul"]) == (costs.conv, costs.matmul)
    assert answer["costs"]["softmax_sizes"] == list(costs.softmax_sizes)
    assert answer["ms"] == answer["check"]["ms"]
