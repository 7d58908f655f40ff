"""What models give for a dataset, as the step answers keeps it: for tests of the steps that measure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recipebuild.steps import answers

_MODELS = {"float": "model", "quantized": "model", "pytorch": "weights"}
"""By the rows of evaluate, what the step calls the model."""


def answered(
    models: Mapping[str, Path], dataset: Path, folder: Path, *, input: Mapping[str, Any], **params: Any
) -> dict[str, Path]:
    """The tars of models, by the same names: ``float``, ``quantized``, ``pytorch``.

    Args:
        models: ONNX files, and of ``pytorch`` the folder.
        dataset: The folder of the dataset.
        folder: Where to.
        input: The models' input.
        params: Other parameters of the step.
    """
    tars = {}
    for row, model in models.items():
        out = folder / f"answers-{row}"
        out.mkdir(parents=True, exist_ok=True)
        answers.run(
            {_MODELS[row]: model, "dataset": dataset},
            answers.Params.model_validate({"input": input, **params}),
            out,
            lambda fraction, text="": None,
        )
        tars[row] = out / "answers.tar"
    return tars
