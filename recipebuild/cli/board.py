"""``board``: the boards that models run on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from recipebuild.cli import complete
from recipebuild.cli import options as opt
from recipebuild.cli.exits import print_json

app = typer.Typer(
    help="Boards: add them, look at them, run models on them.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The board's name.", autocompletion=complete.boards)]


@app.command("add")
def add(
    name: Name,
    host: Annotated[
        str, typer.Option(metavar="USER@HOST[:PORT]", help="As ssh is told it; a Host of ~/.ssh/config does.")
    ],
    chip: Annotated[str, typer.Option(help="The chip.")] = "AX650",
    program: Annotated[
        Literal["ax_run_model", "axcl_run_model"], typer.Option(help="axcl_run_model for PCIe and M.2 cards.")
    ] = "ax_run_model",
    device: Annotated[int, typer.Option(min=0, help="Of several cards or chips: which one, from 0.")] = 0,
    folder: Annotated[str, typer.Option(help="Where models are put, from the login's home.")] = ".cache/recipebuild",
    ssh_config: Annotated[Path | None, typer.Option(exists=True, help="Another OpenSSH configuration.")] = None,
) -> None:
    """Add a board, or change it. Nothing is asked of it: recipebuild board doctor NAME does that.

    Example: recipebuild board add desk --host root@192.168.1.20
    """
    from recipebuild.verbs.board import add

    path = add(name, host, chip=chip, program=program, device=device, folder=folder, ssh_config=ssh_config)
    typer.echo(f"{name}: written to {path}")


@app.command("list")
def list_(as_json: opt.Json = False) -> None:
    """Print the boards that were added.

    Example: recipebuild board list
    """
    from recipebuild.verbs.board import load_boards

    boards = load_boards()
    if as_json:
        print_json([{name: board.model_dump(mode="json") for name, board in sorted(boards.items())}])
        return
    for name, board in sorted(boards.items()):
        user, port = f"{board.user}@" if board.user else "", f":{board.port}" if board.port else ""
        device = f", device {board.device}" if board.device else ""
        typer.echo(f"{name}: {user}{board.host}{port} ({board.chip}, {board.program}{device})")


@app.command("doctor")
def doctor(
    name: Name,
    bundle: Annotated[
        Path | None, typer.Option(metavar="DIR", exists=True, file_okay=False, help="A bundle that is to run there.")
    ] = None,
    as_json: opt.Json = False,
) -> None:
    """Look at a board: reachable, driver, free NPU memory, programs; each line with what helps.

    Example: recipebuild board doctor desk
    """
    from recipebuild.cli.doctor import tell
    from recipebuild.verbs.board import doctor

    tell(doctor(name, bundle), as_json)


@app.command("run")
def run(
    recipes: opt.Recipes,
    board: Annotated[str | None, typer.Option(metavar="NAME", help="The board; by default the only one.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Measure anew, though nothing changed.")] = False,
    sets: opt.Sets = None,
    weights: opt.Weights = None,
    store: opt.Store = None,
    build_dir: opt.BuildDir = Path("build"),
    templates: opt.Templates = None,
    jobs: opt.Jobs = None,
    keep_going: opt.KeepGoing = False,
    locked: opt.Locked = False,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
    as_json: opt.Json = False,
) -> None:
    """Build recipes, put them on a board, time them there, and compare board and host.

    Example: recipebuild board run recipes/mine.yaml --board desk
    """
    from recipebuild.cli.run import build_and_tell
    from recipebuild.verbs.board import Options, note, on_board

    options = Options(
        sets=opt.merged_sets(sets, weights, None), store=store, build_dir=build_dir, templates=templates,
        jobs=jobs, keep_going=keep_going, locked=locked,
    )  # fmt: skip
    build_and_tell(recipes, on_board(options, board, again=again), as_json, note, quiet=quiet, verbose=verbose)
