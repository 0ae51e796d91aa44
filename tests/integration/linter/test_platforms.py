"""What differs between systems: encodings, terminals, what Python has of POSIX. And what must not: every exit code in every format."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trainyard.linter import spec
from trainyard.linter.cli.outputs import FORMATS

Run = Callable[..., Any]
Write = Callable[..., str]

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "trainyard.linter.cli.main"]
WITHOUT_POSIX = [sys.executable, str(Path(__file__).parent / "without_posix.py")]
TAKES_THE_TERMINAL = (
    "import fcntl, os, sys, termios\n"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "os.execv(sys.executable, [sys.executable, '-m', 'trainyard.linter.cli.main', *sys.argv[1:]])\n"
)
needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no terminals of this kind")


# -- exit codes and formats


@pytest.mark.parametrize("name", FORMATS)
def test_a_crash_of_ours_is_exit_3_in_every_format(name: str, run: Run, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object, **__: object) -> None:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr(spec, "typed", explode)
    outcome = run("check", write(), "--format", name)
    assert outcome.code == 3
    assert "report it" in outcome.err
    assert "LINT" in outcome.out


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("level,code", [("never", 0), ("error", 1)])
def test_what_fails_is_asked_of_every_format_alike(name: str, level: str, code: int, run: Run, write: Write) -> None:
    assert run("check", write(training={"epoch": 3}), "--format", name, "--fail-on", level).code == code


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_that_cannot_be_written_is_a_usage_error_in_every_format(name: str, run: Run, write: Write) -> None:
    outcome = run("check", write(), "--format", f"{name}:no/such/folder/out")
    assert (outcome.code, outcome.out) == (2, "")


@needs_posix
@pytest.mark.parametrize("name", FORMATS)
def test_a_reader_that_is_gone_ends_every_format_quietly(name: str, write: Write) -> None:
    process = subprocess.Popen([*COMMAND, "check", write(task=7), "--format", name], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (141, b"")


# -- encodings


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "utf-8"])
@pytest.mark.parametrize("name", FORMATS)
def test_any_text_goes_into_a_pipe_whatever_the_code_page(encoding: str, name: str, process: Run, write: Write) -> None:
    path = write("漢字 é.trainspec.json", task="→", 漢="\ud83d\ude82")
    outcome = process("check", path, "--format", name, env={"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"})
    assert (outcome.code, outcome.err) == (1, "")
    if name in {"json", "gitlab", "sarif"}:
        json.loads(outcome.out)
    elif name == "junit":
        ET.fromstring(outcome.out)  # noqa: S314 - our own
    assert name not in {"full", "concise", "json-lines", "gitlab"} or "漢" in outcome.out


@pytest.mark.parametrize("arguments", [("resolve",), ("diff", "a.trainspec.json"), ("check", "--unsafe-fixes", "--diff")], ids=" ".join)
def test_other_commands_write_any_text_too(arguments: tuple[str, ...], process: Run, write: Write) -> None:
    write()
    path = write("漢.trainspec.json", experiment={"name": "漢字 → é"}, optimizer={"type": "adam", "learning_rate": 5})
    outcome = process(*arguments, path, env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert outcome.code in {0, 1}
    assert "漢" in outcome.out
    assert "Traceback" not in outcome.err


def test_fixing_standard_input_keeps_line_ends_and_everything_else(process: Run) -> None:
    raw = '{\r\n  "version": "v1",\r\n  "experiment": { "name": "漢字" },\r\n}\r\n'.encode()
    done = subprocess.run([*COMMAND, "check", "--fix", "-"], input=raw, capture_output=True, check=False, timeout=60)
    assert done.stdout == raw.replace(b" },\r\n}", b" }\r\n}")


# -- terminals


@needs_posix
@pytest.mark.parametrize(
    "arguments,sign", [(("check", "slow.trainspec.json"), None), (("check", "--watch", "a.trainspec.json"), b"Ctrl-C ends")]
)
def test_ctrl_c_typed_at_a_terminal_ends_with_130_and_no_traceback(
    arguments: tuple[str, ...], sign: bytes | None, write: Write, tmp_path: Path
) -> None:
    write()
    os.mkfifo(tmp_path / "slow.trainspec.json")
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", TAKES_THE_TERMINAL, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    shown = b""
    if sign is None:
        pipe = os.open(tmp_path / "slow.trainspec.json", os.O_WRONLY)  # returns when the process reads the other end
    while sign is not None and sign not in shown:
        shown += os.read(ours, 4096)
    os.write(ours, b"\x03")
    assert process.wait(timeout=60) == 130
    shown += _rest(ours)
    if sign is None:
        os.close(pipe)
    assert b"Traceback" not in shown
    assert b"^C" in shown


def _rest(terminal: int) -> bytes:
    shown = b""
    try:
        while piece := os.read(terminal, 4096):
            shown += piece
    except OSError:  # the other side is closed
        pass
    os.close(terminal)
    return shown


# -- Python without POSIX


@pytest.mark.parametrize(
    "arguments",
    [
        *(("check", ".", "--format", name) for name in FORMATS),
        ("check", "bad.trainspec.json", "--diff"),
        ("check", "bad.trainspec.json", "--fix", "--unsafe-fixes"),
        ("check", ".", "--data-root", ".", "--hardware", "a100-80gb", "--statistics"),
        ("check", ".", "--write-baseline", "known.json"),
        ("check", "bad.trainspec.json", "--show-config"),
        ("explain", "LR001"),
        ("rules", "--format", "json"),
        ("schema",),
        ("resolve", "a.trainspec.json"),
        ("diff", "a.trainspec.json", "bad.trainspec.json"),
        ("init", "new.trainspec.json", "--data", "cells.csv"),
        ("facts", "cells.csv"),
        ("completion", "bash"),
    ],
    ids=" ".join,
)
def test_every_command_does_without_what_only_posix_has(arguments: tuple[str, ...], write: Write, tmp_path: Path) -> None:
    write()
    write("bad.trainspec.json", training={"epoch": 3}, optimizer={"type": "adam", "learning_rate": 5})
    shutil.copy(ROOT / "examples/breast-cancer/breast_cancer.csv", tmp_path / "cells.csv")
    here = subprocess.run([*COMMAND, *arguments], capture_output=True, check=False, timeout=60)
    for made in ("new.trainspec.json", "known.json"):
        (tmp_path / made).unlink(missing_ok=True)
    write("bad.trainspec.json", training={"epoch": 3}, optimizer={"type": "adam", "learning_rate": 5})
    there = subprocess.run([*WITHOUT_POSIX, "trainyard.linter.cli.main", *arguments], capture_output=True, check=False, timeout=60)
    assert b"Windows has no" not in there.stderr
    assert there.returncode == here.returncode != 3
    if "--statistics" not in arguments:
        assert (there.stdout, there.stderr) == (here.stdout, here.stderr)


def test_the_guard_refuses_what_only_posix_has(tmp_path: Path) -> None:
    (tmp_path / "trainyard").mkdir()
    for number, line in enumerate(("import fcntl", "import os; os.getuid()", "import signal; signal.SIGKILL")):
        (tmp_path / f"trainyard/m{number}.py").write_text(line, encoding="utf-8")
        command = [*WITHOUT_POSIX, f"trainyard.m{number}"]
        done = subprocess.run(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": "."}, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "Windows has no" in done.stderr


@needs_posix
def test_the_tests_of_the_linter_do_without_what_only_posix_has() -> None:
    folders = [f"tests/unit/linter/{room}" for room in ("source", "engine", "report")]
    slow = "--deselect=tests/unit/linter/engine/test_hostile_files.py"
    command = [*WITHOUT_POSIX, "pytest", "-q", "-p", "no:cacheprovider", slow, *folders, "tests/integration/linter/test_check_command.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, done.stdout[-3000:]
    (passed,) = re.findall(r"(\d+) passed", done.stdout)
    assert int(passed) > 200


# -- order


@pytest.mark.parametrize("name", FORMATS)
def test_two_hash_seeds_give_the_same_bytes_in_every_format(name: str, process: Run, write: Write) -> None:
    sections: dict[str, Any] = {
        "training": {"epoch": 1, "batch": 2},
        "callbacks": {"x": 1},
        "imbalance": {"type": "foc"},
        "loss": {"type": "mse"},
    }
    for number in range(3):
        write(f"{number}.trainspec.json", **sections, metrics=["acc", number], optimizer={"type": "adam", "lr": 1, "learning_rat": 2})
    one, other = (process("check", ".", "--format", name, env={"PYTHONHASHSEED": seed}) for seed in ("1", "77"))
    assert one == other
    assert one.code == 1
