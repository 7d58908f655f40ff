"""``bundle``: check a bundle, sign it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from recipebuild.cli import options as given
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
        typer.Option(metavar="FILE", exists=True, help="Allowed signers (ssh-keygen), or a public key (cosign)."),
    ] = None,
    identity: Annotated[str | None, typer.Option(metavar="WHO", help="Who must have signed (ssh-keygen).")] = None,
    as_json: given.Json = False,
) -> None:
    """Check a bundle, offline: every byte of it, and with --signers who signed it.

    Example: recipebuild bundle verify build/quickstart/bundle
    """
    from dataclasses import asdict

    from recipebuild.bundle.sign import check_signature
    from recipebuild.bundle.verify import verify

    found = verify(bundle)
    signed = check_signature(bundle, signers, identity) if signers and not found.faults else None
    if as_json:
        print_json([{**asdict(found), "signed_by": signed}])
    elif not found.faults:
        typer.echo(f"{bundle}: {found.files} files as they were built: {found.model}, by {found.toolchain}")
        typer.echo(f"  recipe {found.recipe}, digest {found.recipe_digest}")
        typer.echo(f"  signed by {signed}" if signed else "  who made it is not known: no signature was checked")
    for fault in found.faults:
        say(f"error: {bundle}: {fault}")
    if found.faults:
        say("  name build/<name>/bundle, or get it anew: recipebuild run RECIPE")
        raise typer.Exit(CheckError.exit_code)


@app.command("sign")
def sign(
    bundle: Folder,
    key: Annotated[Path, typer.Option(metavar="FILE", exists=True, help="The private key.")],
    program: Annotated[
        Literal["ssh-keygen", "cosign"], typer.Option("--with", help="The program that signs.")
    ] = "ssh-keygen",
) -> None:
    """Sign a bundle with a key of yours.

    Example: recipebuild bundle sign build/quickstart/bundle --key ~/.ssh/id_ed25519
    """
    from recipebuild.bundle.sign import sign as sign_bundle
    from recipebuild.bundle.verify import verify

    if faults := verify(bundle).faults:
        remedy = "sign what is whole: recipebuild bundle verify tells all that is wrong with it"
        raise CheckError(f"{bundle} is not signed: {faults[0]}", remedy=remedy)
    typer.echo(sign_bundle(bundle, key, program))
