"""``bundle``: a bundle checked, and signed."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from recipebuild.errors import CheckError
from recipebuild.toolkit.bundle.sign import check_signature
from recipebuild.toolkit.bundle.sign import sign as sign_bundle
from recipebuild.toolkit.bundle.verify import BundleVerdict
from recipebuild.toolkit.bundle.verify import verify as verify_bundle


def verify(bundle: Path, signers: Path | None = None, identity: str | None = None) -> tuple[BundleVerdict, str | None]:
    """Check every byte of a bundle and, if it is whole and signers are named, who signed it.

    Args:
        bundle: Its folder, or its archive.
        signers: Allowed signers (ssh-keygen), or a public key (cosign).
        identity: Who must have signed (ssh-keygen).

    Returns:
        What is in it and what is wrong with it, and who signed it.

    Raises:
        CheckError: If the signature is not right.
    """
    checked = verify_bundle(bundle)
    return checked, check_signature(bundle, signers, identity) if signers and not checked.faults else None


def sign(bundle: Path, key: Path, program: Literal["ssh-keygen", "cosign"]) -> Path:
    """Sign a bundle that is whole; the signature's file.

    Raises:
        CheckError: If the bundle is not whole.
    """
    if faults := verify_bundle(bundle).faults:
        remedy = "sign what is whole: recipebuild bundle verify tells all that is wrong with it"
        raise CheckError(f"{bundle} is not signed: {faults[0]}", remedy=remedy)
    return sign_bundle(bundle, key, program)
