"""``inspect``: what is in a model's file, and what an NPU cannot take of it."""

from __future__ import annotations

from recipebuild.report.models import figures as model_table
from recipebuild.report.models import rewrites as rewrite_table
from recipebuild.toolkit.pulsar2.axmodel import AxModel
from recipebuild.toolkit.pulsar2.inspect import OnnxModel, inspect

__all__ = ["AxModel", "OnnxModel", "inspect", "model_table", "rewrite_table"]
