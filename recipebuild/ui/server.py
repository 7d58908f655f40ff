"""The server: pages and files of builds, to this machine's browsers only.

Who may ask is decided by the ``Host`` header: a page of some other site whose name was made to point here (DNS
rebinding) would send its own name. Nothing can be changed through it, and of a build it gives only what the manifest
lists.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import shutil
import socket
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from recipebuild.errors import RecipeError
from recipebuild.report.page.compare import comparison
from recipebuild.results.event_log import follow
from recipebuild.session import Options, open_store
from recipebuild.ui.builds import Builds, ListedBuild
from recipebuild.ui.pages import index, live, report_page

PORT = 8765

_TEXT = {".json", ".log", ".md", ".txt", ".yaml", ".csv", ".py"}
_IMAGES = {".png": "image/png", ".jpg": "image/jpeg"}
_POLL = 1.0
_ALIVE = 15.0
"""Seconds without news after which a comment is sent, to find out whether anybody still listens."""


def open_server(build_dir: Path, store: str | None, host: str, port: int, expose: bool) -> ThreadingHTTPServer:
    """The server for the builds in ``build_dir``, with the store in which their steps are looked up.

    Raises:
        RecipeError: As ``server``.
    """
    return server(Builds(build_dir, open_store(Options(store=store)).root), host, port, expose)


def server(builds: Builds, host: str, port: int, expose: bool = False) -> ThreadingHTTPServer:
    """A server that is ready; ``serve_forever`` makes it answer.

    Args:
        builds: What it shows.
        host: The address to listen on.
        port: The port; 0 for any that is free.
        expose: Whether others than this machine may be able to reach it.

    Raises:
        RecipeError: If the address is not one of this machine alone and ``expose`` is not given, or cannot be had.
    """
    if not expose and not _is_loopback(host):
        raise RecipeError(
            f"--host {host}: other machines could read the builds of this machine",
            remedy="remove it, and connect with: ssh -L 8765:localhost:8765 MACHINE; or allow it with --expose",
        )
    names = {"localhost", host.lower()} | ({socket.gethostname().lower()} if expose else set())
    kind = type("Handler", (_Handler,), {"builds": builds, "names": names})
    try:
        made = _Server((host, port), kind)
    except (OSError, OverflowError) as error:
        raise RecipeError(f"cannot listen on {host}:{port}: {error}", remedy="take another --port") from error
    return made


def address(made: ThreadingHTTPServer) -> str:
    """The address for a browser."""
    host, port = made.server_address[:2]
    name = str(host)
    return f"http://{f'[{name}]' if ':' in name else name}:{port}/"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, place: tuple[str, int], kind: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
        super().__init__(place, kind)


class _Handler(BaseHTTPRequestHandler):
    builds: ClassVar[Builds]
    names: ClassVar[set[str]]

    server_version = "recipebuild"
    sys_version = ""

    def do_GET(self) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # whoever asked has left
            self._answer()

    do_HEAD = do_GET  # noqa: N815 - http.server's name

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: standard error is for what matters."""

    def _answer(self) -> None:
        if not self._is_known_host():
            self._text(HTTPStatus.MISDIRECTED_REQUEST, "This server answers by its own name only.")
            return
        url = urlsplit(self.path)
        parts = [unquote(part) for part in url.path.strip("/").split("/")]
        match parts:
            case [""]:
                self._page(index(self.builds.all(), [str(self.builds.build_dir), str(self.builds.store)]))
            case ["changes"]:
                self._changes()
            case ["compare"]:
                self._compare(parse_qs(url.query).get("build", []))
            case ["build", id_, *rest] if build := self.builds.find(id_):
                self._build(build, rest, slash=url.path.endswith("/"))
            case _:
                self._text(HTTPStatus.NOT_FOUND, "There is no such page.")

    def _build(self, build: ListedBuild, rest: list[str], slash: bool) -> None:
        if not rest and not slash:
            self._redirect(f"/build/{build.id}/")
        elif not rest:
            if html := report_page(build):
                self._page(html)
            elif build.running:
                self._redirect(f"/build/{build.id}/live")
            else:
                self._text(HTTPStatus.NOT_FOUND, "Its manifest cannot be read. Build it again.")
        elif rest == ["live"]:
            self._page(live(build)) if build.running else self._redirect(f"/build/{build.id}/")
        elif rest == ["events"]:
            self._events(build)
        else:  # the report's own links are relative to it
            self._file(build, "/".join(rest[rest[0] == "files" :]))

    def _compare(self, ids: list[str]) -> None:
        entries = [entry for id_ in ids if (build := self.builds.find(id_)) for entry in build.entries]
        if len(entries) < 2:
            self._text(HTTPStatus.BAD_REQUEST, "Choose at least two builds that are there.")
            return
        self._page(comparison(entries, home="/"))

    def _file(self, build: ListedBuild, name: str) -> None:
        """A file that the manifest lists; by a link in the folder, too, nothing outside of it is reached."""
        listed = build.manifest is not None and name in build.manifest.get("files", ())
        path = (build.folder / name).resolve()
        if not listed or build.folder.resolve() not in path.parents or not path.is_file():
            self._text(HTTPStatus.NOT_FOUND, "The build has no such file.")
            return
        kind = "text/plain; charset=utf-8" if path.suffix in _TEXT else _IMAGES.get(path.suffix, "")
        more = {} if kind else {"Content-Disposition": "attachment"}
        with path.open("rb") as file:
            self._head(kind or "application/octet-stream", path.stat().st_size, more)
            if self.command == "GET":
                shutil.copyfileobj(file, self.wfile)

    def _events(self, build: ListedBuild) -> None:
        """What the run tells, as server-sent events, until it ends."""
        self._stream()
        last = time.monotonic()
        for event in follow(build.folder):
            if event is not None or time.monotonic() - last > _ALIVE:
                self._send(f"data: {json.dumps(event)}" if event else ":")
                last = time.monotonic()
        self._send("event: end\ndata: {}")

    def _changes(self) -> None:
        """One event whenever a run begins or ends."""
        self._stream()
        before, last = self.builds.state(), time.monotonic()
        self._send(":")
        while True:
            time.sleep(_POLL)
            if (now := self.builds.state()) != before:
                before = now
                self._send("data: {}")
            elif time.monotonic() - last > _ALIVE:
                last = time.monotonic()
                self._send(":")

    def _is_known_host(self) -> bool:
        host = urlsplit(f"//{self.headers.get('Host', '')}").hostname or ""
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return host in self.names
        return True  # an address cannot be made to point elsewhere

    def _stream(self) -> None:
        self._head("text/event-stream", None, {"Cache-Control": "no-store"})
        self.close_connection = True

    def _send(self, text: str) -> None:
        self.wfile.write(f"{text}\n\n".encode())
        self.wfile.flush()

    def _page(self, html: str) -> None:
        content = html.encode()
        self._head("text/html; charset=utf-8", len(content))
        if self.command == "GET":
            self.wfile.write(content)

    def _redirect(self, place: str) -> None:
        self._head("text/plain", 0, {"Location": place}, HTTPStatus.FOUND)

    def _text(self, status: HTTPStatus, text: str) -> None:
        content = f"{text}\n".encode()
        self._head("text/plain; charset=utf-8", len(content), status=status)
        if self.command == "GET":
            self.wfile.write(content)

    def _head(
        self, kind: str, size: int | None, more: dict[str, str] | None = None, status: HTTPStatus = HTTPStatus.OK
    ) -> None:
        self.send_response(status)
        headers = {
            "Content-Type": kind,
            "Cache-Control": "no-cache",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            **({} if size is None else {"Content-Length": str(size)}),
            **(more or {}),
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
