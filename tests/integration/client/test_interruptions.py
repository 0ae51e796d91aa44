"""Ctrl-C, SIGTERM and terminals: on a real pseudo-terminal, with a job that goes on."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.integration.client.conftest import JOB_ID, WAIT_SECONDS, FakeServer, Shell, epoch_event, moved, whole_run

HINT = f"still running; watch it: trainyard watch {JOB_ID}; end it: trainyard cancel {JOB_ID}"


class Terminal:
    """The far end of a pseudo-terminal: what the process wrote, and what is typed to it."""

    def __init__(self, master: int, process: subprocess.Popen[bytes]) -> None:
        self._master = master
        self.process = process
        self.seen = b""

    def read_until(self, words: str) -> None:
        """Read until ``words`` have been written."""
        deadline = time.monotonic() + WAIT_SECONDS
        while words.encode() not in self.seen:
            assert time.monotonic() < deadline, self.seen
            self._read(deadline - time.monotonic())

    def read_to_end(self) -> str:
        """Read until the process has ended; returns everything."""
        deadline = time.monotonic() + WAIT_SECONDS
        while self._read(max(0.0, deadline - time.monotonic())):
            pass
        self.process.wait(WAIT_SECONDS)
        return self.seen.decode()

    def press(self, keys: bytes) -> None:
        """Type something."""
        os.write(self._master, keys)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        try:
            chunk = os.read(self._master, 65536)
        except OSError:  # Linux says EIO when the other side is closed
            return False
        self.seen += chunk
        return bool(chunk)


@contextmanager
def on_terminal(shell: Shell, *arguments: str) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    process = shell.start(*arguments, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    try:
        yield Terminal(master, process)
    finally:
        process.kill()
        process.wait()
        os.close(master)


def running(fake: FakeServer) -> None:
    fake.add_job()
    fake.tell(JOB_ID, *whole_run(3)[:3], epoch_event(1, 3))


@pytest.mark.parametrize("mode", ["tty", "plain"])
@pytest.mark.parametrize("number,code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_watch_leaves_the_job_running_and_prints_the_way_back(
    fake: FakeServer, shell: Shell, mode: str, number: signal.Signals, code: int
) -> None:
    running(fake)
    with on_terminal(shell, "watch", JOB_ID, "--progress", mode) as terminal:
        terminal.read_until("1.0000")
        terminal.process.send_signal(number)
        shown = terminal.read_to_end()
    assert terminal.process.returncode == code
    assert HINT in shown
    assert "Traceback" not in shown
    assert fake.count("CancelJob") == 0


@pytest.mark.parametrize("number,code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_wait_leaves_the_job_running_too(fake: FakeServer, shell: Shell, number: signal.Signals, code: int) -> None:
    running(fake)
    with shell.start("wait", JOB_ID, stdout=-1, stderr=-1) as process:
        fake.await_call("WatchJob")
        process.send_signal(number)
        out, err = process.communicate(timeout=WAIT_SECONDS)
    assert (process.returncode, out, err.decode().strip()) == (code, b"", HINT)


def test_the_live_line_gives_the_cursor_back_however_it_ends(fake: FakeServer, shell: Shell) -> None:
    running(fake)
    with on_terminal(shell, "watch", JOB_ID) as terminal:
        terminal.read_until("1.0000")
        terminal.process.send_signal(signal.SIGINT)
        shown = terminal.read_to_end()
    assert "\x1b[?25l" in shown
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")
    assert shown.rindex(HINT) > shown.rindex("\x1b[?25h")


def test_on_a_terminal_the_curves_and_the_outcome_stay(fake: FakeServer, shell: Shell) -> None:
    running(fake)
    with on_terminal(shell, "watch", JOB_ID) as terminal:
        terminal.read_until("1.0000")
        fake.tell(JOB_ID, epoch_event(2, 3), moved("RUNNING", "FAILED", "DATA", "gone"))
        shown = terminal.read_to_end()
    assert terminal.process.returncode == 0
    stays = shown[shown.rindex("\x1b[?1049l") :]
    assert "best 0.5000 in 2" in stays
    assert f"{JOB_ID}  digits-small-cnn  failed (data)" in stays


def test_the_key_q_leaves_the_job_running_and_s_asks_before_it_stops(fake: FakeServer, shell: Shell) -> None:
    running(fake)
    with on_terminal(shell, "watch", JOB_ID) as terminal:
        terminal.read_until("q leave it running")
        terminal.press(b"s")
        terminal.read_until("y: yes")
        terminal.press(b"n")
        terminal.read_until("not stopped")
        assert fake.count("StopJob") == 0
        terminal.press(b"s")
        terminal.press(b"y")
        fake.await_call("StopJob")
        terminal.press(b"p")
        fake.await_call("PauseJob")
        terminal.press(b"q")
        shown = terminal.read_to_end()
    assert terminal.process.returncode == 0
    assert HINT in shown[shown.rindex("\x1b[?1049l") :]
    assert fake.count("CancelJob") == 0


def test_exit_status_gives_the_outcome_on_a_terminal_too(fake: FakeServer, shell: Shell) -> None:
    fake.add_job()
    fake.tell(JOB_ID, moved("RUNNING", "FAILED", "DATA", "gone"))
    with on_terminal(shell, "watch", JOB_ID, "--exit-status") as terminal:
        terminal.read_to_end()
    assert terminal.process.returncode == 1


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"NO_COLOR": "1"}])
def test_a_terminal_that_wants_no_colour_or_cursor_gets_none(fake: FakeServer, shell: Shell, environment: dict[str, str]) -> None:
    running(fake)
    fake.tell(JOB_ID, moved("RUNNING", "SUCCEEDED", "COMPLETED"))
    with on_terminal(Shell({**shell.environment, **environment}, shell.folder), "watch", JOB_ID) as terminal:
        shown = terminal.read_to_end()
    if "TERM" in environment:
        assert "\x1b" not in shown
    assert not re.search("\x1b\\[[0-9;]*m", shown)


def test_ctrl_c_while_a_call_is_under_way_is_130(fake: FakeServer, shell: Shell) -> None:
    fake.dawdle_seconds = WAIT_SECONDS
    with shell.start("jobs", stdout=-1, stderr=-1) as process:
        fake.await_call("ListJobs")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=WAIT_SECONDS)
    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in err
