"""A PyTorch module -> an ONNX file of static shape whose bytes depend on nothing but the model and the versions.

    export(module, Path("export.onnx"), input_name="pixel_values", output_name="logits", shape=(1, 3, 640, 1280),
           opset=17, exporter="dynamo")

Two exporters of torch.onnx: ``dynamo`` (torch.export) and ``torchscript`` (tracing; also for low opsets). What they
write besides the graph goes: stack traces with this machine's paths, remarks, versions of the build. What says which
module a node comes from stays: node names and, from ``dynamo``, ``pkg.torch.onnx.name_scopes``.
"""

from __future__ import annotations

import io
import shutil
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipebuild.errors import StepError, reason
from recipebuild.figures.exported import Exported
from recipebuild.toolkit.graph.model import opset_of
from recipebuild.toolkit.graph.proto import write as write_model
from recipebuild.toolkit.models.decompose import decomposed_by_operator
from recipebuild.toolkit.models.optimize import optimize
from recipebuild.toolkit.models.positions import freeze_positions
from recipebuild.toolkit.models.torchlib import unread_sources
from recipebuild.toolkit.models.trial import try_out
from recipebuild.toolkit.models.uncached import uncached, unchecked

if TYPE_CHECKING:
    import onnx
    import torch

NAME_SCOPES = "pkg.torch.onnx.name_scopes"
"""The metadata key of a node that holds the modules it comes from, outermost first, as the text of a Python list."""

# One protobuf message holds less than 2 GiB; the graph itself needs a share of it.
EXTERNAL_DATA_OVER = 2**31 - 2**26
_DYNAMO_OPSET = 18
"""The lowest opset for which torch has implementations; lower ones are converted from it."""


_RANDOM = frozenset(
    {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}
)


class ExportError(StepError):
    """An exporter cannot write the model; another way of computing attention may do."""


def attention_for(opset: int) -> str:
    """The attention implementation whose operators ``opset`` has: ``sdpa`` from opset 14 on, ``eager`` below."""
    return "sdpa" if opset >= 14 else "eager"


def export(
    module: torch.nn.Module,
    path: Path,
    *,
    input_name: str | Sequence[str],
    output_name: str,
    more_outputs: Sequence[str] = (),
    shape: Sequence[int],
    opset: int,
    exporter: str,
) -> Exported:
    """Write ``module`` to ``path`` as ONNX: weights inside, or in ``<path>.data`` if they are over 2 GiB.

    Args:
        module: Takes one float32 tensor, or several of int32, returns one tensor or a tuple. It is put into eval mode:
            in training mode, torch's tracing exporter would also leave its parts in another mode than it found them.
        path: The file to write.
        input_name: Name of the graph's input; or the names of several, which are int32, of text.
        output_name: Name of the graph's output.
        more_outputs: Names of those that follow, where the module returns a tuple.
        shape: N, C, H, W of the input, of text 1 and the number of tokens; the graph is made for it and no other.
        opset: The version of the operator set, which the file then has.
        exporter: ``dynamo`` or ``torchscript``.

    Raises:
        StepError: If the model rejects the shape, or comes out at another opset.
        ExportError: If the exporter cannot write the model at this opset.
    """
    module.eval()
    if isinstance(input_name, str):
        example, names = (_example(module, shape),), [input_name]
    else:
        example, names = _text_example(module, len(input_name), shape), list(input_name)
    external = sum(tensor.nbytes for tensor in module.state_dict().values()) > EXTERNAL_DATA_OVER
    write = _dynamo if exporter == "dynamo" else _torchscript
    named = {"input_names": names, "output_names": [output_name, *more_outputs]}
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scratch = Path(folder) / path.name
        try:
            with uncached(), unchecked():
                model = write(module, example, opset, named, scratch if external else None)
        except OSError:
            raise  # the disk's matter, not the exporter's
        except Exception as error:  # exporters fail in their own ways
            if isinstance(input_name, str):
                _check_takes(module, shape)  # only now: a run that an export repeats takes a tenth of its time
            raise ExportError(
                f"{exporter} cannot export this model at opset {opset}: {reason(error)}",
                field="export.exporter",
                remedy="try another export.opset, or the other export.exporter (dynamo, torchscript)",
            ) from error
        _check_opset(model, opset, exporter)
        _check_random(model)
        _normalize(model)
        write_model(model, path)
        if external:
            shutil.move(_data(scratch), _data(path))
    return Exported(
        opset=opset,
        nodes=len(model.graph.node),
        bytes=path.stat().st_size + (_data(path).stat().st_size if external else 0),
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        exporter=exporter,
        operators=dict(sorted(Counter(node.op_type for node in model.graph.node).items())),
    )


def _data(path: Path) -> Path:
    """The file for the weights of the model ``path`` when they do not fit into it."""
    return path.with_name(f"{path.name}.data")


def _text_example(module: torch.nn.Module, inputs: int, shape: Sequence[int]) -> tuple[torch.Tensor, ...]:
    """Tokens that ``module`` is found to take; nothing of a mask is left out."""
    import torch

    example = tuple(torch.ones(tuple(shape), dtype=torch.int32) for _ in range(inputs))
    try:
        with torch.no_grad():
            module(*example)
    except Exception as error:  # the model's own way to say that it does not fit
        raise StepError(
            f"the model rejects {shape[1]} tokens: {reason(error)}",
            field="inputs",
            remedy="length may be at most max_position_embeddings in its config.json (with RoBERTa two less)",
        ) from error
    return example


def _example(module: torch.nn.Module, shape: Sequence[int]) -> torch.Tensor:
    """An input for ``module``, whose positions are then those for it."""
    import torch

    _check_patches(module, shape)
    try:
        freeze_positions(module, shape)
        return torch.zeros(shape)
    except Exception as error:
        raise _rejected(shape, error) from error


def _check_takes(module: torch.nn.Module, shape: Sequence[int]) -> None:
    """Find that ``module`` takes an image of ``shape``."""
    try:
        try_out(module, shape)
    except Exception as error:
        raise _rejected(shape, error) from error


def _rejected(shape: Sequence[int], error: Exception) -> StepError:
    """What the model's own way to say that an image does not fit amounts to, or a lack of memory for one."""
    return StepError(
        f"the model rejects {'x'.join(map(str, shape))}: {reason(error)}",
        field="input.shape",
        remedy="input.shape is N, C, H, W, with the model's channels, and H and W large enough for the model; "
        "its preprocessor_config.json has the size of the training",
    )


def _check_patches(module: torch.nn.Module, shape: Sequence[int]) -> None:
    """Find that the image is cut into whole patches; a Conv would drop what is left over, without a word.

    The size that the model was trained with is let through whatever it is: SigLIP drops 6 of 384 pixels. Models that
    pad their images (Swin) say so by a method.
    """
    for part in module.modules():
        size = getattr(part, "patch_size", None)
        conv = getattr(part, "projection", None)
        conv = getattr(part, "patch_embedding", None) if conv is None else conv
        if conv is None or size is None or hasattr(part, "maybe_pad") or getattr(conv, "in_channels", 0) != shape[1]:
            continue
        height, width = (size, size) if isinstance(size, int) else tuple(size)
        own = getattr(part, "image_size", None)
        if tuple(shape[2:]) == ((own, own) if isinstance(own, int) else own and tuple(own)):
            continue
        if tuple(conv.stride) == (height, width) and (shape[2] % height or shape[3] % width):
            near = (max(1, round(shape[2] / height)) * height, max(1, round(shape[3] / width)) * width)
            raise StepError(
                f"{shape[2]}x{shape[3]} is not a multiple of the model's patch size {height}x{width}",
                field="input.shape",
                remedy=f"the nearest size that is: {near[0]}x{near[1]}",
            )


def _dynamo(
    module: torch.nn.Module,
    example: tuple[torch.Tensor, ...],
    opset: int,
    names: dict[str, list[str]],
    file: Path | None,
) -> onnx.ModelProto:
    """The module as torch.export sees it; the weights go beside ``file`` if it is given."""
    import onnx
    import torch
    from onnxscript import version_converter

    native = opset >= _DYNAMO_OPSET
    with unread_sources(), decomposed_by_operator():
        program = torch.onnx.export(
            module,
            example,
            dynamo=True,
            opset_version=max(opset, _DYNAMO_OPSET),
            optimize=False,
            verbose=False,
            **names,
        )
    _part_names(program.model.graph)
    if not native:
        # What torch does for lower opsets, in the same order; only that it loses the nodes' metadata on the way. Nodes
        # get new names there, too: what they write is known by the same name before and after.
        scopes = {node.outputs[0].name: node.metadata_props.get(NAME_SCOPES) for node in program.model.graph}
        version_converter.convert_version(program.model, opset, fallback=True)
        optimize(program)
        for node in program.model.graph:
            if scope := scopes.get(node.outputs[0].name):
                node.metadata_props[NAME_SCOPES] = scope
    else:
        optimize(program)
    if file is None:
        return program.model_proto
    program.save(file, external_data=True)
    return onnx.load(file, load_external_data=False)


def _part_names(graph: Any) -> None:
    """Rename, in place, what is called like an output and is none: torch calls what an embedding gives `embedding`."""
    outputs = {value.name: value for value in graph.outputs}
    for node in graph:
        for value in node.outputs:
            if outputs.get(value.name, value) is not value:
                value.name = f"{value.name}_of_{node.name}"


def _torchscript(
    module: torch.nn.Module,
    example: tuple[torch.Tensor, ...],
    opset: int,
    names: dict[str, list[str]],
    file: Path | None,
) -> onnx.ModelProto:
    """The module as tracing sees it; the weights go beside ``file`` if it is given."""
    import onnx
    import torch

    options = {"dynamo": False, "opset_version": opset, "verbose": False, **names}
    if file is None:
        buffer = io.BytesIO()
        torch.onnx.export(module, example, buffer, **options)
        return onnx.load_from_string(buffer.getvalue())
    torch.onnx.export(module, example, str(file), **options)  # a Path will not do over 2 GiB
    # Over 2 GiB torch writes a file per tensor: gather them.
    onnx.save_model(onnx.load(file), file, save_as_external_data=True, location=_data(file).name)
    return onnx.load(file, load_external_data=False)


def _check_opset(model: onnx.ModelProto, opset: int, exporter: str) -> None:
    """The converter keeps what it has, without a word, when it cannot reach the opset asked for."""
    got = opset_of(model)
    if got != opset:
        raise StepError(
            f"{exporter} cannot write this model at opset {opset}, it comes out at {got}",
            field="export.opset",
            remedy=f"set export.opset: {got}, or export.exporter: torchscript",
        )


def _check_random(model: onnx.ModelProto) -> None:
    """Find that the model gives the same for the same image each time."""
    drawn = sorted({node.op_type for graph in _graphs(model.graph) for node in graph.node} & _RANDOM)
    if drawn:
        raise StepError(
            f"the model draws random numbers ({', '.join(drawn)}): its output differs each time",
            field="model.source",
            remedy="use a model for inference, not for pretraining: for vit_mae, its encoder as a vit",
        )


def _normalize(model: onnx.ModelProto) -> None:
    """Take out, in place, what is not the graph: paths, remarks, the build of torch."""
    import torch

    model.producer_name, model.producer_version = "pytorch", torch.__version__.partition("+")[0]
    model.doc_string = ""
    del model.metadata_props[:]
    for function in model.functions:
        _strip([function])
        _strip(function.node, keep=NAME_SCOPES)
    for graph in _graphs(model.graph):
        _strip([graph, *graph.input, *graph.output, *graph.value_info, *graph.initializer])
        _strip(graph.node, keep=NAME_SCOPES)


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """``graph`` and the graphs inside its nodes."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in [attribute.g] if attribute.HasField("g") else attribute.graphs:
                yield from _graphs(inner)


def _strip(parts: Iterable[Any], *, keep: str = "") -> None:
    for part in parts:
        part.doc_string = ""
        kept = [entry.value for entry in part.metadata_props if entry.key == keep]
        del part.metadata_props[:]
        for value in kept:
            part.metadata_props.add(key=keep, value=value)
