"""Makes the pictures of the documentation: ``python -m scripts.make_docs``, or ``make docs``.

Builds the quickstart in a narrow terminal and in a wide one, which are recorded, and takes pictures in Chromium
(apt-get install chromium): of its report, on a desk and on a telephone, and of what a notebook shows of the build.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from scripts.record import Terminal, moving, screens

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
WIDTH, HEIGHT = 1400, 1500
TELEPHONE = (420, 900)
COLUMNS = {"run.svg": 80, "run-140.svg": 140}
CARD = "import recipebuild; print(recipebuild.run('quickstart')[0]._repr_html_())"
_BELOW = 20


def main() -> None:
    """Build, open the report, take its pictures."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("needs Chromium: apt-get install chromium")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, columns in COLUMNS.items():
            place = Path(folder) / name
            place.mkdir()
            environment = clean(place)
            recording(name, Terminal(columns), place, environment)
        command = [sys.executable, "-c", CARD]
        card = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=True).stdout
        pictures(place / "build" / "quickstart" / "report.html", card, chromium)


def clean(folder: Path) -> dict[str, str]:
    """The environment of a user whose store is empty, below ``folder``."""
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "GITHUB_ACTIONS", "COLUMNS")}
    return kept | {"XDG_CACHE_HOME": str(folder / "cache"), "TERM": "xterm-256color"}


def recording(name: str, terminal: Terminal, folder: Path, environment: Mapping[str, str]) -> None:
    """The quickstart's run, as a terminal shows it."""
    command = [sys.executable, "-m", "recipebuild", "run", "quickstart"]
    frames = screens(command, "$ recipebuild run quickstart", terminal, folder, environment)
    (IMAGES / name).write_text(moving(frames, "recipebuild", terminal), encoding="utf-8")


def pictures(report: Path, card: str, chromium: str) -> None:
    """The top of the report in light, its pictures in dark, its top on a telephone, and the card of a notebook."""
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
        telephone = browser.new_page(viewport={"width": TELEPHONE[0], "height": TELEPHONE[1]})
        telephone.goto(report.as_uri())
        telephone.screenshot(path=IMAGES / "report-telephone.png")
        notebook = browser.new_page(viewport={"width": 760, "height": 400})
        notebook.set_content(
            "<!doctype html><body style='font: 14px sans-serif; margin: 0; padding: 16px; width: max-content'>"
            f"{card}</body>"
        )
        notebook.locator("body").screenshot(path=IMAGES / "notebook.png")
        browser.close()


if __name__ == "__main__":
    main()
