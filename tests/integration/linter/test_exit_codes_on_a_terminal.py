"""Every way to end, in every format, as people and CI meet it: on a real terminal, into a pipe, cut short."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from trainyard.linter.cli.outputs import FORMATS, MACHINE, PEOPLE

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no terminals of this kind")

Write = Callable[..., str]
TRAINLINT = (sys.executable, "-m", "trainyard.linter.cli.main")
TAKES_THE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "trainyard.linter.cli.main", *sys.argv[1:]])
"""
CRASHES = """
from trainyard.linter import spec

def explode(*_, **__):
    raise ZeroDivisionError("boom")

spec.typed = explode
from trainyard.linter.cli.main import main
main()
"""


class Ended(NamedTuple):
    """How a process on a terminal ended, and what stood on the terminal; standard output apart when it was a pipe."""

    code: int
    screen: str
    piped: str = ""


class Terminal:
    """A process whose three streams are a new terminal; standard output is a pipe where that is asked for."""

    def __init__(self, command: tuple[str, ...], *, env: dict[str, str], piped: bool = False) -> None:
        self._ours, theirs = os.openpty()
        self.process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=subprocess.PIPE if piped else theirs,
            stderr=theirs,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm", **env},
        )
        os.close(theirs)

    def type(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def ended(self) -> Ended:
        piped = self.process.stdout.read() if self.process.stdout is not None else b""
        screen = b"".join(self._pieces())
        os.close(self._ours)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return Ended(self.process.wait(timeout=60), screen.decode().replace("\r\n", "\n"), piped.decode())

    def _pieces(self) -> Iterator[bytes]:
        while True:
            try:
                piece = os.read(self._ours, 65536)
            except OSError:  # the other side of a pty closed
                return
            if not piece:
                return
            yield piece


def on_a_terminal(*arguments: str, program: tuple[str, ...] = TRAINLINT, piped: bool = False, env: dict[str, str] | None = None) -> Ended:
    return Terminal((*program, *arguments), env=env or {}, piped=piped).ended()


def is_whole(name: str, text: str) -> bool:
    """Tell whether a text is a whole document of a format; that of lines is whole when each line is."""
    if name in {"json", "gitlab", "sarif"}:
        json.loads(text)
    elif name == "json-lines":
        for line in text.splitlines():
            json.loads(line)
    elif name == "junit":
        ET.fromstring(text)  # noqa: S314 - our own output
    return True


@pytest.mark.parametrize("name", FORMATS)
def test_a_clean_spec_ends_with_0(name: str, write: Write) -> None:
    ended = on_a_terminal("check", write(), "--format", name)
    assert ended.code == 0
    assert is_whole(name, ended.screen)


@pytest.mark.parametrize("name", FORMATS)
def test_findings_end_with_1(name: str, write: Write) -> None:
    ended = on_a_terminal("check", write(task=7), "--format", name)
    assert ended.code == 1
    assert is_whole(name, ended.screen)
    assert "task" in ended.screen


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("wrong", [("no-such-file",), ("a.trainspec.json", "--select", "NOPE"), ("a.trainspec.json", "--fail-on", "soon")])
def test_wrong_usage_ends_with_2_and_writes_no_document(wrong: tuple[str, ...], name: str, write: Write) -> None:
    write()
    ended = on_a_terminal("check", *wrong, "--format", name, piped=True)
    assert (ended.code, ended.piped) == (2, "")
    assert "rror: " in ended.screen
    assert "Traceback" not in ended.screen


@pytest.mark.parametrize("name", FORMATS)
def test_a_crash_of_ours_ends_with_3_beside_a_whole_document(name: str, write: Write) -> None:
    ended = on_a_terminal("check", write(), "--format", name, program=(sys.executable, "-c", CRASHES), piped=True)
    assert ended.code == 3
    assert is_whole(name, ended.piped)
    assert "LINT001" in ended.piped
    assert "ZeroDivisionError: boom" in ended.screen
    assert "report it" in ended.screen


@pytest.mark.parametrize("name", FORMATS)
def test_ctrl_c_ends_with_130_and_no_traceback(name: str, tmp_path: Path) -> None:
    pipe = tmp_path / "slow.trainspec.json"
    os.mkfifo(pipe)
    terminal = Terminal((sys.executable, "-c", TAKES_THE_TERMINAL, "check", str(pipe), "--format", name), env={})
    writer = os.open(pipe, os.O_WRONLY)  # returns when the process has opened the other end
    terminal.type(b"\x03")
    ended = terminal.ended()
    os.close(writer)
    assert ended.code == 130
    assert "Traceback" not in ended.screen


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("name", FORMATS)
def test_a_reader_like_head_gets_its_line_and_no_noise(name: str, unbuffered: str, write: Write, tmp_path: Path) -> None:
    for number in range(60):
        write(f"{number}.trainspec.json", task=7, **{f"unknown{key}": 1 for key in range(40)})
    script = f'"$@" check . --format {name} | head -n 1 > first; echo "${{PIPESTATUS[0]}}"'
    command = [str(shutil.which("bash")), "-c", script, "bash", *TRAINLINT]
    env = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("141\n", "")
    assert len((tmp_path / "first").read_text(encoding="utf-8").splitlines()) == 1


@pytest.mark.parametrize("env,coloured", [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)])
@pytest.mark.parametrize("name", PEOPLE)
def test_a_terminal_is_coloured_unless_told_otherwise(name: str, env: dict[str, str], coloured: bool, write: Write) -> None:
    ended = on_a_terminal("check", write(task=7), "--format", name, env=env)
    assert ("\x1b[" in ended.screen) is coloured


@pytest.mark.parametrize("env,coloured", [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)])
@pytest.mark.parametrize("name", PEOPLE)
def test_a_pipe_is_coloured_only_when_told(name: str, env: dict[str, str], coloured: bool, write: Write) -> None:
    ended = on_a_terminal("check", write(task=7), "--format", name, piped=True, env=env)
    assert ("\x1b[" in ended.piped) is coloured


@pytest.mark.parametrize("name", MACHINE)
def test_no_format_for_programs_is_ever_coloured(name: str, write: Write) -> None:
    arguments = ("check", write(task=7), "--format", name, "--color", "always")
    assert "\x1b" not in on_a_terminal(*arguments, env={"FORCE_COLOR": "1"}).screen


def test_for_people_and_for_programs_at_once_each_has_its_stream(write: Write) -> None:
    ended = on_a_terminal("check", write(task=7), "--format", "full", "--format", "json", piped=True)
    summary: dict[str, Any] = json.loads(ended.piped)["summary"]
    assert summary["errors"] == 1
    assert "Found 1 error" in ended.screen
    assert "\x1b[1;31m" in ended.screen


@pytest.mark.skipif(sys.platform != "linux", reason="only here may a file name be any bytes")
@pytest.mark.parametrize("to_file", [False, True])
@pytest.mark.parametrize("name", FORMATS)
def test_a_file_name_that_is_no_utf_8_and_a_lone_surrogate_are_reported_in_every_format(name: str, to_file: bool, tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.trainspec.json")).write_bytes(b'{"version": "v1", "\\ud800": 1}')
    ended = on_a_terminal("check", ".", "--format", f"{name}:out" if to_file else name, piped=True)
    assert ended.code == 1, ended.screen
    text = (tmp_path / "out").read_text(encoding="utf-8") if to_file else ended.piped
    assert is_whole(name, text)
    assert "SPEC001" in text
