"""``new``: a recipe for a model, filled in from the model's own files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recipebuild.cli import complete
from recipebuild.cli import options as opt
from recipebuild.cli.exits import print_json, say, say_error
from recipebuild.errors import RecipeError

if TYPE_CHECKING:
    from recipebuild.verbs.draft.source import SourceModel
    from recipebuild.verbs.new import Draft


def new(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A Hugging Face model (owner/name), a folder with config.json, or an ONNX file.",
            autocompletion=complete.sources,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write the recipe to this file instead of printing it."),
    ] = None,
    calibration: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="The calibration data: images as a folder, an archive or a glob pattern; or tensors, as a folder with "
            "a folder for each input, or as .npz files; or texts, as a .txt or .jsonl file.",
        ),
    ] = None,
    revision: Annotated[
        str | None, typer.Option(metavar="COMMIT", help="The commit, branch or tag of a model on the hub.")
    ] = None,
    sets: opt.Sets = None,
    weights: opt.Weights = None,
    interactive: Annotated[
        bool, typer.Option("--interactive", "-i", help="Prompt for what the model's files do not say.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    as_json: opt.Json = False,
) -> None:
    """Create a recipe from a model's files. Comments say where each value comes from.

    Example: recipebuild new nvidia/segformer-b0-finetuned-ade-512-512 -o recipes/mine.yaml

    Example: recipebuild new ./my-model -o recipes/mine.yaml --calibration data/images

    Example: recipebuild new model.onnx -o recipes/mine.yaml --interactive
    """
    from recipebuild.verbs.new import check_free, draft, find, write

    check_free(output, force=force)
    options = [*(sets or ()), *([f"calibration.source={_quoted(calibration)}"] if calibration else [])]
    model = find(source, revision=revision, sets=options, random=weights == "random")
    made = draft(model, output, options)
    for field, words, default in _questions(made, model) if interactive else ():
        made = _asked(model, output, options, field, words, default, marked=field in made.open) or made
    made = write(made, output)
    if as_json:
        print_json([made.as_json()])
        return
    if output is None:
        typer.echo(made.text, nl=False)
    for note in made.notes:
        say(note)
    for field, why in made.open.items():
        say(f"check {field}: {made.facts[field].value} ({why})")
    if output:
        typer.echo(f"{output}: wrote {len(made.facts)} fields. Next: recipebuild run {output}")


def _questions(made: Draft, model: SourceModel) -> Iterator[tuple[str, str, Any]]:
    """What the files do not say: field, question, and the value if one just presses Enter (none: leave it out)."""
    for field, why in made.open.items():
        yield field, f"{field} ({why})", made.facts[field].value
    if "calibration.source" not in made.facts and "inputs" not in made.facts:
        yield (
            "calibration.source",
            "calibration images: a folder, archive or glob (Enter: drawn streets, for a first try)",
            None,
        )
    if model.pickled and "model.allow_pickle" not in made.facts:
        yield (
            "model.allow_pickle",
            "its weights are pickled and can run code when loaded; trust them? true or false",
            False,
        )
    if made.facts["model.task"].value == "semantic-segmentation" and "evaluate.dataset" not in made.facts:
        yield "evaluate.dataset", "labelled images: a folder with images/ and labels/ (Enter: none)", None
    if "target.hardware" not in made.facts:
        yield "target.hardware", "the chip", "AX650"
    if "target.npu_mode" not in made.facts:
        yield "target.npu_mode", "NPU cores, such as NPU1 (Enter: all that the chip has)", None


def _asked(
    model: SourceModel, output: Path | None, options: list[str], field: str, words: str, default: Any, *, marked: bool
) -> Draft | None:
    """Ask until the answer is right; it is added to ``options``. ``None`` if the field is left out, or left as it is.

    Enter does not confirm a value that is marked for somebody to look at: the mark stays.
    """
    from recipebuild.verbs.new import draft

    while True:
        usual = "" if default is None else str(default)
        text = str(typer.prompt(words, default=usual, show_default=bool(usual), err=True)).strip()
        if not text or (marked and text == usual):
            return None
        written = _quoted(text) if field.endswith((".source", ".dataset")) else text
        try:
            made = draft(model, output, [*options, f"{field}={written}"])
        except RecipeError as error:
            say_error(error)
            continue
        options.append(f"{field}={written}")
        return made


def _quoted(text: str) -> str:
    """A path as YAML text, whatever characters it has."""
    import json

    return json.dumps(text, ensure_ascii=False)
