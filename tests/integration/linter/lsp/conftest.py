"""An editor, as far as the server can tell: JSON-RPC by hand over the standard streams of a real process."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

COMMAND = [sys.executable, "-m", "trainyard.linter.cli.main", "lsp", "--stdio"]
PATIENCE_SECONDS = 60.0
SNIPPETS = {"textDocument": {"completion": {"completionItem": {"snippetSupport": True}}}}


class Connection:
    """A server process and the wire to it. Every wait has a deadline."""

    def __init__(self, folder: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "GITHUB_ACTIONS"}
        self.process = subprocess.Popen(
            COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder, env=environment
        )
        self.capabilities: dict[str, Any] = {}
        self.said: list[dict[str, Any]] = []
        self._inbox: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._id = 0
        self._errors: list[bytes] = []
        self._threads = [threading.Thread(target=target, daemon=True) for target in (self._listen, self._collect_errors)]
        for thread in self._threads:
            thread.start()

    def send_raw(self, raw: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(raw)
        self.process.stdin.flush()

    def send(self, **message: Any) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.send_raw(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def ask(self, method: str, params: Any) -> dict[str, Any]:
        """Return the whole answer to a request, an error included."""
        self._id += 1
        number = self._id
        self.send(id=number, method=method, params=params)
        return self.wait(lambda message: message.get("id") == number and "method" not in message)

    def request(self, method: str, params: Any) -> Any:
        answer = self.ask(method, params)
        assert "error" not in answer, answer
        return answer["result"]

    def wait(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the first message that is wanted; those before it are kept in ``said``."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                message = self._inbox.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                pytest.fail(f"the server did not answer; it said {self.said}")
            if message is None:
                pytest.fail(f"the server left: {self.errors}")
            if wanted(message):
                return message
            self.said.append(message)

    def initialize(self, folder: Path, capabilities: dict[str, Any]) -> None:
        params = {"processId": os.getpid(), "rootUri": folder.as_uri(), "capabilities": capabilities}
        self.capabilities = self.request("initialize", params)["capabilities"]
        self.send(method="initialized", params={})

    def leave(self) -> int:
        """Say good-bye as the protocol wants it; return the exit code."""
        assert self.request("shutdown", None) is None
        self.send(method="exit", params=None)
        return self.process.wait(timeout=PATIENCE_SECONDS)

    def hang_up(self) -> int:
        """Go away without a word; return the exit code."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        return self.process.wait(timeout=PATIENCE_SECONDS)

    def close(self) -> None:
        try:
            self.hang_up()
        finally:
            self.process.kill()
            self.process.wait(timeout=PATIENCE_SECONDS)
        for thread in self._threads:
            thread.join(timeout=PATIENCE_SECONDS)
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()

    @property
    def errors(self) -> str:
        return b"".join(self._errors).decode()

    def _listen(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while header := stream.readline():
            length = 0
            while header.strip():
                name, _, value = header.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
                header = stream.readline()
            self._inbox.put(json.loads(stream.read(length)))
        self._inbox.put(None)

    def _collect_errors(self) -> None:
        assert self.process.stderr is not None
        self._errors.extend(self.process.stderr)


Connect = Callable[[dict[str, Any]], Connection]


class Editor:
    """What a person does with an editor, in a folder of its own."""

    def __init__(self, folder: Path, connect: Connect) -> None:
        self.folder = folder
        self._connect = connect
        self._connection: Connection | None = None
        self._opened: set[str] = set()

    @property
    def server(self) -> Connection:
        assert self._connection is not None, "start() comes first"
        return self._connection

    @property
    def said(self) -> list[dict[str, Any]]:
        return self.server.said

    def start(self, **capabilities: Any) -> dict[str, Any]:
        self._connection = self._connect(capabilities)
        self._connection.said.clear()
        return self._connection.capabilities

    def request(self, method: str, params: Any) -> Any:
        return self.server.request(method, params)

    def notify(self, method: str, params: Any) -> None:
        self.server.send(method=method, params=params)

    def wait(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        return self.server.wait(wanted)

    def uri(self, name: str = "a.trainspec.json") -> str:
        return (self.folder / name).as_uri()

    def open(self, text: str, name: str = "a.trainspec.json", language: str = "json") -> list[dict[str, Any]]:
        """Open a document; return what the server finds in it."""
        self._opened.add(self.uri(name))
        item = {"uri": self.uri(name), "languageId": language, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})
        return self.diagnostics(1, name)

    def change(self, text: str, version: int, name: str = "a.trainspec.json") -> None:
        document = {"uri": self.uri(name), "version": version}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})

    def diagnostics(self, version: int | None, name: str = "a.trainspec.json") -> list[dict[str, Any]]:
        """Return what the server publishes for a version of a document."""

        def is_it(message: dict[str, Any]) -> bool:
            params = message.get("params", {})
            about = message.get("method") == "textDocument/publishDiagnostics" and params["uri"] == self.uri(name)
            return about and params.get("version") == version

        return self.wait(is_it)["params"]["diagnostics"]  # type: ignore[no-any-return]  # as above

    def at(self, method: str, line: int, character: int, name: str = "a.trainspec.json") -> Any:
        position = {"line": line, "character": character}
        return self.request(f"textDocument/{method}", {"textDocument": {"uri": self.uri(name)}, "position": position})

    def actions(self, diagnostic: dict[str, Any] | None = None, *, only: list[str] | None = None) -> list[dict[str, Any]]:
        whole = {"start": {"line": 0, "character": 0}, "end": {"line": 9999, "character": 0}}
        context: dict[str, Any] = {"diagnostics": [diagnostic] if diagnostic else []}
        if only is not None:
            context["only"] = only
        place = diagnostic["range"] if diagnostic else whole
        return self.request("textDocument/codeAction", {"textDocument": {"uri": self.uri()}, "range": place, "context": context}) or []

    def put_away(self) -> None:
        """Close every document; what the server says about that is no matter of the next test."""
        for uri in self._opened if self._connection is not None else ():
            self.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
            self.request("textDocument/hover", {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 0}})

    @staticmethod
    def text_at(text: str, place: dict[str, Any]) -> str:
        """Return what stands in a range."""
        raw = text.encode("utf-16-le")
        return raw[_place(text, place["start"]) : _place(text, place["end"])].decode("utf-16-le")

    @staticmethod
    def edited(text: str, edits: list[dict[str, Any]]) -> str:
        """Return the text after the edits, made as an editor makes them."""
        raw = text.encode("utf-16-le")
        for edit in sorted(edits, key=lambda edit: _place(text, edit["range"]["start"]), reverse=True):
            start, end = (_place(text, edit["range"][side]) for side in ("start", "end"))
            raw = raw[:start] + edit["newText"].encode("utf-16-le") + raw[end:]
        return raw.decode("utf-16-le")

    def mended(self, text: str, action: dict[str, Any], name: str = "a.trainspec.json") -> str:
        """Return the text after a code action."""
        return self.edited(text, action["edit"]["changes"][self.uri(name)])


@pytest.fixture(scope="session")
def connect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connect]:
    """Connect to a server that knows these capabilities; it starts once and serves every test that asks for it."""
    folder = tmp_path_factory.mktemp("servers")
    started: dict[str, Connection] = {}

    def to(capabilities: dict[str, Any]) -> Connection:
        key = json.dumps(capabilities, sort_keys=True)
        if key not in started:
            started[key] = Connection(folder)
            started[key].initialize(folder, capabilities)
        return started[key]

    yield to
    for connection in started.values():
        connection.close()


@pytest.fixture
def editor(tmp_path: Path, connect: Connect) -> Iterator[Editor]:
    """An editor in a folder of its own; ``start`` connects it."""
    made = Editor(tmp_path, connect)
    yield made
    made.put_away()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Connection]:
    """A server process of its own, which was told nothing yet."""
    connection = Connection(tmp_path)
    yield connection
    connection.close()


def _place(text: str, position: dict[str, int]) -> int:
    """Return the byte of the UTF-16 text at which a position lies."""
    lines = text.split("\n")
    return sum(len(line.encode("utf-16-le")) + 2 for line in lines[: position["line"]]) + 2 * position["character"]
