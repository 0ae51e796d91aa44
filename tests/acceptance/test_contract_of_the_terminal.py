"""What ``watch`` promises on a terminal and off it, tried on a real pseudo-terminal against a real server with a real job."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.conftest import WAIT_SECONDS, Machine

pytestmark = pytest.mark.keras

EPOCHS = 3
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
ESCAPE = re.compile(r"\x1b")


def submit(machine: Machine, epochs: int, *options: str) -> subprocess.CompletedProcess[str]:
    good = str(machine.examples / "digits/good.trainspec.json")
    return machine.run("submit", good, "--set", f"training.epochs={epochs}", "--set", "callbacks.early_stopping=null", *options)


@pytest.fixture(scope="module")
def ended_jobs() -> dict[Path, str]:
    """The job of each machine, by its folder."""
    return {}


@pytest.fixture
def ended(served: Machine, ended_jobs: dict[Path, str]) -> str:
    """A job that has run to its end."""
    if served.folder not in ended_jobs:
        done = submit(served, EPOCHS, "--wait", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        ended_jobs[served.folder] = str(json.loads(done.stdout)["id"])
    return ended_jobs[served.folder]


@contextmanager
def on_terminal(machine: Machine, *arguments: str, **environment: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run a command whose three streams are a terminal of 80 by 24."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        machine.argv(*arguments),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**machine.environment, "TERM": "xterm", **environment},
        cwd=machine.folder,
        start_new_session=True,
    )
    os.close(slave)
    try:
        yield process, master
    finally:
        process.kill()
        process.wait()
        os.close(master)


def read(master: int, until: str | None = None) -> str:
    """Read until ``until`` was written, or to the end."""
    seen, deadline = b"", time.monotonic() + WAIT_SECONDS
    while until is None or until.encode() not in seen:
        assert time.monotonic() < deadline, seen
        if not select.select([master], [], [], 1.0)[0]:
            continue
        try:
            chunk = os.read(master, 65536)
        except OSError:  # Linux says EIO when the other side is closed
            chunk = b""
        if not chunk:
            assert until is None, seen
            break
        seen += chunk
    return seen.decode()


def epochs_in(text: str) -> list[int]:
    return [int(number) for number in re.findall(rf"^epoch +(\d+)/{EPOCHS}  loss", text, re.MULTILINE)]


@pytest.mark.parametrize("mode", ["auto", "plain", "json", "none"])
def test_into_pipes_results_go_to_standard_output_and_progress_to_standard_error(served: Machine, ended: str, mode: str) -> None:
    done = served.run("watch", ended, "--progress", mode)
    assert done.returncode == 0
    assert not ESCAPE.search(done.stdout + done.stderr)
    if mode == "json":
        told: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
        assert [line["seq"] for line in told] == list(range(1, len(told) + 1))
        assert [line["epoch"] for line in told if line["type"] == "epoch"] == list(range(1, EPOCHS + 1))
        assert {line["v"] for line in told} == {1}
        assert not done.stderr
    else:
        assert epochs_in(done.stderr) == ([] if mode == "none" else list(range(1, EPOCHS + 1)))
        assert "succeeded" in done.stdout
        assert not epochs_in(done.stdout)


@pytest.mark.parametrize(
    "mode,environment,monitor,colour",
    [
        ("auto", {}, True, True),
        ("tty", {}, True, True),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"TERM": "dumb"}, False, False),
        ("plain", {}, False, False),
        ("none", {}, False, False),
        ("json", {}, False, False),
    ],
)
def test_on_a_terminal_the_monitor_comes_and_goes_and_colour_is_a_choice(
    *, served: Machine, ended: str, mode: str, environment: dict[str, str], monitor: bool, colour: bool
) -> None:
    with on_terminal(served, "watch", ended, "--progress", mode, **environment) as (process, master):
        shown = read(master)
        assert process.wait(WAIT_SECONDS) == 0
    assert ("\x1b[?1049h" in shown) is monitor
    assert shown.count("\x1b[?1049h") == shown.count("\x1b[?1049l")
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h")
    assert bool(COLOUR.search(shown)) is colour
    assert ESCAPE.search(shown) is None or monitor


def test_a_reader_that_goes_away_ends_a_watch_without_a_word(served: Machine, ended: str) -> None:
    with served.start("watch", ended, "--progress", "json", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        noise = process.stderr.read()
    assert process.returncode in {0, 141}
    assert not noise


@pytest.mark.parametrize("number,code", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
def test_a_signal_leaves_the_job_running_and_the_screen_as_it_was(served: Machine, number: signal.Signals, code: int) -> None:
    job = json.loads(submit(served, 1000, "--json").stdout)["id"]
    try:
        with on_terminal(served, "watch", job) as (process, master):
            seen = read(master, until="q leave it running")
            process.send_signal(number)
            seen += read(master)
            assert process.wait(WAIT_SECONDS) == code
        assert seen.rindex("\x1b[?1049l") > seen.rindex("\x1b[?1049h")
        assert f"trainyard watch {job}" in seen[seen.rindex("\x1b[?1049l") :]
        assert json.loads(served.run("show", job, "--json").stdout)["state"] in {"queued", "starting", "running"}
    finally:
        assert served.run("cancel", job).returncode == 0


def test_exit_codes_are_those_of_the_table(served: Machine, ended: str, tmp_path: Path) -> None:
    (tmp_path / "bad.trainspec.json").write_text("{}")
    table = {
        0: ("wait", ended),
        2: ("watch", ended, "--progress", "tty"),
        4: ("jobs", "--server", "127.0.0.1:1"),
        5: ("submit", str(tmp_path / "bad.trainspec.json")),
        6: ("show", "nothing-like-this"),
    }
    assert {code: served.run(*arguments).returncode for code, arguments in table.items()} == {code: code for code in table}
    job = json.loads(submit(served, 1000, "--json").stdout)["id"]
    assert served.run("wait", job, "--timeout", "0.1").returncode == 124
    assert served.run("cancel", job).returncode == 0
    assert served.run("wait", job).returncode == 7
    assert served.run("watch", job).returncode == 7
    assert served.run("stop", job).returncode == 5
