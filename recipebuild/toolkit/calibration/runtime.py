"""What the program on the board feeds, and what the compiled model makes of it: the other end of ``preprocess``.

For every image, ``as_network(runtime_tensor(image, spec, runtime), spec, runtime)`` is ``preprocess(image, spec)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError
from recipebuild.toolkit.calibration.preprocess import fit, preprocess, to_pixels
from recipebuild.toolkit.calibration.spec import YUV, ImageSpec, Runtime
from recipebuild.toolkit.calibration.yuv import to_yuv

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image


def runtime_tensor(image: Image.Image, spec: ImageSpec, runtime: Runtime) -> npt.NDArray[Any]:
    """What the program feeds for one image: uint8 or float32, in ``runtime``'s layout, batch of 1.

    Args:
        image: The image.
        spec: Of the model that is compiled, whose colours are those of ``runtime``.
        runtime: What is fed.

    Raises:
        StepError: If it is YUV by a matrix of the user's own, or of an odd size.
    """
    import numpy as np

    if runtime.normalized:
        values = preprocess(image, spec)
    else:
        if runtime.format in YUV:
            return to_yuv(np.asarray(fit(image, spec)), runtime.format, limited=_is_limited(runtime))
        values = to_pixels(image, spec).transpose(0, 3, 1, 2).astype(np.uint8 if runtime.dtype == "U8" else np.float32)
    return np.ascontiguousarray(values.transpose(0, 2, 3, 1) if runtime.layout == "NHWC" else values)


def _is_limited(runtime: Runtime) -> bool:
    mode = runtime.csc.mode if runtime.csc else "FullRange"
    if mode == "Matrix":
        raise StepError(
            "images cannot be converted to YUV for your own csc matrix: its YUV format is unknown",
            remedy="set target.runtime_input.csc.mode to FullRange or LimitedRange",
        )
    return mode == "LimitedRange"


def as_network(fed: npt.NDArray[Any], spec: ImageSpec, runtime: Runtime) -> npt.NDArray[np.float32]:
    """What the operators that Pulsar2 puts before the network make of ``fed``: float32 ``[N, C, H, W]``.

    In the documented order: to float, ``(x - mean) / std``, layout (page appendix/advanced_config_examples).
    """
    import numpy as np

    values = fed.astype(np.float32)
    if runtime.layout == "NCHW":
        values = values.transpose(0, 2, 3, 1)
    if not runtime.normalized:
        mean, std = np.array(spec.mean, np.float32), np.array(spec.std, np.float32)
        values = np.divide(values - mean, std, dtype=np.float32)
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2))
