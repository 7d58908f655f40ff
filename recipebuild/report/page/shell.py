"""What all pages have in common: style, script, and a policy that lets the browser fetch nothing."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Any

from recipebuild.report.template import render, text


def page(template: str, *, script: str = "report.js", served: bool = False, **values: Any) -> str:
    """A page that stands alone: its style and script are in it, and only they may run.

    Args:
        template: Its template.
        script: Its script.
        served: Whether it may ask the server that it comes from.
        values: What the template shows.
    """
    code = text(script)
    digest = b64encode(sha256(code.encode()).digest()).decode()
    asks = "; connect-src 'self'; form-action 'self'" if served else "; form-action 'none'"
    policy = (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        f"base-uri 'none'{asks}"
    )
    return render(template, style=text("report.css"), script=code, policy=policy, **values)
