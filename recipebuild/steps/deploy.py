"""deploy: the bundle -> the board, timed there and compared with the host.

Inputs: bundle (folder), model (float ONNX), calibration (tar), dataset (folder, optional), weights (folder in HF
layout, optional), reference_predictions and predictions (tars of Pulsar2's simulations, optional).
Outputs: deploy.json. Unlike other steps' outputs it holds what was measured, which differs from run to run.
"""

from __future__ import annotations

import io
import itertools
import json
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from recipebuild.engine.progress import Progress
from recipebuild.errors import MissingError, StepError
from recipebuild.facts.tasks import DETECTION
from recipebuild.figures.deployed import Deployed
from recipebuild.figures.values import as_json
from recipebuild.files import digest_file
from recipebuild.toolkit.board.agreement import Agreement
from recipebuild.toolkit.board.boards import Board
from recipebuild.toolkit.board.costs import costs
from recipebuild.toolkit.board.measure import Repeats, by_shape, copy_changed, outputs, sample_speed, speed, summary
from recipebuild.toolkit.board.output import SampleTiming, Timing
from recipebuild.toolkit.board.rungs import BoardRungs, board_rungs
from recipebuild.toolkit.board.session import BoardSession, on_board
from recipebuild.toolkit.calibration.archive import read_archive
from recipebuild.toolkit.calibration.preprocess import preprocess
from recipebuild.toolkit.calibration.runtime import runtime_tensor
from recipebuild.toolkit.calibration.spec import ImageSpec, Runtime
from recipebuild.toolkit.detection.detector import Detector
from recipebuild.toolkit.evaluate.answers import answer
from recipebuild.toolkit.evaluate.as_trained import as_trained
from recipebuild.toolkit.evaluate.dataset import DatasetSpec, Sample, read_image, samples
from recipebuild.toolkit.evaluate.detections import Detection
from recipebuild.toolkit.evaluate.measure import Measurement, check_classes, image_scores
from recipebuild.toolkit.evaluate.output_order import as_computed
from recipebuild.toolkit.graph.compare import run_model
from recipebuild.toolkit.models.depth import depth_kind
from recipebuild.toolkit.models.detector import detector_of

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL import Image

    Array = npt.NDArray[Any]
    Labelled = tuple[Image.Image, Any]
    Load = Callable[[], Labelled]

logger = logging.getLogger(__name__)

_CALLS = 5
"""Calls of the board's program for speed; the runs asked for are spread over them."""

_AT_ONCE = 8
"""Images that go to the board in one transfer."""

_UNLABELLED = 8
"""Images of the calibration set on which board and host are compared where there is no dataset."""


class Params(BaseModel):
    """What to run where.

    Attributes:
        name: The board's name.
        board: How it is reached.
        place: The model's folder there.
        input: Of the model that was compiled.
        original: Of the network, whose channels may be in another order; ``None`` if they are not.
        runtime: What is fed on the board.
        runner: A program of ax-samples to time as well.
        repeat: Timed runs.
        warmup: Runs before those.
        affinity: Mask of NPU cores.
        vnpu: Virtual NPU mode.
        dataset: How the dataset is laid out, and the task.
        labels: What the classes are called; ``None`` as the model tells.
        depth: What depth is; ``None`` to read it from the model's config.json.
        metric: The figure that counts; ``None`` for the usual one.
        count: Images of the dataset; ``None`` for all.
        seed: Which ones.
        detector: How boxes are made; ``None`` where there are none, or the model's config.json tells.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    board: Board
    place: str
    input: ImageSpec
    original: ImageSpec | None = None
    runtime: Runtime = Runtime()
    runner: str | None = None
    repeat: int = Field(default=100, ge=1)
    warmup: int = Field(default=10, ge=0)
    affinity: int | None = None
    vnpu: int | None = None
    dataset: DatasetSpec = DatasetSpec()
    labels: list[str] | None = None
    depth: Literal["metric", "relative"] | None = None
    metric: str | None = None
    count: int | None = None
    seed: int = 0
    detector: Detector | None = None


@dataclass
class _Work:
    """What there is to do, and what is done: after a dropped connection it goes on from there."""

    inputs: Mapping[str, Path]
    params: Params
    interface: dict[str, Any]
    images: Sequence[Load]
    names: Sequence[str]
    how: Measurement | None
    rungs: BoardRungs | None
    progress: Progress
    copied: set[str] = field(default_factory=set)
    timings: list[Timing] = field(default_factory=list)
    groups: list[Timing] = field(default_factory=list)
    sample: SampleTiming | None = None
    done: int = 0
    agreement: Agreement = field(default_factory=Agreement)
    counts: list[Any] = field(default_factory=list)

    def __call__(self, session: BoardSession) -> None:
        params = self.params
        place = f"../../{params.place}"
        model = f"{place}/{self.interface['model']}"
        self.progress(0.0, f"copying to {params.name}")
        self.copied |= set(copy_changed(session, self.inputs["bundle"], place))
        repeat = max(2, -(-params.repeat // _CALLS))  # of a single run a card's program prints no times
        load = Repeats(repeat, params.warmup, params.affinity, params.vnpu)
        while len(self.timings) < _CALLS:
            self.progress(0.1 + 0.2 * len(self.timings) / _CALLS, f"timing on {params.name}")
            self.timings.append(_speed(session, model, load))
        while params.board.program == "axcl_run_model" and len(self.groups) < len(params.runtime.extra_shapes):
            self.groups.append(_speed(session, model, load, len(self.groups) + 1))
        if params.runner and self.sample is None:
            self.sample = self._sample(session, params.runner, model)
        while self.done < len(self.images):
            self.progress(0.3 + 0.7 * self.done / len(self.images), f"image {self.done + 1} of {len(self.images)}")
            batch = [load_image() for load_image in self.images[self.done : self.done + _AT_ONCE]]
            pixels = [self._fed(image) for image, _ in batch]
            self._compare(batch, outputs(session, model, self.interface, pixels))
            self.done += len(batch)

    def _fed(self, image: Image.Image) -> Array:
        return runtime_tensor(image, self.params.input, self.params.runtime).repeat(self.params.input.shape[0], 0)

    def _compare(self, batch: Sequence[Labelled], received: Sequence[Sequence[Array]]) -> None:
        """Count what the board gave against the host, and against the labels."""
        spec = self.params.input
        layouts = self.interface["outputs"]
        names = [output["name"] for output in layouts]
        received = [
            [as_computed(values, output.get("permuted", ())) for values, output in zip(each, layouts, strict=True)]
            for each in received
        ]
        feeds = [{spec.name: preprocess(image, spec).repeat(spec.shape[0], 0)} for image, _ in batch]
        right = run_model(self.inputs["model"], feeds)
        here = self.names[self.done : self.done + len(batch)]
        for name, (_, truth), outputs_, host in zip(here, batch, received, right, strict=True):
            self.agreement.add(names, outputs_, host)
            if self.rungs:
                self.rungs.add(name, truth, host, outputs_)
            if self.how:
                predicted = answer(outputs_, self.how.task, "the board")
                check_classes(predicted, self.how.classes, "board's", "an image")
                self.counts.append(self.how.score.count(truth, predicted))

    def _sample(self, session: BoardSession, runner: str, model: str) -> SampleTiming | None:
        picture = io.BytesIO()
        self.images[0]()[0].convert("RGB").save(picture, "PNG")
        session.put({"image.png": picture.getvalue()}, ".")
        size = self.interface["input"]["height"], self.interface["input"]["width"]
        return sample_speed(session, runner, model, "image.png", size)


def run(inputs: Mapping[str, Path], params: Params, out: Path, progress: Progress) -> dict[str, Any]:
    """Copy, time, compare; write ``deploy.json``.

    Raises:
        MissingError: If the model is none for a board, or the board or its program is missing.
        StepError: If something fails on the board.
    """
    interface = json.loads((inputs["bundle"] / "model.json").read_text(encoding="utf-8"))
    if not interface["model"].endswith(".axmodel"):
        raise MissingError(
            f"{interface['model']} runs on this machine, not on a board", remedy="build with --toolchain pulsar2"
        )
    tensor, fed = interface["input"], params.runtime
    wanted = ("uint8" if fed.dtype == "U8" else "float32", list(fed.shape(params.input)))
    if (tensor["dtype"], tensor["shape"]) != wanted:
        raise StepError(
            f"{interface['model']} takes {tensor['dtype']} {tensor['shape']}, "
            f"and the recipe feeds {wanted[0]} {wanted[1]}",
            remedy="say in target.runtime_input what the template of pulsar2.json makes of the input",
        )
    how = _measurement(inputs, params)
    labelled = how if how and how.labelled else None
    names, images = _images(inputs, params, labelled)
    work = _Work(inputs, params, interface, images, names, labelled, board_rungs(inputs, names, how), progress)
    on_board(params.board, work, on_wait=lambda who: progress(0.0, f"waiting for {params.name}: {who} has it"))
    metrics = _figures(work)
    (out / "deploy.json").write_text(json.dumps(metrics, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return metrics


def _speed(session: BoardSession, model: str, load: Repeats, group: int = 0) -> Timing:
    """One call; on a card a second one if the first fails, which cards do about once in 200 runs for no reason."""
    try:
        return speed(session, model, load, group)
    except StepError as error:
        if session.board.program != "axcl_run_model":
            raise
        logger.warning("tried again: %s", error.message)
        return speed(session, model, load, group)


def _measurement(inputs: Mapping[str, Path], params: Params) -> Measurement | None:
    """What accuracy is, where there is a dataset."""
    if "dataset" not in inputs:
        return None
    kind = params.depth or (depth_kind(inputs["weights"]) if "weights" in inputs else "metric")
    spec, detector = _dataset(inputs, params), params.detector
    if detector is None and spec.task == DETECTION and "weights" in inputs:
        detector = detector_of(inputs["weights"] / "config.json")
    return Measurement.of(
        inputs["model"], inputs["dataset"], spec, relative=kind == "relative", image=params.original or params.input,
        detection=Detection(detector, params.input) if detector else None,
    )  # fmt: skip


def _dataset(inputs: Mapping[str, Path], params: Params) -> DatasetSpec:
    return as_trained(params.dataset, inputs["dataset"], inputs.get("weights"), params.labels)[0]


def _images(
    inputs: Mapping[str, Path], params: Params, how: Measurement | None
) -> tuple[Sequence[str], Sequence[Load]]:
    """The images' names; and what reads each, and what is true of it if known: large sets do not fit into memory."""
    if "dataset" in inputs:
        chosen = samples(inputs["dataset"], params.count, params.seed, _dataset(inputs, params))
        loads = [partial(how.read, one) if how else partial(_unlabelled, one) for one in chosen]
        return [one.name for one in chosen], loads
    first = list(itertools.islice(read_archive(inputs["calibration"]), _UNLABELLED))
    return [name for name, _ in first], [partial(_unlabelled, image) for _, image in first]


def _unlabelled(image: Image.Image | Sample) -> Labelled:
    return read_image(image) if isinstance(image, Sample) else image, None


def _figures(work: _Work) -> dict[str, Any]:
    """What is known now: speed, memory, versions, agreement with the host, accuracy."""
    last = work.timings[-1]
    accuracy = {}
    ladder = work.rungs.ladder(work.params.metric or work.rungs.how.metrics[0]) if work.rungs else None
    if work.how and work.counts:
        figures = image_scores(work.counts, work.how.score).figures()
        accuracy = {f"{name}_board": round(value, 6) for name, value in figures.items()}
    return as_json(
        Deployed(
            board=work.params.name,
            model={
                "sha256": digest_file(work.inputs["bundle"] / work.interface["model"]),
                "input": list(work.params.input.shape),
                "npu_mode": work.interface["npu_mode"],
                "toolchain": " ".join(work.interface["toolchain"].values()),
                "costs": _costs(work.inputs["model"]),
            },
            copied=sorted(work.copied),
            latency_ms=summary(work.timings),
            shapes=by_shape(work.params.runtime.extra_shapes, work.groups),
            cmm_bytes=last.cmm_bytes,
            versions=last.facts,
            sample_ms=asdict(work.sample) if work.sample else None,
            images=len(work.images),
            **work.agreement.figures(),
            scores=accuracy,
            ladder=as_json(ladder) if ladder else None,
            warnings=[*_warnings(work), *(ladder.warnings if ladder else ())],
        )
    )


def _warnings(work: _Work) -> Iterator[str]:
    params, reported = work.params, work.timings[-1].facts.get("pulsar2", "")
    if params.runner and work.sample is None:
        yield f"RB701 {params.name} has no {params.runner}: it was not timed"
    if len(params.runtime.extra_shapes) > len(work.groups):
        yield f"RB704 {params.board.program} runs the model at its first shape only: run.py --group takes the others"
    version = work.interface["toolchain"]["version"]
    ours, theirs = (re.match(r"\d+(\.\d+)*", text) for text in (version, reported))
    if ours and theirs and ours[0] != theirs[0]:
        yield f"RB702 {params.board.program} says that Pulsar2 {reported} compiled the model, the bundle says {version}"


def _costs(model: Path) -> dict[str, Any] | None:
    """The model's costs, for the latency book; ``None`` if they cannot be counted."""
    try:
        return asdict(costs(model))
    except StepError as error:
        logger.warning("not in the latency book: %s", error.message)
        return None
