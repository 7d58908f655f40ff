"""``board``: the boards that models run on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from recipebuild.cli import complete
from recipebuild.cli import options as opt
from recipebuild.cli.exits import print_json, say

app = typer.Typer(
    help="Add boards, check them, and run models on them.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The board's name.", autocompletion=complete.boards)]


@app.command("add")
def add(
    name: Name,
    host: Annotated[
        str, typer.Option(metavar="USER@HOST[:PORT]", help="The address for ssh; a Host from ~/.ssh/config works too.")
    ],
    chip: Annotated[str, typer.Option(help="The board's chip.")] = "AX650",
    program: Annotated[
        Literal["ax_run_model", "axcl_run_model"],
        typer.Option(help="The program that runs models: axcl_run_model for PCIe and M.2 cards."),
    ] = "ax_run_model",
    device: Annotated[int, typer.Option(min=0, help="Which card or chip to use, counted from 0.")] = 0,
    folder: Annotated[
        str, typer.Option(help="The folder for models, relative to the login's home.")
    ] = ".cache/recipebuild",
    ssh_config: Annotated[Path | None, typer.Option(exists=True, help="Use this OpenSSH config file.")] = None,
) -> None:
    """Add or change a board. Does not connect to it; `recipebuild board doctor NAME` does.

    Example: recipebuild board add desk --host root@192.168.1.20
    """
    from recipebuild.verbs.board import add

    path = add(name, host, chip=chip, program=program, device=device, folder=folder, ssh_config=ssh_config)
    typer.echo(f"{name}: written to {path}")


@app.command("list")
def list_(as_json: opt.Json = False) -> None:
    """List the boards.

    Example: recipebuild board list
    """
    from recipebuild.verbs.board import load_boards

    boards = load_boards()
    if as_json:
        print_json([{name: board.model_dump(mode="json") for name, board in sorted(boards.items())}])
        return
    if not boards:
        say("no board was added yet: recipebuild board add NAME --host USER@HOST")
    for name, board in sorted(boards.items()):
        user, port = f"{board.user}@" if board.user else "", f":{board.port}" if board.port else ""
        device = f", device {board.device}" if board.device else ""
        typer.echo(f"{name}: {user}{board.host}{port} ({board.chip}, {board.program}{device})")


@app.command("doctor")
def doctor(
    name: Name,
    bundle: Annotated[
        Path | None,
        typer.Option(metavar="DIR", exists=True, file_okay=False, help="Also check that this bundle will run there."),
    ] = None,
    as_json: opt.Json = False,
) -> None:
    """Check a board: connection, driver, free NPU memory and programs, with a fix for each problem.

    Example: recipebuild board doctor desk
    """
    from recipebuild.cli.doctor import tell
    from recipebuild.verbs.board import doctor

    tell(doctor(name, bundle), as_json)


@app.command("run")
def run(
    recipes: opt.Recipes,
    board: Annotated[
        str | None, typer.Option(metavar="NAME", help="The board to use. Defaults to the only one.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Measure again even if nothing changed.")] = False,
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
    """Build recipes, run them on a board, and compare latency and results with the host.

    Example: recipebuild board run recipes/mine.yaml --board desk
    """
    from recipebuild.cli.run import build_and_tell
    from recipebuild.verbs.board import Options, note, on_board

    options = Options(
        sets=opt.merged_sets(sets, weights, None), store=store, build_dir=build_dir, templates=templates,
        jobs=jobs, keep_going=keep_going, locked=locked,
    )  # fmt: skip
    build_and_tell(recipes, on_board(options, board, again=again), as_json, note, quiet=quiet, verbose=verbose)
