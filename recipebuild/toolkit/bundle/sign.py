"""Signing a bundle on request, and checking who signed: with ssh-keygen, or with cosign.

What is signed is ``SHA256SUMS``, which covers all other files. Sources: ssh-keygen(1), ``-Y sign`` and ``-Y verify``;
docs.sigstore.dev, ``cosign sign-blob`` and ``verify-blob``.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Literal

from recipebuild.errors import CheckError, MissingError, StepError, reason
from recipebuild.files import SUMS
from recipebuild.toolkit.bundle.pack import SIGNATURES

NAMESPACE = "recipebuild"
_SSH, _COSIGN = SIGNATURES
_LIMIT = 120.0
"""Seconds that a signing program may take; an agent or a browser may ask the user something."""


def sign(folder: Path, key: Path, program: Literal["ssh-keygen", "cosign"] = "ssh-keygen") -> Path:
    """Sign the bundle; the file of the signature, which lies in the bundle.

    Raises:
        MissingError: If the program is not installed.
        StepError: If it refuses.
    """
    sums, signature = folder / SUMS, folder / (_SSH if program == "ssh-keygen" else _COSIGN)
    _find(program)
    signature.unlink(missing_ok=True)
    if program == "ssh-keygen":
        command = ["ssh-keygen", "-Y", "sign", "-f", str(key), "-n", NAMESPACE, str(sums)]
    else:
        command = ["cosign", "sign-blob", "--yes", "--key", str(key), "--bundle", str(signature), str(sums)]
    done = _run(command)
    if done.returncode or not signature.is_file():
        raise StepError(
            f"{program} did not sign: {_last_words(done)}", remedy=f"look whether {key} is a key that it can use"
        )
    return signature


def check_signature(folder: Path, signers: Path, identity: str | None) -> str:
    """Find that one of ``signers`` signed the bundle; in words, who.

    Args:
        folder: The bundle.
        signers: For ssh-keygen a file of allowed signers, see ssh-keygen(1); for cosign its public key (.pub).
        identity: Who must have signed, as the file of allowed signers names them; cosign needs none.

    Raises:
        CheckError: If nobody signed, or somebody else.
        MissingError: If the program is not installed.
    """
    if (folder / _SSH).is_file() and identity is not None:
        command = ["ssh-keygen", "-Y", "verify", "-f", str(signers), "-I", identity, "-n", NAMESPACE]
        done = _run([*command, "-s", str(folder / _SSH)], (folder / SUMS).read_bytes())
        who = identity
    elif (folder / _COSIGN).is_file() and identity is None:
        bundle = str(folder / _COSIGN)
        done = _run(["cosign", "verify-blob", "--key", str(signers), "--bundle", bundle, str(folder / SUMS)])
        who = f"the key {signers.name}"
    else:
        signed = [name for name in SIGNATURES if (folder / name).is_file()]
        raise CheckError(
            f"the bundle has no such signature; it has {', '.join(signed) or 'none'}",
            remedy="--signers FILE --identity WHO for ssh-keygen, --signers KEY.pub alone for cosign",
        )
    if done.returncode:
        raise CheckError(f"the signature is not that of {who}: {_last_words(done)}")
    return who


def _find(program: str) -> None:
    if shutil.which(program) is None:
        where = {"ssh-keygen": "it comes with OpenSSH (openssh-client)", "cosign": "github.com/sigstore/cosign"}
        raise MissingError(f"{program} is not installed", remedy=where[program])


def _run(command: list[str], stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    _find(command[0])
    try:
        return subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=_LIMIT)
    except subprocess.TimeoutExpired as error:
        raise StepError(f"{command[0]} did not end within {_LIMIT:g} s") from error


def _last_words(done: subprocess.CompletedProcess[bytes]) -> str:
    return reason(RuntimeError((done.stderr or done.stdout).decode(errors="replace")))
