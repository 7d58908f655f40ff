"""What torch.onnx is told of onnxscript's functions: the same as without us, and no source is read."""

from __future__ import annotations

from typing import Any

import pytest

from recipebuild.toolkit.models.torchlib import unread_sources


def test_torch_is_told_the_same_without_a_source_being_read(monkeypatch: pytest.MonkeyPatch) -> None:
    from onnxscript._framework_apis.torch_2_5 import get_torchlib_ops
    from onnxscript._internal import ast_utils

    read: list[object] = []
    plain = ast_utils.get_src_and_ast

    def noted(function: Any) -> Any:
        read.append(function)
        return plain(function)

    monkeypatch.setattr(ast_utils, "get_src_and_ast", noted)
    theirs = get_torchlib_ops()
    assert len(read) > 400
    read.clear()
    with unread_sources():
        assert get_torchlib_ops() == theirs
    assert not read


def test_functions_answer_for_themselves_again_afterwards() -> None:
    import onnx_ir as ir
    from onnxscript.function_libs.torch_lib.ops.core import aten_abs

    with unread_sources():
        assert not isinstance(aten_abs.function_ir, ir.Function)
    assert isinstance(aten_abs.function_ir, ir.Function)


def test_whoever_asks_more_gets_what_the_source_says() -> None:
    from onnxscript.function_libs.torch_lib.ops.core import aten_abs

    with unread_sources():
        asked = aten_abs.function_ir
        assert (asked.domain, asked.name) == ("pkg.onnxscript.torch_lib", "aten_abs")
