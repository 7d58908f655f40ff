"""Makes the pictures of the documentation: ``python -m scripts.make_docs``, or ``make docs``.

Builds the quickstart and takes pictures of its report in Chromium (apt-get install chromium).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

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
        command = [sys.executable, "-m", "recipebuild", "run", "quickstart", "--build-dir", folder]
        subprocess.run(command, check=True)
        report = Path(folder) / "quickstart" / "report.html"
        pictures(report, chromium)


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
        clip = {"x": 0, "y": box["y"] + 1, "width": WIDTH, "height": box["height"] + _BELOW}
        page.screenshot(path=IMAGES / "report-pictures.png", clip=clip, full_page=False)
        browser.close()


if __name__ == "__main__":
    main()
