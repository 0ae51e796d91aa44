"""``check --watch``: judge again when a file, its configuration or the set of files changes."""

# ruff: noqa: PTH116, PTH118 - pathlib is left out of the cold start

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn

import click

from trainyard.linter.cli import targets
from trainyard.linter.cli.exits import Refusal
from trainyard.linter.cli.settings import discovery

_PAUSE_SECONDS = 0.3
_RULE = "-" * 72
_CLEAR = "\x1b[2J\x1b[3J\x1b[H"

Seen = tuple[tuple[str, int, int], ...]


def watch(arguments: Sequence[str], judge: Callable[[], object], *, pause: Callable[[float], None] = time.sleep) -> NoReturn:
    """Judge, then again after every change, until interrupted.

    Args:
        arguments: files, folders and patterns as they were given.
        judge: judges them and shows the reports.
        pause: waits some seconds; a test has no time.
    """
    seen: Seen | None = None
    while True:
        now = look(arguments)
        if now != seen:
            first, seen = seen is None, now
            discovery.forget()
            _show(judge, len(now), first=first)
        pause(_PAUSE_SECONDS)


def _show(judge: Callable[[], object], files: int, *, first: bool) -> None:
    # A terminal is cleared; in a pipe the clock would differ from run to run, a line does.
    sys.stdout.write(_CLEAR if sys.stdout.isatty() else "" if first else f"{_RULE}\n")
    try:
        judge()
    except click.ClickException as error:
        error.show()
    sys.stdout.flush()
    sys.stderr.write(f"Watching {files} {'file' if files == 1 else 'files'}; Ctrl-C ends.\n")
    sys.stderr.flush()


def look(arguments: Sequence[str]) -> Seen:
    """Return every file that matters with its time and size; files that are not there yet are left out."""
    try:
        files = targets.expand(arguments)
    except Refusal:
        files = [argument for argument in arguments if os.path.isfile(argument)]  # noqa: PTH113 - as above
    governing = {
        path for configuration in map(discovery.nearest_quietly, files) if configuration is not None for path in _says(configuration)
    }
    return tuple(_state(path) for path in (*files, *sorted(governing)))


def _says(configuration: discovery.ConfigurationFile) -> Iterator[str]:
    """Yield the files whose change changes what a configuration says: itself, and the plugins that lie beside it."""
    yield configuration.path
    plugins = configuration.table.get("plugins")
    for name in plugins if isinstance(plugins, list) else ():
        if isinstance(name, str) and name.endswith(".py"):
            yield os.path.join(configuration.folder, name)


def _state(path: str) -> tuple[str, int, int]:
    try:
        found = os.stat(path)
    except OSError:
        return path, 0, 0
    return path, found.st_mtime_ns, found.st_size
