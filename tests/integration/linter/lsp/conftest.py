"""An editor, as far as the server can tell: JSON-RPC by hand over the standard streams of a real process."""

from __future__ import annotations

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


class Editor:
    """Starts a server and speaks with it. Every wait has a deadline."""

    def __init__(self, folder: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "GITHUB_ACTIONS"}
        self.process = subprocess.Popen(
            COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder, env=environment
        )
        self.folder = folder
        self.said: list[dict[str, Any]] = []
        self._inbox: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._id = 0
        self._errors: list[bytes] = []
        self._threads = [threading.Thread(target=target, daemon=True) for target in (self._listen, self._collect_errors)]
        for thread in self._threads:
            thread.start()

    # -- the wire --------------------------------------------------------------------------------

    def send_raw(self, raw: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(raw)
        self.process.stdin.flush()

    def send(self, **message: Any) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.send_raw(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def notify(self, method: str, params: Any) -> None:
        self.send(method=method, params=params)

    def request(self, method: str, params: Any) -> Any:
        answer = self.ask(method, params)
        assert "error" not in answer, answer
        return answer["result"]

    def ask(self, method: str, params: Any) -> dict[str, Any]:
        self._id += 1
        number = self._id
        self.send(id=number, method=method, params=params)
        return self.wait(lambda message: message.get("id") == number and "method" not in message)

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
        for line in self.process.stderr:
            self._errors.append(line)

    @property
    def errors(self) -> str:
        return b"".join(self._errors).decode()

    # -- what an editor does ---------------------------------------------------------------------

    def start(self, **capabilities: Any) -> dict[str, Any]:
        params = {"processId": os.getpid(), "rootUri": self.folder.as_uri(), "capabilities": capabilities}
        answer: dict[str, Any] = self.request("initialize", params)
        self.notify("initialized", {})
        return answer["capabilities"]  # type: ignore[no-any-return]  # what the protocol promises

    def uri(self, name: str = "a.trainspec.json") -> str:
        return (self.folder / name).as_uri()

    def open(self, text: str, name: str = "a.trainspec.json", language: str = "json") -> list[dict[str, Any]]:
        """Open a document; return what the server finds in it."""
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

    def leave(self) -> int:
        """Say good-bye as the protocol wants it; return the exit code."""
        assert self.request("shutdown", None) is None
        self.notify("exit", None)
        return self.process.wait(timeout=PATIENCE_SECONDS)

    def close(self) -> None:
        for stream in (self.process.stdin,):
            assert stream is not None
            try:
                stream.close()
            except BrokenPipeError:
                pass
        try:
            self.process.wait(timeout=PATIENCE_SECONDS)
        finally:
            self.process.kill()
            self.process.wait(timeout=PATIENCE_SECONDS)
        for thread in self._threads:
            thread.join(timeout=PATIENCE_SECONDS)
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()


@pytest.fixture
def editor(tmp_path: Path) -> Iterator[Editor]:
    """An editor whose server has started but was told nothing yet."""
    made = Editor(tmp_path)
    yield made
    made.close()


def text_at(text: str, place: dict[str, Any]) -> str:
    """Return what stands in a range, columns in UTF-16 units."""
    return _from(text, place["start"], place["end"])


def _from(text: str, start: dict[str, int], end: dict[str, int]) -> str:
    return text.encode("utf-16-le")[_units(text, start) : _units(text, end)].decode("utf-16-le")


def _units(text: str, position: dict[str, int]) -> int:
    lines = text.split("\n")
    before = sum(len(line.encode("utf-16-le")) + 2 for line in lines[: position["line"]])
    return before + 2 * position["character"]


def edited(text: str, edits: list[dict[str, Any]]) -> str:
    """Return the text after the edits, applied as an editor does."""
    raw = text.encode("utf-16-le")
    for edit in sorted(edits, key=lambda edit: _units(text, edit["range"]["start"]), reverse=True):
        start, end = (_units(text, edit["range"][side]) for side in ("start", "end"))
        raw = raw[:start] + edit["newText"].encode("utf-16-le") + raw[end:]
    return raw.decode("utf-16-le")
