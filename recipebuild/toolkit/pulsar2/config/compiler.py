"""What the compiler does: CompilerConfig, for the whole model and for parts of it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from recipebuild.toolkit.pulsar2.config.message import Count, Float32, Int32, Message, Names, Struct


class Node(Message):
    """A node of a group pattern."""

    types: Names = ()
    inputs: Names = ()
    outputs: Names = ()
    properties: Struct | None = None


class Graph(Message):
    """A pattern of nodes that are scheduled as one group."""

    nodes: tuple[Node, ...] = ()
    type: Literal["Tile", "Slice"] = "Tile"
    match_mode: Literal["Op", "Tensor"] = "Op"


class _Options(Message):
    """What may be said of the whole model as well as of a part."""

    static_batch_sizes: tuple[Count, ...] = ()
    max_dynamic_batch_size: Annotated[Int32, Field(ge=0)] = 0
    ddr_bw_limit: Annotated[Float32, Field(ge=0)] = 0
    """GB/s that the cycle model assumes; 0 for no limit."""
    disable_ir_fix: bool = False
    check: Annotated[Int32, Field(ge=0, le=3)] = 0
    """0 no check, 1 all close, 2 all equal, 3 by cosine similarity."""
    npu_perf: bool = False
    check_mode: Literal["CheckOutput", "CheckPerLayer"] = "CheckOutput"
    check_rtol: Annotated[Float32, Field(ge=0)] = 1e-5
    check_atol: Annotated[Float32, Field(ge=0)] = 0
    check_cosine_simularity: Annotated[Float32, Field(ge=-1, le=1)] = 0.999
    check_tensor_black_list: Names = ()
    input_sample_dir: str = ""
    enable_slice_mode: bool = False
    enable_tile_mode: bool = False
    enable_data_soft_compression: bool = False
    compiler_group_patterns: tuple[Graph, ...] = ()

    @model_validator(mode="after")
    def _one_kind_of_batches(self) -> Self:
        if self.static_batch_sizes and self.max_dynamic_batch_size:
            raise ValueError("static_batch_sizes and max_dynamic_batch_size exclude each other")
        return self


class SubConfig(_Options):
    """Options of one part of the model; what is not given comes from the whole model's."""

    start_tensor_names: Annotated[Names, Field(min_length=1)]
    end_tensor_names: Annotated[Names, Field(min_length=1)]


class CompilerConfig(_Options):
    """What the compiler does."""

    sub_configs: tuple[SubConfig, ...] = ()
