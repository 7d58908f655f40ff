"""Reports as a user gets them: after a run, by the verb, in the browser's address bar."""

from __future__ import annotations

import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable

from support.project import Project


def test_a_run_leaves_its_report_and_a_run_with_nothing_to_do_leaves_it_alone(built_project: Project) -> None:
    report = built_project.build / "report.html"
    before = report.read_bytes()
    html = before.decode()
    for part in ("pipeline", "accuracy", "pictures", "graph", "config", "steps", "provenance"):
        assert f'id="{part}"' in html
    assert 'class="chart"' in html and "data:image/jpeg;base64," in html
    assert "recipes/tiny.yaml:5" in html  # where the calibration set is named
    assert "report.html" in built_project.manifest()["files"]
    again = built_project.command("run", built_project.recipe)
    assert "nothing to do" in again.stdout
    assert report.read_bytes() == before
    elsewhere = ("--build-dir", built_project.folder / "build")
    program = (
        f"import os, sys; os.chdir({str(built_project.recipe.parent)!r}); from recipebuild.cli.app import main; "
        f"sys.argv = ['recipebuild', 'run', 'tiny.yaml', *{list(map(str, elsewhere))!r}]; main()"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env=built_project.environment())
    assert report.read_bytes() == before  # it says the same wherever it is run
    report.unlink()
    built_project.command("run", built_project.recipe)
    assert report.exists()


def test_a_run_that_fails_has_a_report_that_says_so_first(built_project: Project) -> None:
    broken = built_project.recipe.with_name("images") / "broken.jpg"
    broken.write_bytes(b"no image")
    built_project.command("run", built_project.recipe, "--set", "calibration.count=7", code=3)
    html = (built_project.build / "report.partial.html").read_text()  # that of the build before is kept
    assert 0 < html.index("calibrate: ") < html.index("partial/logs/calibrate.log") < html.index('id="pipeline"')
    assert "broken.jpg" in html
    broken.unlink()
    built_project.command("run", built_project.recipe)
    assert "broken.jpg" not in (built_project.build / "report.html").read_text()
    assert not (built_project.build / "report.partial.html").exists()


def test_a_report_that_cannot_be_written_is_no_file_of_the_build(make_project: Callable[[], Project]) -> None:
    project = make_project()
    run = ("run", project.recipe, "--until", "calibrate")
    project.command(*run)
    report = project.build / "report.html"
    assert "report.html" in project.manifest()["files"]
    report.unlink()
    (report / "of the user's").mkdir(parents=True)
    for _ in range(2):
        messages = project.command(*run).stderr
        assert "warning: RB603 " in messages and "report.html could not be made: " in messages
        files = project.manifest()["files"]
        assert files and all((project.build / name).is_file() for name in files)
    (report / "of the user's").rmdir()
    report.rmdir()
    project.command(*run)
    assert report.is_file() and "report.html" in project.manifest()["files"]


def test_the_verbs_report_graph_and_diff(built_project: Project) -> None:
    path = built_project.command("report", "tiny", "-o", "mine.html").stdout.strip()
    assert (built_project.folder / path).read_text().startswith("<!doctype html>")
    assert "no build of that name" in built_project.command("report", "nothing", code=2).stderr
    flow = built_project.command("graph", built_project.recipe).stdout
    assert flow.startswith("flowchart LR") and "compile<br/>cached" in flow
    assert built_project.command("graph", built_project.recipe, "--format", "svg").stdout.startswith("<svg")
    assert "digraph" in built_project.command("graph", built_project.recipe, "--format", "dot").stdout
    assert "nothing differs" in built_project.command("diff", "tiny", built_project.build).stdout


def test_ui_serves_until_it_is_told_to_end(built_project: Project) -> None:
    assert "other machines could read" in built_project.command("ui", "--host", "0.0.0.0", code=2).stderr
    process = built_project.start("ui", "--port", "0", PYTHONUNBUFFERED="1")
    assert process.stdout
    address = process.stdout.readline().strip()
    with urllib.request.urlopen(f"{address}build/tiny/", timeout=30) as answer:
        assert b"<h1>tiny" in answer.read()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")
