"""Makes what a release consists of: ``python -m scripts.release [--out dist]``, or ``make release``.

Leaves in the folder the sdist, the wheel, ``recipebuild-VERSION.cdx.json`` (the software bill of materials) and
``SHA256SUMS`` over the three. The same commit gives the same bytes: times in the files are SOURCE_DATE_EPOCH, which is
the time of the commit unless the environment sets it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
from pathlib import Path

from scripts.sbom import sbom

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.release", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("dist"), help="folder to write (default: %(default)s)")
    out: Path = parser.parse_args().out
    if out.exists() and any(out.iterdir()):
        parser.error(f"{out} is not empty")
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or commit_time())
    for path in release(out, epoch):
        print(path)


def commit_time() -> str:
    """When the checked-out commit was made, in seconds since 1970.

    Raises:
        SystemExit: If files differ from those of the commit, which would then not give these bytes again.
    """
    if git("status", "--porcelain"):
        sys.exit("commit first: there are changes, or files that git does not know")
    return git("log", "-1", "--format=%ct")


def git(*arguments: str) -> str:
    return subprocess.run(["git", "-C", str(ROOT), *arguments], check=True, capture_output=True, text=True).stdout


def release(out: Path, epoch: int) -> list[Path]:
    """Write a release to an empty folder; returns its files.

    The wheel is built from the sdist, so that what is published can be built from what is published.
    """
    # Without isolation the builder is the version in constraints.txt, and no registry is asked.
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)]
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(epoch)}
    subprocess.run(build, check=True, env=environment, stdout=subprocess.DEVNULL)
    (sdist,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    bill = out / f"{sdist.name.removesuffix('.tar.gz')}.cdx.json"
    bill.write_text(sbom(wheel, ROOT / "constraints.txt", epoch), encoding="utf-8")
    files = sorted([bill, sdist, wheel])
    sums = out / "SHA256SUMS"
    sums.write_text("".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files))
    return [*files, sums]


if __name__ == "__main__":
    main()
