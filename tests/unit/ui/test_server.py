"""The server of pages: what it gives, to whom, and what it never gives."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from support.browser import browser, faults, needs_browser, page
from support.builds import make_build

from recipebuild.engine.events import Event
from recipebuild.engine.step import Step
from recipebuild.errors import RecipeError
from recipebuild.plan.plan import Plan
from recipebuild.results.event_log import EventLog
from recipebuild.ui.builds import Builds
from recipebuild.ui.server import address, server

FETCH = Step("new/fetch", "fetch", "recipebuild.steps.fetch")
EXPORT = Step("new/export", "export", "recipebuild.steps.export", after=("new/fetch",))
PLAN = Plan("new", (FETCH, EXPORT), {"": ("new/fetch", "new/export")})


@pytest.fixture
def builds(tmp_path: Path) -> Builds:
    make_build(tmp_path / "build/one", name="one")
    make_build(tmp_path / "build/two", name="two", drop=0.03)
    make_build(tmp_path / "elsewhere/two", name="two")
    (tmp_path / "store/roots").mkdir(parents=True)
    for name, place in (("a", "build/one"), ("b", "elsewhere/two"), ("c", "gone")):
        (tmp_path / "store/roots" / name).write_text(str(tmp_path / place / "manifest.json"))
    return Builds(tmp_path / "build", tmp_path / "store")


@pytest.fixture
def served(builds: Builds) -> Iterator[ThreadingHTTPServer]:
    made = server(builds, "127.0.0.1", 0)
    thread = threading.Thread(target=made.serve_forever, args=(0.02,))
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def ask(made: ThreadingHTTPServer, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", made.server_address[1], timeout=20)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    reply = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    connection.close()
    return reply


def test_builds_are_those_of_the_folder_and_those_that_the_store_knows(builds: Builds) -> None:
    listed = builds.all()
    assert [build.name for build in listed] == ["one", "two", "two"]
    assert len({build.id for build in listed}) == 3
    assert {build.folder.parent.name for build in listed} == {"build", "elsewhere"}


def test_the_list_leads_to_each_report(served: ThreadingHTTPServer) -> None:
    status, headers, content = ask(served, "/")
    assert status == 200 and b'href="/build/one/"' in content and b"81.60 %" in content
    assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "DENY"
    status, _, content = ask(served, "/build/one/")
    assert status == 200 and b"<h1>one" in content
    assert b'<p class="kicker"><a href="/">Builds</a> / Build report' in content
    assert ask(served, "/build/one/quantized.onnx")[2] == b"model"  # as the report's links say it
    assert ask(served, "/build/one")[1]["location"] == "/build/one/"
    status, _, content = ask(served, "/compare?build=one&build=two")
    assert status == 200 and b'<a href="/">Builds</a> / Comparison' in content
    assert ask(served, "/compare?build=one")[0] == 400


def test_it_gives_files_that_the_manifest_lists_and_no_others(served: ThreadingHTTPServer, tmp_path: Path) -> None:
    folder = tmp_path / "build/one"
    (tmp_path / "build/secret").write_text("secret")
    (folder / "unlisted").write_text("secret")
    (folder / "pulsar2.json").unlink()
    (folder / "pulsar2.json").symlink_to(tmp_path / "build/secret")
    status, headers, content = ask(served, "/build/one/files/quantized.onnx")
    assert (status, content) == (200, b"model") and headers["content-disposition"] == "attachment"
    assert ask(served, "/build/one/files/steps/layers/layers.json")[1]["content-type"].startswith("text/plain")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"] += ["../secret", "/etc/hostname", "", ".", "steps"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    for path in ("unlisted", "pulsar2.json", "../secret", "%2e%2e/secret", "..%2fsecret", "/etc/hostname",
                 "%2fetc%2fhostname", "", ".", "steps", "steps/../../secret"):  # fmt: skip
        status, _, content = ask(served, f"/build/one/files/{path}")
        assert status == 404 and b"secret\n" not in content, path
    for path in ("/../secret", "/build/../secret", "/build/%2e%2e/", "/etc/passwd", "/nothing"):
        assert ask(served, path)[0] == 404


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "localhost.evil.example", "", "127.0.0.1.evil"])
def test_a_foreign_name_gets_nothing(served: ThreadingHTTPServer, host: str) -> None:
    status, _, content = ask(served, "/build/one/", Host=host)
    assert status == 421 and b"one" not in content


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "127.0.0.1:8765", "[::1]:8765"])
def test_its_own_names_are_answered(served: ThreadingHTTPServer, host: str) -> None:
    assert ask(served, "/", Host=host)[0] == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_others_than_this_machine_only_if_one_insists(builds: Builds, host: str) -> None:
    with pytest.raises(RecipeError, match="other machines could read the builds"):
        server(builds, host, 0)


def test_insisting_helps(builds: Builds) -> None:
    made = server(builds, "0.0.0.0", 0, expose=True)
    assert address(made).startswith("http://0.0.0.0:")
    made.server_close()


def test_a_port_that_is_taken_is_said(builds: Builds, served: ThreadingHTTPServer) -> None:
    with pytest.raises(RecipeError, match="cannot listen"):
        server(builds, "127.0.0.1", served.server_address[1])


def test_nothing_can_be_changed(served: ThreadingHTTPServer) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert ask(served, "/build/one/", method)[0] == 501
    assert ask(served, "/", "HEAD")[2] == b""


@pytest.mark.parametrize(
    "broken",
    ["{}", "[]", "nonsense", '{"recipe": "x", "steps": [1], "variants": {"": []}, "notes": [], "status": "ok"}'],
)
def test_a_broken_manifest_breaks_no_page(served: ThreadingHTTPServer, tmp_path: Path, broken: str) -> None:
    (tmp_path / "build/one/manifest.json").write_text(broken)
    assert ask(served, "/")[0] == 200
    assert ask(served, "/build/one/")[0] == 404


def test_a_run_is_told_as_it_goes(served: ThreadingHTTPServer, tmp_path: Path) -> None:
    folder = tmp_path / "build/new"
    folder.mkdir()
    log = EventLog([(PLAN, folder)])
    log.write(Event(FETCH, "started"))
    connection = http.client.HTTPConnection("127.0.0.1", served.server_address[1], timeout=20)
    connection.request("GET", "/build/new/events")
    answer = connection.getresponse()
    assert answer.getheader("content-type") == "text/event-stream"
    lines = (line for line in answer if line.startswith(b"data: "))
    assert [step["id"] for step in json.loads(next(lines)[6:])["steps"]] == ["new/fetch", "new/export"]
    assert json.loads(next(lines)[6:])["status"] == "started"
    log.write(Event(FETCH, "built", seconds=2.0))
    assert json.loads(next(lines)[6:])["seconds"] == 2.0
    log.close()
    assert next(lines) == b"data: {}\n"
    assert answer.read().strip() == b""


@needs_browser
def test_a_browser_shows_a_run_live_and_then_its_report(served: ThreadingHTTPServer, tmp_path: Path) -> None:
    folder = tmp_path / "build/new"
    folder.mkdir()
    with browser() as chromium, page(chromium) as tab:
        tab.goto(address(served))
        assert tab.locator("tbody tr").count() == 3 and faults(tab) == []
        tab.set_viewport_size({"width": 420, "height": 800})
        assert not tab.evaluate("document.documentElement.scrollWidth > innerWidth")
        log = EventLog([(PLAN, folder)])
        log.write(Event(FETCH, "cached"))
        log.write(Event(EXPORT, "started"))
        tab.locator("a.badge.running").click()  # the list finds the run by itself
        row = tab.locator("tr[data-step='new/export']")
        row.locator(".status", has_text="running").wait_for()
        assert tab.locator("svg g[data-step='new/fetch']").get_attribute("class") == "cached"
        log.write(Event(EXPORT, "progress", 0.5, "half of it"))
        row.locator(".says", has_text="half of it").wait_for()
        assert not tab.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert row.locator("progress").evaluate("(it) => it.value") == 0.5
        assert faults(tab) == []
        log.write(Event(EXPORT, "built", seconds=4.0))
        make_build(folder, name="new")
        log.close()
        tab.get_by_text("Report of this build").click()
        assert tab.locator("h1").inner_text().startswith("new")


@needs_browser
def test_builds_are_chosen_and_compared(served: ThreadingHTTPServer) -> None:
    with browser() as chromium, page(chromium) as tab:
        tab.goto(address(served))
        tab.get_by_label("Compare one").check()
        tab.get_by_label("Compare two").first.check()
        tab.get_by_role("button", name="Compare selected builds").click()
        assert tab.locator("#figures table").is_visible()
