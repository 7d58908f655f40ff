"""Digests of JSON values and of listings of files. All are sha256 in hexadecimal."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical_json(value: Any) -> str:
    """``value`` as JSON with one spelling only: sorted keys, no spaces, no NaN.

    Raises:
        ValueError: If it holds a NaN or an infinity.
        TypeError: If it holds something that JSON has no word for.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_json(value: Any) -> str:
    """The digest of ``value``'s canonical JSON, in UTF-8; names of files that are none count by their bytes."""
    return hashlib.sha256(canonical_json(value).encode(errors="surrogateescape")).hexdigest()


def digest_listing(files: list[tuple[str, str]]) -> str:
    """The digest of a folder, given the relative name and the digest of each file in it, in any order."""
    return digest_json(sorted(files))
