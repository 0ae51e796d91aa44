"""The tab key in real shells: commands, options and the names of rules."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no terminals of this kind")

SCRIPTS = Path(__file__).parents[3] / "docs/completions"
SHELLS = {
    "bash": (["--norc", "--noprofile", "-i"], "PS1='ready> '; source {script}"),
    "zsh": (["-f", "-i"], "PROMPT='ready> '; autoload -Uz compinit; compinit -u -D; source {script}"),
    "fish": (["--no-config", "-i"], "function fish_prompt; echo -n 'ready> '; end; source {script}"),
}
FILES = {"bash": "trainlint.bash", "zsh": "_trainlint", "fish": "trainlint.fish"}
ESCAPES = re.compile(r"\x1b(\[[0-9;?>=]*[a-zA-Z]|[()][A-Z0-9]|[=>78]|\][^\x07\x1b]*(\x07|\x1b\\))")
SECONDS = 60.0
TAKES_THE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Shell:
    """A shell on a terminal, with the program on its path and the completion script read in."""

    def __init__(self, name: str, folder: Path) -> None:
        program = shutil.which(name)
        if program is None:
            pytest.skip(f"{name} is not installed")
        options, setup = SHELLS[name]
        self._ours, theirs = os.openpty()
        # The program of this very environment, whatever else is on the path.
        (folder / "trainlint").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m trainyard.linter.cli.main "$@"\n', encoding="utf-8")
        (folder / "trainlint").chmod(0o755)
        home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder), "TERM": "xterm", "LC_ALL": "C.UTF-8"}
        self._process = subprocess.Popen(
            [sys.executable, "-c", TAKES_THE_TERMINAL, program, *options],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            start_new_session=True,
            env={**os.environ, **home, "PATH": f"{folder}:{os.environ['PATH']}"},
        )
        os.close(theirs)
        self.shown = ""
        self.type(setup.format(script=SCRIPTS / FILES[name]) + "\n")
        self.wait("ready> ")

    def type(self, keys: str) -> None:
        self.shown = ""
        os.write(self._ours, keys.encode())

    def wait(self, wanted: str) -> str:
        """Return what is on the screen as soon as it holds what is wanted."""
        deadline = time.monotonic() + SECONDS
        while wanted not in self.shown:
            left = deadline - time.monotonic()
            assert left > 0, f"{wanted!r} did not come; the screen: {self.shown!r}"
            if select.select([self._ours], [], [], left)[0]:
                piece = os.read(self._ours, 65536).decode(errors="replace")
                if "\x1b[c" in piece or "\x1b[0c" in piece:  # fish asks what terminal this is, and waits for the answer
                    os.write(self._ours, b"\x1b[?1;2c")
                self.shown += ESCAPES.sub("", piece)
        return self.shown

    def close(self) -> None:
        self._process.kill()
        self._process.wait(timeout=SECONDS)
        os.close(self._ours)


@pytest.fixture(params=sorted(SHELLS))
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shell]:
    shell = Shell(request.param, tmp_path)
    yield shell
    shell.close()


def test_tab_completes_the_name_of_a_rule(shell: Shell) -> None:
    shell.type("trainlint explain learning-rate-too-h\t")
    shell.wait("learning-rate-too-high")


def test_tab_completes_a_command(shell: Shell) -> None:
    shell.type("trainlint expl\t")
    shell.wait("explain")


def test_tab_completes_a_rule_behind_an_option_and_a_comma(shell: Shell) -> None:
    shell.type("trainlint check --select SPEC,learning-rate-too-h\t")
    shell.wait("SPEC,learning-rate-too-high")


def test_tab_twice_lists_the_rules_of_a_family(shell: Shell) -> None:
    shell.type("trainlint explain LR00\t\t")
    screen = shell.wait("LR002")
    assert "LR001" in screen


@pytest.mark.parametrize("name", sorted(SHELLS))
def test_the_command_prints_the_very_file(name: str) -> None:
    command = [sys.executable, "-m", "trainyard.linter.cli.main", "completion", name]
    # The program calls itself after its file, which is trainlint where it is installed.
    printed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert printed == (SCRIPTS / FILES[name]).read_text(encoding="utf-8")
