"""``bundle``: check a bundle, sign it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from recipebuild.cli import options as opt
from recipebuild.cli.exits import print_json, say
from recipebuild.errors import CheckError

app = typer.Typer(help="Check and sign bundles.", no_args_is_help=True, rich_markup_mode=None, add_completion=False)

Bundle = Annotated[Path, typer.Argument(metavar="DIR", help="The bundle's folder, or its .tar.gz.")]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The bundle's folder.", exists=True, file_okay=False)]


@app.command("verify")
def verify(
    bundle: Bundle,
    signers: Annotated[
        Path | None,
        typer.Option(metavar="FILE", exists=True, help="The allowed signers (ssh-keygen) or the public key (cosign)."),
    ] = None,
    identity: Annotated[
        str | None, typer.Option(metavar="WHO", help="Require the signature of this identity (ssh-keygen).")
    ] = None,
    as_json: opt.Json = False,
) -> None:
    """Verify a bundle offline: every checksum and, with --signers, the signature.

    Example: recipebuild bundle verify build/quickstart/bundle
    """
    from dataclasses import asdict

    from recipebuild.verbs.bundle import verify

    checked, signed = verify(bundle, signers, identity)
    if as_json:
        print_json([{**asdict(checked), "signed_by": signed}])
    elif not checked.faults:
        typer.echo(f"{bundle}: {checked.files} files verified: {checked.model}, by {checked.toolchain}")
        typer.echo(f"  recipe {checked.recipe}, digest {checked.recipe_digest}")
        typer.echo(f"  signed by {signed}" if signed else "  not signed, or the signature was not checked (--signers)")
    for fault in checked.faults:
        say(f"error: {bundle}: {fault}")
    if checked.faults:
        say("  name build/<name>/bundle, or rebuild it: recipebuild run RECIPE")
        raise typer.Exit(CheckError.exit_code)


@app.command("sign")
def sign(
    bundle: Folder,
    key: Annotated[Path, typer.Option(metavar="FILE", exists=True, help="The private key.")],
    program: Annotated[
        Literal["ssh-keygen", "cosign"], typer.Option("--with", help="The program to sign with.")
    ] = "ssh-keygen",
) -> None:
    """Sign a bundle with your key.

    Example: recipebuild bundle sign build/quickstart/bundle --key ~/.ssh/id_ed25519
    """
    from recipebuild.verbs.bundle import sign

    typer.echo(sign(bundle, key, program))
