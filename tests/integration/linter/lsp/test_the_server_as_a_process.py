"""Start, end and everything that must not end it: what a server owes an editor beside its answers."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

Server = Any
COMMAND = [sys.executable, "-m", "trainyard.linter.cli.main", "lsp"]
URI = "file:///a.trainspec.json"


def opened(server: Server, text: str, uri: str = URI) -> list[dict[str, Any]]:
    """Open a text; return what the server finds in it."""
    item = {"uri": uri, "languageId": "json", "version": 1, "text": text}
    server.send(method="textDocument/didOpen", params={"textDocument": item})
    said = server.wait(lambda message: message.get("params", {}).get("uri") == uri)
    return said["params"]["diagnostics"]  # type: ignore[no-any-return]  # what the protocol promises


def is_alive(server: Server) -> bool:
    return bool([diagnostic["code"] for diagnostic in opened(server, '{"task": 7}')] == ["SPEC004"])


def test_shutdown_and_exit_end_it_cleanly(server: Server, tmp_path: Path) -> None:
    server.initialize(tmp_path, {})
    assert is_alive(server)
    assert server.leave() == 0
    assert server.errors == ""


def test_exit_without_shutdown_ends_it_with_1_as_the_protocol_wants(server: Server, tmp_path: Path) -> None:
    server.initialize(tmp_path, {})
    server.send(method="exit", params=None)
    assert server.process.wait(timeout=60) == 1
    assert server.errors == ""


@pytest.mark.parametrize("started", [False, True])
def test_it_does_not_outlive_an_editor_that_dies(started: bool, server: Server, tmp_path: Path) -> None:
    if started:
        server.initialize(tmp_path, {})
        opened(server, "{")
    assert server.hang_up() == 1
    assert "Traceback" not in server.errors


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is another thing there")
def test_ctrl_c_ends_it_though_it_waits_for_input(server: Server, tmp_path: Path) -> None:
    server.initialize(tmp_path, {})
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(timeout=60) == 130
    assert server.errors == ""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pty")
def test_who_starts_it_by_hand_is_told_what_it_is() -> None:
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(COMMAND, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    os.close(theirs)
    assert process.stderr is not None
    assert b"speaks with an editor" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    process.communicate()
    os.close(ours)


def test_without_the_extra_it_says_what_to_install_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "pygls.py").write_text("raise ModuleNotFoundError(\"No module named 'pygls'\", name='pygls')\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(COMMAND, capture_output=True, check=False, timeout=60, env=environment, stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr.decode().splitlines() == ["error: `lsp` needs pygls, which is not installed: pip install 'trainyard[lsp]'"]


BROKEN = [
    b"Content-Length: 3\r\n\r\n{{{",
    b"Content-Length: 2\r\n\r\n[]",
    b"Content-Length: 4\r\n\r\nnull",
    b"Content-Length: 2\r\n\r\n\xff\xfe",
    b"Content-Length: 0\r\n\r\n",
    b"no header at all\r\n\r\n",
    b"Content-Length: -5\r\n\r\n",
    b"Content-Length: many\r\n\r\n",
    b"\x00\x01\x02\r\n",
]
ODD = [
    {"jsonrpc": "1.0", "method": "textDocument/hover", "id": 90},
    {"jsonrpc": "2.0"},
    {"jsonrpc": "2.0", "method": 7},
    {"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": {"uri": 7}}},
    {"jsonrpc": "2.0", "method": "textDocument/didChange", "params": {"textDocument": {"uri": "file:///x"}, "contentChanges": []}},
    {
        "jsonrpc": "2.0",
        "method": "textDocument/didChange",
        "params": {"textDocument": {"uri": "file:///never.trainspec.json", "version": 1}, "contentChanges": [{"text": "{"}]},
    },
    {"jsonrpc": "2.0", "method": "textDocument/didClose", "params": {"textDocument": {"uri": "file:///never.trainspec.json"}}},
    {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": 12345}},
    {"jsonrpc": "2.0", "method": "$/no/such/thing", "params": {}},
    {"jsonrpc": "2.0", "id": 77, "result": None},
    {"jsonrpc": "2.0", "id": 78, "error": {"code": 1, "message": "?"}},
]


@pytest.mark.parametrize(
    "raw", [*BROKEN, *(b"Content-Length: %d\r\n\r\n%b" % (len(body := json.dumps(odd).encode()), body) for odd in ODD)]
)
def test_a_broken_message_does_not_end_it(raw: bytes, running: Server) -> None:
    before = running.errors  # the server is shared, and what others made it say is theirs
    running.send_raw(raw)
    assert is_alive(running)
    assert running.errors == before


def test_an_unknown_request_is_answered_with_an_error(running: Server) -> None:
    assert running.ask("textDocument/noSuchThing", {})["error"]["code"] == -32601
    assert is_alive(running)


TEXTS = [
    "",
    " ",
    "\0",
    "null",
    "[]",
    '"a"',
    "{",
    "}" * 1000,
    "[" * 100_000,
    '{"a":' * 100_000,
    '{"a' * 3000,
    '"\ud800"',
    '{"\udfff": "\ud83d"}',
    "\ufeff{}",
    '{"task": 1e999, "x": ' + "9" * 6000 + "}",
    "{" + ",".join(f'"k{number}": {number}' for number in range(20_000)) + "}",
    "ü" * 70_000,
    "\u2028\u2029\x85\x0b\x0c",
    "// nothing\n/* " + "* " * 30_000,
    '{"model": {"type": ["cnn"]}, "optimizer": {"type": {"type": 1}}, "$lint": {"0": 1}, "scheduler": [[[]]]}',
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_any_text_gets_findings_hints_and_fixes_without_an_error(text: str, running: Server) -> None:
    opened(running, text)
    document = {"textDocument": {"uri": URI}}
    far = {"line": 5, "character": 10**6}
    for position in ({"line": 0, "character": 0}, {"line": 0, "character": len(text) // 2}, {"line": 0, "character": len(text)}, far):
        running.request("textDocument/hover", {**document, "position": position})
        running.request("textDocument/completion", {**document, "position": position})
    whole = {"start": {"line": 0, "character": 0}, "end": far}
    running.request("textDocument/codeAction", {**document, "range": whole, "context": {"diagnostics": []}})
    assert [message for message in running.said if message.get("method") == "window/logMessage"] == []
    assert is_alive(running)


def test_a_document_of_ten_megabytes_gets_one_finding_and_delays_nothing_else(running: Server) -> None:
    (large,) = opened(running, '{"a": "' + "x" * 10_000_000 + '"}')
    assert (large["code"], large["range"]["start"]) == ("JSON007", {"line": 0, "character": 0})
    position = {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 5_000_000}}
    assert running.request("textDocument/hover", position) is None
    assert running.request("textDocument/completion", position)["items"] == []
    assert is_alive(running)


@pytest.mark.parametrize(
    "uri", ["", "x", "file:", "file:///%00.trainspec.json", "file://host/a.trainspec.json", "git:/a?b#c.trainspec.json"]
)
def test_any_address_is_taken(uri: str, running: Server) -> None:
    item = {"uri": uri, "languageId": "trainspec", "version": 1, "text": '{"task": 7}'}
    running.send(method="textDocument/didOpen", params={"textDocument": item})
    said = running.wait(lambda message: message.get("params", {}).get("uri") == uri)
    assert len(said["params"]["diagnostics"]) == 1
    running.send(method="textDocument/didClose", params={"textDocument": {"uri": uri}})
    assert is_alive(running)


def test_a_spec_typed_letter_by_letter_never_breaks_it(running: Server) -> None:
    text = json.dumps({"version": "v1", "optimizer": {"type": "sgd", "momentum": 0.9}, "metrics": ["f1", {"type": "auc"}]}, indent=1)
    opened(running, "")
    random_ = random.Random(7)
    for version in range(len(text)):
        typed = text[: version + 1] + random_.choice(["", "}", "]", '"', "\n}"])
        document = {"uri": URI, "version": version + 2}
        running.send(method="textDocument/didChange", params={"textDocument": document, "contentChanges": [{"text": typed}]})
        position = {"line": text[: version + 1].count("\n"), "character": len(text[: version + 1].rpartition("\n")[2])}
        running.request("textDocument/completion", {"textDocument": {"uri": URI}, "position": position})
    assert [message for message in running.said if message.get("method") == "window/logMessage"] == []
    assert is_alive(running)


@pytest.fixture
def running(connect: Any) -> Iterator[Server]:
    """A server that runs already and serves others afterwards."""
    connection = connect({})
    connection.said.clear()
    yield connection
    connection.send(method="textDocument/didClose", params={"textDocument": {"uri": URI}})
    connection.request("textDocument/hover", {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 0}})
