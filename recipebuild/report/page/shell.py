"""What all pages have in common: style, script, and a policy that lets the browser fetch nothing."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Any

from recipebuild.report.template import render, text


def page(template: str, **values: Any) -> str:
    """A page that stands alone: its style and script are in it, and only they may run."""
    script = text("report.js")
    digest = b64encode(sha256(script.encode()).digest()).decode()
    return render(template, style=text("report.css"), script=script, script_digest=f"sha256-{digest}", **values)
