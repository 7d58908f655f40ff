"""The Hugging Face hub, or the mirror that HF_ENDPOINT names: whether it answers, within a few seconds."""

from __future__ import annotations

import os
import threading
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from recipebuild.errors import reason
from recipebuild.toolkit.board.doctor import Line

SECONDS = 4.0
DEFAULT = "https://huggingface.co"

_TRUE = ("1", "ON", "YES", "TRUE")
_WAYS = (
    "export HF_ENDPOINT=https://MIRROR names a mirror; models from folders and ONNX files need no hub,\n"
    "nor does --weights random"
)


def hub(seconds: float = SECONDS) -> Line:
    """Ask the hub for anything at all."""
    endpoint = (os.environ.get("HF_ENDPOINT") or DEFAULT).rstrip("/")
    named = "HF_ENDPOINT: " if os.environ.get("HF_ENDPOINT") else ""
    host = urlsplit(endpoint).netloc.rpartition("@")[2] or endpoint
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        if os.environ.get(name, "").upper() in _TRUE:
            return Line("hub", "warn", f"{name} is set: models come from the cache only", f"unset {name}")
    if urlsplit(endpoint).scheme not in ("http", "https"):
        return Line("hub", "warn", f"{named}{endpoint} is no address", "export HF_ENDPOINT=https://huggingface.co")
    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(_ask(endpoint, seconds)), daemon=True)
    thread.start()  # no time limit of an HTTP client covers a look-up of names
    thread.join(seconds + 0.5)
    fault = answers[0] if answers else f"no answer within {seconds:g} s"
    if fault:
        return Line("hub", "warn", f"{named}{host} cannot be reached: {fault}", _WAYS)
    return Line("hub", "ok", f"{named}{host} answers")


def _ask(endpoint: str, seconds: float) -> str:
    """What is wrong with the hub; empty if it answers."""
    request = urllib.request.Request(f"{endpoint}/api/models?limit=1", headers={"User-Agent": "recipebuild"})  # noqa: S310 - http or https
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:  # noqa: S310 - same
            answer.read(1)
    except urllib.error.HTTPError as error:
        return f"HTTP {error.code}" if error.code >= 500 or error.code == 407 else ""
    except urllib.error.URLError as error:
        return reason(error.reason) if isinstance(error.reason, Exception) else str(error.reason)
    except (OSError, ValueError) as error:
        return reason(error)
    return ""
