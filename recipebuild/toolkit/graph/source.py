"""An ONNX file that somebody else made, as the model of a recipe: found to be sound, and copied under its new name.

    check_source(Path("net.onnx"))
    copy_onnx(Path("net.onnx"), out / "model.onnx")

``recipebuild check`` does the first, the step fetch both.
"""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from recipebuild.errors import StepError, reason
from recipebuild.toolkit.graph.files import load
from recipebuild.toolkit.graph.sound import check_float, check_opset, check_precision
from recipebuild.toolkit.graph.walk import nodes, tensors

if TYPE_CHECKING:
    import onnx

OLDEST = 7
"""The first opset that ONNX Runtime runs (its docs, "ONNX Runtime compatibility")."""
_MENDED = "export it again, or mend it with the package onnx; recipebuild inspect tells what is in it"


def check_source(source: Path, *, quantized: bool = False) -> onnx.ModelProto:
    """Find that a build can begin with the ONNX model ``source``.

    Args:
        source: The file.
        quantized: Whether it may be quantized already (QDQ), which only Pulsar2 takes.

    Returns:
        The model; external data stays on disk.

    Raises:
        StepError: If it is damaged, breaks the ONNX specification, is of a version that is not known here, has
            operators of others, computes in 16 bits, or is quantized; or if its external data is missing, cut short, or
            not in a file named after it.
    """
    import onnx

    try:
        model = load(source, weights=False)
    except StepError as error:
        raise StepError(error.text, field="model.source", remedy=error.remedy) from error
    _check_external(model, source)
    _check_ends(model, source)
    _check_versions(model, source)
    _check_operators(model, source)
    check_precision(model, source.name)
    if not quantized:
        check_float(model, source.name)
    try:
        onnx.checker.check_model(str(source))
    except onnx.checker.ValidationError as error:
        raise StepError(
            f"{source.name} is not valid ONNX: {reason(error)}", field="model.source", remedy=_MENDED
        ) from error
    return model


def copy_onnx(source: Path, target: Path, *, quantized: bool = False) -> None:
    """Copy the ONNX model ``source`` to ``target``; tensors kept in other files go to one, ``<target's name>.data``.

    Without external data the copy has the same bytes.

    Raises:
        StepError: As ``check_source``.
    """
    import onnx
    from onnx.external_data_helper import uses_external_data

    if any(uses_external_data(tensor) for tensor in tensors(check_source(source, quantized=quantized))):
        onnx.save_model(load(source), target, save_as_external_data=True, location=f"{target.name}.data")
    else:
        shutil.copyfile(source, target)


def _check_external(model: onnx.ModelProto, source: Path) -> None:
    """A change in a data file must be seen as a change of the model: the engine knows it by its name."""
    from onnx.external_data_helper import ExternalDataInfo, uses_external_data

    names = {ExternalDataInfo(tensor).location for tensor in tensors(model) if uses_external_data(tensor)}
    strangers = {name for name in names if not name.startswith((f"{source.name}.", f"{source.name}_"))}
    if strangers:
        raise StepError(
            f"the external data of {source.name} lies in {min(strangers)}, not in a file named after it",
            field="model.source",
            remedy="save it again with all external data in one file: onnx.save_model(onnx.load('m.onnx'), 'm.onnx', "
            "save_as_external_data=True, location='m.onnx.data')",
        )


def _check_ends(model: onnx.ModelProto, source: Path) -> None:
    for kind, values in (("input", model.graph.input), ("output", model.graph.output)):
        if not values:
            raise StepError(f"{source.name} has no {kind}s", field="model.source", remedy=_MENDED)
        name, times = Counter(value.name for value in values).most_common(1)[0]
        if times > 1:
            raise StepError(
                f"{source.name} has {times} {kind}s of the name {name}", field="model.source", remedy=_MENDED
            )


def _check_versions(model: onnx.ModelProto, source: Path) -> None:
    import onnx

    newest = onnx.defs.onnx_opset_version()
    for entry in model.opset_import:
        if entry.domain in ("", "ai.onnx") and not OLDEST <= entry.version <= newest:
            raise StepError(
                f"{source.name} is of opset {entry.version}; known here are {OLDEST} to {newest}",
                field="model.source",
                remedy="export it again with another opset, such as 17 (torch.onnx.export: opset_version=17), or try "
                "onnx.version_converter",
            )
        if entry.domain in ("", "ai.onnx"):
            check_opset(entry.version, source.name)
    if model.ir_version > onnx.IR_VERSION:
        raise StepError(
            f"{source.name} has the IR version {model.ir_version}; known here are 1 to {onnx.IR_VERSION}",
            field="model.source",
            remedy="save it again with an older onnx, or set its ir_version",
        )


def _check_operators(model: onnx.ModelProto, source: Path) -> None:
    """Find that its operators are ONNX's, ONNX Runtime's, or functions that it brings along."""
    import onnx

    own = {(function.domain, function.name) for function in model.functions}
    strange = Counter(
        f"{node.domain}.{node.op_type}" if node.domain else node.op_type
        for node in nodes(model)
        if not node.domain.startswith("com.microsoft")
        and (node.domain, node.op_type) not in own
        and not onnx.defs.has(node.op_type, domain="" if node.domain == "ai.onnx" else node.domain)
    )
    if strange:
        listed = ", ".join(f"{name} ({count})" for name, count in sorted(strange.items())[:3])
        more = f" and {len(strange) - 3} more" if len(strange) > 3 else ""
        raise StepError(
            f"{source.name} has operators that neither ONNX nor ONNX Runtime has: {listed}{more}",
            field="model.source",
            remedy="replace them by ONNX's own before export, or end the model before them (onnx.utils.extract_model)",
        )
