"""Names of operators: typing errors are told, and what somebody else's table may have is left in peace."""

from __future__ import annotations

import pytest

from recipebuild.toolkit.pulsar2.operator_names import meant


@pytest.mark.parametrize(("name", "operator"), [("Sofmax", "Softmax"), ("softmax", "Softmax"), ("Matmul", "MatMul")])
def test_a_typing_error_is_told(name: str, operator: str) -> None:
    assert meant(name) == operator


@pytest.mark.parametrize("name", ["Softmax", "Einsum", "FastGelu", "AxSomethingOfItsOwn", "DEFAULT"])
def test_what_is_an_operator_or_like_none_is_left_in_peace(name: str) -> None:
    assert meant(name) == ""
