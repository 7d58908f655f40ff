"""Makes the pictures of the documentation: ``python -m scripts.make_docs``, or ``make docs``.

Builds the quickstart in a terminal, which is recorded, and takes pictures of its report in Chromium (apt-get install
chromium).
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from scripts.record import Terminal, moving, screens

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
WIDTH, HEIGHT = 1240, 1500
_BELOW = 20


def main() -> None:
    """Build, open the report, take its pictures."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("needs Chromium: apt-get install chromium")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        recording(Path(folder))
        pictures(Path(folder) / "build" / "quickstart" / "report.html", chromium)


def recording(folder: Path) -> None:
    """The quickstart's run, with an empty store, as a terminal shows it."""
    command = [sys.executable, "-m", "recipebuild", "run", "quickstart"]
    clean = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "GITHUB_ACTIONS", "COLUMNS")}
    environment = clean | {"XDG_CACHE_HOME": str(folder / "cache"), "TERM": "xterm-256color"}
    terminal = Terminal()
    frames = screens(command, "$ recipebuild run quickstart", terminal, folder, environment)
    (IMAGES / "run.svg").write_text(moving(frames, "recipebuild", terminal), encoding="utf-8")


def pictures(report: Path, chromium: str) -> None:
    """The top of the report in light, and its pictures in dark."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(report.as_uri())
        page.screenshot(path=IMAGES / "report.png")
        page.emulate_media(color_scheme="dark")
        part = page.locator("#pictures")
        part.scroll_into_view_if_needed()
        box = part.bounding_box()
        if box is None:
            sys.exit("the report has no pictures")
        page.screenshot(
            path=IMAGES / "report-pictures.png",
            clip={"x": 0, "y": box["y"] + 1, "width": WIDTH, "height": box["height"] + _BELOW},
            full_page=False,
        )
        browser.close()


if __name__ == "__main__":
    main()
