"""The configuration file of ``pulsar2 build``: the message ``BuildConfig`` of its documentation, whole.

build.py       BuildConfig: the file
quant.py       how the network is quantized
processors.py  what is put before inputs and after outputs, and patched in between
compiler.py    what the compiler does
message.py     types and limits that all share
write.py       a configuration as canonical JSON
read.py        any file that the tool reads, as a configuration
versions.py    which version of the tool brought what
"""

from recipebuild.facts.chips import NpuMode, TargetHardware
from recipebuild.toolkit.pulsar2.config.build import BuildConfig, DebugOption, OnnxOptimizeOption
from recipebuild.toolkit.pulsar2.config.compiler import CompilerConfig, Graph, Node, SubConfig
from recipebuild.toolkit.pulsar2.config.message import Message
from recipebuild.toolkit.pulsar2.config.processors import (
    ConstProcessor,
    InputProcessor,
    OpProcessor,
    OutputProcessor,
    Shape,
)
from recipebuild.toolkit.pulsar2.config.quant import CalibrationMethod, InputQuantConfig, LayerConfig, QuantConfig
from recipebuild.toolkit.pulsar2.config.write import to_json

__all__ = [
    "BuildConfig",
    "CalibrationMethod",
    "CompilerConfig",
    "ConstProcessor",
    "DebugOption",
    "Graph",
    "InputProcessor",
    "InputQuantConfig",
    "LayerConfig",
    "Message",
    "Node",
    "NpuMode",
    "OnnxOptimizeOption",
    "OpProcessor",
    "OutputProcessor",
    "QuantConfig",
    "Shape",
    "SubConfig",
    "TargetHardware",
    "to_json",
]
