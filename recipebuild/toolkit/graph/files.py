"""ONNX models on disk: one file, and above 2 GiB a second one, ``<name>.data``, with the weights.

    model = load(path)
    save(model, out / "model.onnx")
    check(out / "model.onnx")

Same model, same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from recipebuild.errors import StepError, reason
from recipebuild.toolkit.graph.proto import write
from recipebuild.toolkit.graph.walk import graphs, tensors

if TYPE_CHECKING:
    import onnx

EXTERNAL_DATA_OVER = 2**31 - 2**26
"""Bytes of weights above which they go to a file of their own: one protobuf message holds less than 2 GiB."""

_STACK_TRACE = "pkg.torch.onnx.stack_trace"
_BROKEN = "export or download the model again, with all its files (in a git clone of it: git lfs pull)"


def load(path: Path, *, weights: bool = True) -> onnx.ModelProto:
    """Read a model.

    Args:
        path: The ``.onnx`` file; external data lies beside it.
        weights: Bring external data into the model. Without, it is only found to be there in full, and stays on disk:
            enough to count and to describe.

    Raises:
        StepError: If the file, or its external data, is missing, damaged or cut short, or lies outside its folder.
    """
    import onnx
    from onnx.external_data_helper import uses_external_data

    try:
        model = onnx.load(path, format="protobuf", load_external_data=False)
    except OSError as error:
        raise StepError(f"{path.name} cannot be read: {error.strerror}") from error
    except Exception as error:  # protobuf's own kind
        raise StepError(f"{path.name} is not an ONNX model, or is cut short", remedy=_BROKEN) from error
    if not model.graph.node:
        raise StepError(f"{path.name} is not an ONNX model: it has no nodes", remedy=_BROKEN)
    for tensor in tensors(model):
        if uses_external_data(tensor):
            _external(tensor, path, weights)
    return model


def check_size(path: Path, limited: str, *, remedy: str, field: str = "") -> None:
    """Find that a model is under 2 GiB, before it is read.

    Args:
        path: The ``.onnx`` file; external data beside it counts.
        limited: What is limited, as the error has it: ``quantization takes models``.
        remedy: What to do.
        field: The recipe's field that asks for it, dotted.

    Raises:
        StepError: If it is larger.
    """
    bytes_ = size(path)
    if bytes_ > EXTERNAL_DATA_OVER:
        raise StepError(
            f"{path.name} has {bytes_ / 2**30:.1f} GiB, and {limited} under 2 GiB", field=field, remedy=remedy
        )


def save(model: onnx.ModelProto, path: Path) -> None:
    """Write a model; same model, same bytes.

    Doc strings and stack traces go, in place: they hold paths of the machine that exported the model. When the weights
    are over 2 GiB they move from ``model`` to ``<path>.data``.
    """
    import onnx

    _forget_origin(model)
    if sum(len(tensor.raw_data) for tensor in model.graph.initializer) > EXTERNAL_DATA_OVER:
        onnx.save_model(model, path, format="protobuf", save_as_external_data=True, location=_data(path).name)
    else:
        write(model, path)


def size(path: Path) -> int:
    """Bytes of a model that ``save`` wrote, its external data included."""
    return path.stat().st_size + (_data(path).stat().st_size if _data(path).exists() else 0)


def check(path: Path) -> None:
    """Have ONNX's checker look at a model that was just saved; it works for models of any size.

    Raises:
        StepError: If the file does not keep to the ONNX specification.
    """
    import onnx

    try:
        onnx.checker.check_model(str(path))
    except onnx.checker.ValidationError as error:
        raise StepError(f"{path.name} is not valid ONNX: {reason(error)}") from error


def _data(path: Path) -> Path:
    return path.with_name(f"{path.name}.data")


def _external(tensor: onnx.TensorProto, path: Path, weights: bool) -> None:
    """Find a tensor's data in the folder of ``path``, and read it if asked for.

    onnx's own reader refuses files with several hard links, and that is what the inputs of a step are.
    """
    from onnx.external_data_helper import ExternalDataInfo

    info = ExternalDataInfo(tensor)
    location = Path(info.location)
    file = path.parent / location
    if location.is_absolute() or ".." in location.parts or file.is_symlink():
        raise StepError(
            f"{path.name} takes the tensor {tensor.name} from {location}, outside its folder",
            remedy="put the data file beside the model, under a plain name, not as a symbolic link",
        )
    offset = info.offset or 0
    available = file.stat().st_size - offset if file.is_file() else 0
    length = available if info.length is None else info.length
    if offset < 0 or not 0 < length <= available:
        state = "is cut short" if file.is_file() else "is missing"
        raise StepError(f"the external data of {path.name}, {location}, {state}", remedy=_BROKEN)
    if weights:
        with file.open("rb") as data:
            data.seek(offset)
            tensor.raw_data = data.read(length)
        tensor.ClearField("data_location")
        del tensor.external_data[:]


def _forget_origin(model: onnx.ModelProto) -> None:
    model.ClearField("doc_string")
    for graph in graphs(model.graph):
        for part in (graph, *graph.input, *graph.output, *graph.value_info, *graph.initializer, *graph.node):
            part.ClearField("doc_string")
        for node in graph.node:
            kept = [entry for entry in node.metadata_props if entry.key != _STACK_TRACE]
            if len(kept) < len(node.metadata_props):
                del node.metadata_props[:]
                node.metadata_props.extend(kept)
