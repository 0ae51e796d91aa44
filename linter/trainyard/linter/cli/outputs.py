"""Turns ``--format FORMAT[:FILE]`` into reporters, each with the stream it writes to.

Machine formats own standard output; whatever else is to be shown then goes to standard error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, Protocol, TextIO

from trainyard.linter.cli.exits import Refusal
from trainyard.linter.engine.configuration import Configuration

if TYPE_CHECKING:
    from trainyard.linter.engine.report import Report
    from trainyard.linter.report.terminal import Palette

PEOPLE = ("full", "concise")
MACHINE = ("json", "json-lines", "github", "gitlab", "sarif", "junit")
FORMATS = (*PEOPLE, *MACHINE)
_REPORTERS = {
    "json": ("machine", "JsonReporter"),
    "json-lines": ("json_lines", "JsonLinesReporter"),
    "github": ("github", "GithubReporter"),
    "gitlab": ("gitlab", "GitlabReporter"),
    "sarif": ("sarif", "SarifReporter"),
    "junit": ("junit", "JunitReporter"),
}
# Where each host says that the checkout lies; elsewhere it is the working directory.
_ROOTS = {"github": "GITHUB_WORKSPACE", "sarif": "GITHUB_WORKSPACE", "gitlab": "CI_PROJECT_DIR"}


class Reporter(Protocol):
    """Shows reports one by one."""

    def file(self, path: str, report: Report) -> None:
        """Show the report of one file."""

    def close(self) -> None:
        """Show what comes after the last file."""


class Output(NamedTuple):
    """One requested output: its format and the file it goes to (None: standard output)."""

    format: str
    file: str | None


def parse(text: str) -> Output:
    """Read ``FORMAT[:FILE]``.

    Raises:
        Refusal: when the format is not known.
    """
    name, _, file = text.partition(":")
    if name not in FORMATS:
        raise Refusal(f"unknown format {name!r}; known are {', '.join(FORMATS)}")
    if not file and text != name:
        raise Refusal(f"--format {text} names no file: write {name}:FILE, or {name} alone for standard output")
    return Output(name, file or None)


@contextmanager
def reporters(
    requested: Sequence[Output], configuration: Configuration, color: str, *, stdout_taken: bool = False, statistics: bool = False
) -> Iterator[list[Reporter]]:
    """Open the outputs; close them when the run is over, even when it is cut short.

    Args:
        requested: the outputs; the full one when empty.
        configuration: what the outputs say about the run as a whole.
        color: auto, always or never.
        stdout_taken: whether something else owns standard output (a diff, a mended text).
        statistics: whether a table of findings per rule follows.

    Raises:
        Refusal: when two outputs want standard output, or a file cannot be written.
    """
    outputs = requested or (Output(_default(), None),)
    files = [os.path.abspath(output.file) for output in outputs if output.file is not None]  # noqa: PTH100 - as below
    if len(set(files)) != len(files):
        raise Refusal("two formats would be written to one file: give each its own")
    on_stdout = [output.format for output in outputs if output.file is None]
    machines = [name for name in on_stdout if name in MACHINE]
    if stdout_taken and machines:
        raise Refusal(f"standard output carries the mended text or the diff: write --format {machines[0]}:FILE")
    if len(machines) > 1 or len(set(on_stdout)) != len(on_stdout):
        raise Refusal(f"only one format can go to standard output ({', '.join(on_stdout)}): write --format {on_stdout[-1]}:FILE")
    opened: list[TextIO] = []
    try:
        made: list[Reporter] = []
        for output in outputs:
            stream = _stream(output, stdout_taken=stdout_taken or bool(machines))
            if output.file is not None:
                opened.append(stream)
            made.append(_reporter(output, stream, configuration, color))
        if statistics:
            from trainyard.linter.report.statistics import StatisticsReporter

            made.append(StatisticsReporter(sys.stderr if stdout_taken or machines else sys.stdout))
        yield made
    finally:
        for stream in opened:
            stream.close()


def _default() -> str:
    """Return the format when none is asked for: annotations where GitHub Actions runs us, else the one for people."""
    return "github" if os.environ.get("GITHUB_ACTIONS") == "true" else "full"


def _stream(output: Output, *, stdout_taken: bool) -> TextIO:
    if output.file is None:
        return sys.stderr if stdout_taken and output.format in PEOPLE else sys.stdout
    try:
        return open(output.file, "w", encoding="utf-8", errors="backslashreplace", newline="\n")  # noqa: PTH123 - pathlib is left out of the cold start
    except OSError as error:
        raise Refusal(f"cannot write {output.file}: {error.strerror}") from None


def _reporter(output: Output, stream: TextIO, configuration: Configuration, color: str) -> Reporter:
    if output.format in MACHINE:
        return _machine(output.format, stream, configuration)
    colours = palette(stream, color if output.file is None else "never")
    if output.format == "concise":
        from trainyard.linter.report.concise import ConciseReporter

        return ConciseReporter(stream, colours)
    from trainyard.linter.report.full import FullReporter

    return FullReporter(stream, colours)


def _machine(name: str, stream: TextIO, configuration: Configuration) -> Reporter:
    """Make the reporter of a machine format; each lives in a module that only it loads."""
    from importlib import import_module

    module, kind = _REPORTERS[name]
    reporter = getattr(import_module(f"trainyard.linter.report.{module}"), kind)
    if name == "json":
        made: Reporter = reporter(stream, configuration.ruleset_label, configuration.fail_on)
    elif name in _ROOTS:
        made = reporter(stream, os.environ.get(_ROOTS[name]) or os.getcwd())  # noqa: PTH109 - pathlib is left out of the cold start
    else:
        made = reporter(stream)
    return made


def palette(stream: TextIO, color: str) -> Palette:
    """Return the colours for a stream."""
    from trainyard.linter.report.terminal import COLOURED, PLAIN

    return COLOURED if wants_color(stream, color) else PLAIN


def wants_color(stream: TextIO, color: str) -> bool:
    """Decide on colour: the flag, then NO_COLOR, then FORCE_COLOR, then whether a terminal is there."""
    if color != "auto":
        return color == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in {"", "0"}:
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"
