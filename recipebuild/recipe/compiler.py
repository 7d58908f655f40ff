"""``compiler``: what Pulsar2's compiler does besides compiling."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from recipebuild.recipe.section import Count, Section, wrong


class Compiler(Section):
    """What Pulsar2's compiler does besides compiling."""

    check: Annotated[int, Field(ge=0, le=3)] = Field(
        default=0, description="Simulate and compare the result: 0 off, 1 all close, 2 all equal, 3 cosine similarity"
    )
    npu_perf: bool = Field(default=False, description="Estimate the time of each operator, and keep the figures")
    static_batch_sizes: Annotated[tuple[Count, ...], Field(strict=False)] = Field(
        default=(), description="Batch sizes that one compiled model holds, such as [1, 2, 4]"
    )
    max_dynamic_batch_size: Annotated[int, Field(ge=0, le=100_000)] = Field(
        default=0, description="Largest batch of a model with dynamic batch size; 0 for none"
    )
    ddr_bw_limit: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        default=0.0, description="Memory bandwidth that the estimate assumes, in GB/s; 0 for no limit"
    )
    disable_ir_fix: bool = Field(default=False, description="Keep Reshape unchanged when there are several batch sizes")
    enable_slice_mode: bool = Field(default=False, description="Schedule in slices, which can save memory traffic")
    enable_tile_mode: bool = Field(default=False, description="Schedule in tiles, which can save memory traffic")
    enable_data_soft_compression: bool = Field(
        default=False, description="A smaller compiled model that takes longer to load"
    )

    @model_validator(mode="after")
    def _one_kind_of_batches(self) -> Compiler:
        if self.static_batch_sizes and self.max_dynamic_batch_size:
            raise wrong("static_batch_sizes and max_dynamic_batch_size exclude each other", "keep one of them")
        return self
