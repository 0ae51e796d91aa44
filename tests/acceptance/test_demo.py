"""``make demo`` keeps its word: the whole way, in time, with nothing left behind."""

from __future__ import annotations

import re
import shutil
import signal
import time
from pathlib import Path

import pytest
from tests.acceptance.conftest import WAIT_SECONDS, Machine, wait_until

pytestmark = pytest.mark.keras
LIMIT_SECONDS = 180


def test_the_demonstration_shows_the_whole_way_and_leaves_only_the_model(machine: Machine) -> None:
    machine.environment["TMPDIR"] = str(machine.folder)
    before = machine.files()
    began = time.monotonic()
    done = machine.run("demo", "--examples", str(machine.examples), "--runs", str(machine.folder / "runs"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert time.monotonic() - began < LIMIT_SECONDS
    assert_in_order(
        done.stdout,
        "$ trainlint check ",
        "^^^ learning-rate-too-high",
        "$ trainyard serve ",
        "$ trainyard submit ",
        "^^^ learning-rate-too-high",
        "was refused: ",
        "The same ",
        " findings",
        "$ trainyard submit --json ",
        "$ trainyard watch ",
        "epoch  1/25 ",
        "epoch  2/25 ",
        'state="running"} 1.0',
        "epoch  3/25 ",
        "validation accuracy 0.9",
        "best model ",
        "no process is left",
    )
    assert not machine.processes()
    kept = re.search(r"best model +(\S+) ", done.stdout)
    assert kept is not None
    left = {name for name in machine.files() - before if not name.startswith(("runs", "user"))}
    assert (kept.group(1).endswith("/best.keras"), left) == (True, set())


def assert_in_order(text: str, *pieces: str) -> None:
    position = 0
    for piece in pieces:
        found = text.find(piece, position)
        assert found >= 0, f"{piece!r} is missing after: {text[position : position + 500]}"
        position = found + len(piece)


def mislabel(images: Path) -> None:
    """Put half of each class's images under the next class's names: every count stays, and nothing can be learnt well."""
    folders = sorted(folder for folder in images.iterdir() if folder.is_dir())
    half = min(len(list(folder.iterdir())) for folder in folders) // 2
    picked = [[path.read_bytes() for path in sorted(folder.iterdir())[:half]] for folder in folders]
    for folder, foreign in zip(folders, [picked[-1], *picked[:-1]], strict=True):
        for path, content in zip(sorted(folder.iterdir()), foreign, strict=False):
            path.write_bytes(content)


def test_an_accuracy_below_the_promise_is_said_and_nothing_is_left(machine: Machine) -> None:
    examples = machine.folder / "examples"
    shutil.copytree(machine.examples / "digits", examples / "digits")
    mislabel(examples / "digits" / "images")
    machine.environment["TMPDIR"] = str(machine.folder)
    done = machine.run("demo", "--examples", str(examples), "--runs", str(machine.folder / "runs"))
    assert done.returncode == 1, done.stdout
    assert re.search(
        r"^error: not as promised: the validation accuracy is 0\.\d+, and at least 0\.95 was promised$", done.stderr, re.MULTILINE
    )
    assert not machine.processes()
    assert not list(machine.folder.glob("trainyard-demo-*"))


def test_a_demonstration_that_is_interrupted_leaves_nothing(machine: Machine) -> None:
    machine.environment["TMPDIR"] = str(machine.folder)
    shown = machine.folder / "shown.txt"
    with shown.open("wb") as output:
        process = machine.start("demo", "--examples", str(machine.examples), stdout=output, stderr=output)
        wait_until(lambda: "epoch  1/25" in shown.read_text())
        process.send_signal(signal.SIGINT)
        assert process.wait(WAIT_SECONDS) == 130
    assert not machine.processes()
    assert not list(machine.folder.glob("trainyard-demo-*"))
