"""``trainlint`` as a process: what it imports, colours, pipes, Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Write = Callable[..., str]

HEAVY = (
    "grpc",
    "google",
    "tensorflow",
    "keras",
    "numpy",
    "rich",
    "jsonschema",
    "tomllib",
    "difflib",
    "dataclasses",
    "traceback",
)
COMMAND = [sys.executable, "-m", "trainyard.linter.cli.main"]


def test_a_clean_spec_is_judged_with_light_imports_only(process: Run, write: Write) -> None:
    outcome = process("check", write(), "--fail-on", "error", python=("-X", "importtime"))
    assert outcome.code == 0
    imported = {line.rpartition("|")[2].strip() for line in outcome.err.splitlines() if line.startswith("import time:")}
    assert "jsonschema_rs" in imported
    assert "trainyard.linter.engine.lint" in imported
    assert imported & set(HEAVY) == set()
    assert "trainyard.linter.source.reader" not in imported or "info" in outcome.out


def test_importing_the_package_or_the_exit_codes_loads_no_engine() -> None:
    code = (
        "import sys, trainyard.linter, trainyard.linter.cli.exits, trainyard.linter.cli.lazy\n"
        "ours = [name for name in sys.modules if name.startswith('trainyard.linter.')]\n"
        "assert all(name.startswith('trainyard.linter.cli') for name in ours), ours\n"
        "assert 'click' in sys.modules and 'jsonschema_rs' not in sys.modules\n"
        "from trainyard.linter import lint, Report, Finding, Severity, Configuration\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_help_and_version_load_no_command(process: Run) -> None:
    outcome = process("--help", python=("-X", "importtime"))
    assert outcome.code == 0
    assert "check" in outcome.out
    assert "trainyard.linter.cli.check" not in outcome.err
    assert process("--version").out.startswith("trainlint, version ")


def test_a_mistyped_command_is_a_usage_error(process: Run) -> None:
    outcome = process("chekc")
    assert outcome.code == 2
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    "env,flag,coloured",
    [
        ({}, (), False),
        ({"FORCE_COLOR": "1"}, (), True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, (), False),
        ({"FORCE_COLOR": "0"}, (), False),
        ({"NO_COLOR": "1"}, ("--color", "always"), True),
        ({"FORCE_COLOR": "1"}, ("--color", "never"), False),
    ],
)
def test_colour_into_a_pipe_follows_flag_and_environment(
    env: dict[str, str], flag: tuple[str, ...], coloured: bool, process: Run, write: Write
) -> None:
    outcome = process("check", write(task=7), *flag, env=env)
    assert outcome.code == 1
    assert ("\x1b[" in outcome.out) is coloured


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pty")
@pytest.mark.parametrize(
    "env,coloured", [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"TERM": "xterm", "NO_COLOR": "1"}, False)]
)
def test_a_terminal_gets_colour_unless_told_otherwise(env: dict[str, str], coloured: bool, write: Write) -> None:
    import pty

    path = write(task=7)
    ours, theirs = pty.openpty()
    process = subprocess.Popen([*COMMAND, "check", path], stdout=theirs, stderr=theirs, env={**os.environ, **env})
    os.close(theirs)
    shown = _everything(ours)
    assert process.wait(timeout=60) == 1
    assert (b"\x1b[1;31m" in shown) is coloured
    assert b"^" in shown


def _everything(descriptor: int) -> bytes:
    shown = b""
    while True:
        try:
            piece = os.read(descriptor, 4096)
        except OSError:  # the other side of a pty closed
            break
        if not piece:
            break
        shown += piece
    os.close(descriptor)
    return shown


def test_a_reader_that_leaves_early_causes_no_noise(write: Write) -> None:
    names = [write(f"{number}.trainspec.json", task=7, optimizer=7) for number in range(200)]
    process = subprocess.Popen([*COMMAND, "check", *names], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=60) == 141


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes, and Ctrl-C is another thing there")
def test_ctrl_c_ends_with_130_and_no_traceback(tmp_path: Path) -> None:
    pipe = tmp_path / "slow.trainspec.json"
    os.mkfifo(pipe)
    process = subprocess.Popen([*COMMAND, "check", pipe], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with pipe.open("wb"):  # returns when the process has opened the other end
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in err


def test_ctrl_c_in_the_middle_of_a_lazy_import_ends_with_130_too(tmp_path: Path) -> None:
    """A class that is made while the signal arrives is made by ``exec``, and of that the interpreter keeps a note."""
    code = (
        "import sys, click\n"
        "from trainyard.linter.cli import exits\n"
        "command = click.Command('made', callback=lambda: exec('raise KeyboardInterrupt'))\n"
        "sys.exit(exits.run(command, [], program='made'))\n"
    )
    (tmp_path / "made.py").write_text(code)
    assert subprocess.run([sys.executable, "-m", "made"], cwd=tmp_path, check=False, timeout=60).returncode == 130


def test_the_output_does_not_depend_on_the_hash_seed(process: Run, write: Write) -> None:
    write(optimizer={"type": "adam", "lr": 1, "learning_rat": 2}, training={"epoch": 1}, callbacks={"x": 1}, imbalance={"type": "foc"})
    outcomes = [process("check", ".", "--format", "json", "--format", "sarif:out.sarif", env={"PYTHONHASHSEED": seed}) for seed in "12"]
    assert outcomes[0] == outcomes[1]
    assert outcomes[0].code == 1
