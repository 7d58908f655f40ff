"""How ONNX Runtime runs models here.   Use: ``onnxruntime.InferenceSession(path, session_options())``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnxruntime


def session_options() -> onnxruntime.SessionOptions:
    """Options with which a session says errors alone, and leaves the processor to others while it waits."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 3
    # Threads that spin while they wait take a quarter more of the processor, which other steps need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options
