"""A stand-in for pyaxengine (github.com/AXERA-TECH/pyaxengine), after its public interface: it runs a model's twin.

It is as strict as the original: an input of another shape or dtype is refused, and so is a provider that is not there.
"""

from __future__ import annotations

from collections import namedtuple
from pathlib import Path

from twins import Twin

NodeArg = namedtuple("NodeArg", ["name", "dtype", "shape"])


def get_available_providers() -> list[str]:
    return ["AxEngineExecutionProvider"]


class InferenceSession:
    def __init__(self, path_or_bytes, sess_options=None, providers=None, provider_options=None, **kwargs):
        wanted = [providers] if isinstance(providers, str) else providers or get_available_providers()
        if not set(wanted) & set(get_available_providers()):
            raise ValueError(f"Selected provider(s): {wanted} is(are) not available.")
        self._twin = Twin(Path(path_or_bytes))

    def get_inputs(self, shape_group=0):
        name, shape, dtype = self._twin.input
        return [NodeArg(name, dtype, shape)]

    def get_outputs(self, shape_group=0):
        return [NodeArg(name, dtype, shape) for name, shape, dtype in self._twin.outputs]

    def run(self, output_names, input_feed, run_options=None, shape_group=0):
        (tensor,) = self.get_inputs()
        if tensor.name not in input_feed:
            raise ValueError(f"Required inputs ({[tensor.name]}) are missing from input feed ({input_feed}).")
        value = input_feed[tensor.name]
        assert list(tensor.shape) == list(value.shape) and tensor.dtype == value.dtype
        return self._twin.run(value)
