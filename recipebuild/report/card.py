"""A build as a card in a notebook: ``card(manifest, folder)``."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from recipebuild.report.summary import key_facts, outcome

_PICTURE = "preview.png"
_MOST_BYTES = 1 << 20
"""A larger picture would be saved in the notebook with every run."""


def card(manifest: Mapping[str, Any], folder: Path) -> str:
    """HTML that stands alone: what became of the build, its key facts, and the preview if there is one.

    Args:
        manifest: The build's manifest.
        folder: Its build folder.
    """
    rows = "".join(
        f"<tr><th style='text-align:left;vertical-align:top'>{name}</th><td style='text-align:left'>{escape(text)}</td>"
        for name, text in key_facts(manifest, folder).items()
    )
    title = f"<strong>{escape(manifest['recipe'])}</strong>: {escape(outcome(manifest))}"
    return f"<div>{title}<table>{rows}</table>{_picture(folder / _PICTURE)}</div>"


def _picture(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError:
        return ""
    if len(content) > _MOST_BYTES:
        return ""
    source = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    return f"<img alt='images, labels and predictions' style='max-width:100%;max-height:480px' src='{source}'>"
