"""An ONNX file as the model: checked, and copied with its external data under the names that the next steps expect."""

from __future__ import annotations

import shutil
from pathlib import Path

from recipebuild.errors import StepError, reason


def copy_onnx(source: Path, target: Path) -> None:
    """Copy the ONNX model ``source`` to ``target``; tensors kept in other files go to one, ``<target's name>.data``.

    Without external data the copy has the same bytes.

    Raises:
        StepError: If ``source`` is no ONNX model, or its external data is missing, cut short or outside its folder.
    """
    import onnx
    from onnx.external_data_helper import ExternalDataInfo, uses_external_data

    try:
        model = onnx.load(source, load_external_data=False)
    except Exception as error:  # protobuf's own kind, or the disk's
        raise StepError(f"model.source: {source} is not an ONNX model: {reason(error)}") from error
    if not model.graph.node:
        raise StepError(f"model.source: {source} is not an ONNX model: it has no nodes")
    external = [tensor for tensor in model.graph.initializer if uses_external_data(tensor)]
    if not external:
        shutil.copyfile(source, target)
        return
    # A change in a data file must be seen as a change of the model: the engine knows it by its name.
    strangers = {ExternalDataInfo(tensor).location for tensor in external}
    strangers = {name for name in strangers if not name.startswith((f"{source.name}.", f"{source.name}_"))}
    if strangers:
        raise StepError(
            f"model.source: the external data of {source} lies in {min(strangers)}, not in a file named after it",
            remedy="save it anew with all external data in one file: onnx.save_model(onnx.load('m.onnx'), 'm.onnx', "
            "save_as_external_data=True, location='m.onnx.data')",
        )
    try:
        onnx.load_external_data_for_model(model, str(source.parent))
    except (onnx.checker.ValidationError, OSError, ValueError) as error:
        raise StepError(
            f"model.source: the external data of {source} cannot be read: {reason(error)}",
            remedy="put the data files where the model names them: in its own folder, not behind links",
        ) from error
    onnx.save_model(model, target, save_as_external_data=True, location=f"{target.name}.data")
