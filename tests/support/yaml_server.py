"""yaml-language-server, which VS Code's and Neovim's YAML support run: installed from npm, spoken to as an editor does.

The protocol is LSP over the server's standard input and output: JSON-RPC messages, each after a Content-Length header.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

VERSION = "1.18.0"
"""The last that runs on the node of Debian 12."""

PATIENCE = 60.0


def install() -> Path | str:
    """The server's program in a cache folder, put there by npm the first time; else why not."""
    if not shutil.which("node") or not shutil.which("npm"):
        return "needs node and npm: apt-get install nodejs npm"
    cache = Path.home() / ".cache"
    folder = cache / "recipebuild-tests" / f"yaml-language-server-{VERSION}"
    program = folder / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
    if not program.is_file():
        fresh = folder.with_name(f"{folder.name}.{os.getpid()}")
        fresh.mkdir(parents=True, exist_ok=True)
        words = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(fresh)]
        done = subprocess.run(
            [*words, f"yaml-language-server@{VERSION}"], capture_output=True, text=True, check=False, timeout=300
        )
        if done.returncode:
            shutil.rmtree(fresh)
            return f"npm cannot install yaml-language-server {VERSION}: {(done.stderr.splitlines() or ['?'])[-1]}"
        with contextlib.suppress(OSError):  # another test run was first
            fresh.rename(folder)
    return program


class Editor:
    """An editor with a schema for all YAML files, as its settings say."""

    def __init__(self, program: Path, schema: Path, folder: Path) -> None:
        self._settings = {"yaml": {"schemas": {schema.as_uri(): "*.yaml"}, "hover": True, "completion": True}}
        self._folder = folder
        self._process = subprocess.Popen(
            ["node", str(program), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._diagnostics: dict[str, queue.SimpleQueue[list[dict[str, Any]]]] = {}
        self._count = 0
        threading.Thread(target=self._listen, daemon=True).start()
        self._ask("initialize", {"processId": os.getpid(), "rootUri": folder.as_uri(), "capabilities": CAPABILITIES})
        self._tell("initialized", {})
        self._tell("workspace/didChangeConfiguration", {"settings": self._settings})

    def close(self) -> None:
        """End the server."""
        self._process.kill()
        self._process.wait()

    def open(self, name: str, text: str) -> list[dict[str, Any]]:
        """Open a file with this text; give what the server finds wrong with it."""
        uri = self._uri(name)
        self._diagnostics[uri] = queue.SimpleQueue()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self._tell("textDocument/didOpen", {"textDocument": document})
        return self._diagnostics[uri].get(timeout=PATIENCE)

    def hover(self, name: str, line: int, column: int) -> str:
        """The text that is shown when the mouse rests there; lines and columns count from 0."""
        answer = self._ask("textDocument/hover", self._at(name, line, column))
        contents = answer["contents"] if answer else ""
        return contents["value"] if isinstance(contents, dict) else str(contents)

    def complete(self, name: str, line: int, column: int) -> dict[str, str]:
        """What is offered there: labels, and what each is explained with."""
        answer = self._ask("textDocument/completion", self._at(name, line, column))
        return {item["label"]: str(item.get("documentation", "")) for item in answer["items"]}

    def _uri(self, name: str) -> str:
        return (self._folder / name).as_uri()

    def _at(self, name: str, line: int, column: int) -> dict[str, Any]:
        return {"textDocument": {"uri": self._uri(name)}, "position": {"line": line, "character": column}}

    def _ask(self, method: str, params: dict[str, Any]) -> Any:
        self._count += 1
        self._send({"id": self._count, "method": method, "params": params})
        while (answer := self._answers.get(timeout=PATIENCE))["id"] != self._count:
            pass
        assert "error" not in answer, answer
        return answer["result"]

    def _tell(self, method: str, params: dict[str, Any]) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _listen(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while header := stream.readline():
            length = int(header.split(b":")[1])
            while stream.readline().strip():
                pass
            self._hear(json.loads(stream.read(length)))

    def _hear(self, message: dict[str, Any]) -> None:
        method = message.get("method")
        if method is None:
            self._answers.put(message)
        elif method == "textDocument/publishDiagnostics":
            self._diagnostics[message["params"]["uri"]].put(message["params"]["diagnostics"])
        elif method == "workspace/configuration":
            asked = [self._settings.get(item.get("section", "")) for item in message["params"]["items"]]
            self._send({"id": message["id"], "result": asked})
        elif "id" in message:
            self._send({"id": message["id"], "result": None})


CAPABILITIES = {
    "workspace": {"configuration": True, "didChangeConfiguration": {"dynamicRegistration": True}},
    "textDocument": {
        "hover": {"contentFormat": ["markdown"]},
        "completion": {"completionItem": {"snippetSupport": True, "documentationFormat": ["markdown"]}},
        "publishDiagnostics": {},
    },
}
