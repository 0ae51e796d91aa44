"""Runs commands in view of the audience: each command line is printed, then what it says, as it says it."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from trainyard.client.demo.promises import BrokenPromiseError
from trainyard.client.documents import Document

LIMIT_SECONDS = 150.0
WIDTH = 96


class Stage:
    """Prints to ``write`` and runs programs with ``environment``; ``bold`` and ``dim`` paint where colour is wanted."""

    def __init__(self, environment: Mapping[str, str], *, colored: bool, write: Callable[[str], object] = sys.stdout.write) -> None:
        self.environment = dict(environment)
        self._write = write
        self._colored = colored
        self._act = 0

    def act(self, title: str) -> None:
        """Begin the next part."""
        self._act += 1
        self.say(f"\n{self._paint(f'{self._act}. {title}', '1')}")

    def say(self, text: str = "") -> None:
        """Print a line at once."""
        self._write(f"{text}\n")
        sys.stdout.flush()

    def tell(self, text: str) -> None:
        """Print a sentence or two of narration."""
        self.say(textwrap.fill(text, WIDTH))

    def quote(self, lines: list[str]) -> None:
        """Print lines that somebody else wrote."""
        for line in lines:
            self.say(f"  {line}".rstrip())

    def announce(self, *command: str) -> None:
        """Print a command line as one would type it, broken where it is long."""
        # An option and its value stay on one line.
        whole = re.sub(r"(--\S+) ", "\\1\0", _line(command))
        lines = textwrap.wrap(whole, WIDTH, break_long_words=False, break_on_hyphens=False, subsequent_indent="    ")
        typed = " \\\n".join(lines).replace("\0", " ")
        self.say(f"\n{self._paint(f'$ {typed}', '36')}")

    def run(self, *command: str, expect: int) -> subprocess.CompletedProcess[str]:
        """Run a command to its end and show what it says; raises when it ends otherwise than expected."""
        self.announce(*command)
        done = self._capture(command)
        self.quote((done.stdout + done.stderr).rstrip().splitlines())
        self._require(command, done.returncode, expect)
        return done

    def ask(self, *command: str, expect: int) -> Document:
        """Run a command that answers with one JSON object; the command line is shown, the answer is the caller's to tell."""
        self.announce(*command)
        done = self._capture(command)
        self._require(command, done.returncode, expect, done.stderr)
        try:
            answer: Document = json.loads(done.stdout)
        except ValueError:
            raise BrokenPromiseError(f"{_line(command)} did not answer with one JSON object") from None
        return answer

    @contextmanager
    def follow(self, *command: str) -> Iterator[Iterator[str]]:
        """Run a command and yield its lines as they come, each already shown."""
        self.announce(*command)
        process = subprocess.Popen(
            argv(command), env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8"
        )
        try:
            yield self._shown(process)
            self._require(command, process.wait(LIMIT_SECONDS), 0)
        finally:
            process.kill()
            process.communicate()

    def _shown(self, process: subprocess.Popen[str]) -> Iterator[str]:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        end = time.monotonic() + LIMIT_SECONDS
        for line in process.stdout:
            self.quote([line.rstrip()])
            yield line.rstrip()
            if time.monotonic() > end:
                raise BrokenPromiseError(f"the job has not ended within {LIMIT_SECONDS:.0f} s")

    def _capture(self, command: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                argv(command),
                env=self.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                encoding="utf-8",
                timeout=LIMIT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise BrokenPromiseError(f"{_line(command)} did not end within {LIMIT_SECONDS:.0f} s") from None

    def _require(self, command: tuple[str, ...], code: int, expected: int, said: str = "") -> None:
        if code != expected:
            raise BrokenPromiseError(f"{_line(command)} ended with exit code {code} and not {expected}{': ' if said else ''}{said.strip()}")

    def _paint(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self._colored else text


def _line(command: tuple[str, ...]) -> str:
    return " ".join(word if word == "&" else shlex.quote(word) for word in command)


def argv(command: tuple[str, ...]) -> list[str]:
    """Return the program beside this interpreter, so that the demonstration shows this installation and no other."""
    program = shutil.which(command[0], path=str(Path(sys.executable).parent)) or shutil.which(command[0])
    if program is None:
        raise BrokenPromiseError(f"{command[0]} is not installed beside {sys.executable}")
    return [program, *command[1:]]
