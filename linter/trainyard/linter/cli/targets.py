"""What the command line names: files, folders, patterns, standard input. Finds them; reads them; judges nothing."""

# ruff: noqa: PTH110, PTH112, PTH114, PTH118, PTH123, PTH207 - pathlib costs a tenth of the cold start of every hook

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator

from trainyard.linter.cli.exits import Refusal

SUFFIX = ".trainspec.json"
STDIN = "-"
_MAGIC = frozenset("*?[")


def expand(arguments: Iterable[str]) -> list[str]:
    """Return the files that the arguments name, each once, sorted.

    Raises:
        Refusal: for a path that is not there, and for a folder or pattern without specs.
    """
    return sorted({path for argument in arguments for path in _expand_one(argument)})


def _expand_one(argument: str) -> list[str]:
    if argument == STDIN:
        return [argument]
    if os.path.isdir(argument):
        found = list(_walk(argument))
        if not found:
            raise Refusal(f"no *{SUFFIX} below {argument}: nothing was checked")
        return found
    if os.path.lexists(argument):
        if not os.path.exists(argument):
            raise Refusal(f"{argument} is a link to a file that does not exist")
        return [argument]
    if _MAGIC.isdisjoint(argument):
        raise Refusal(f"no such file: {argument}")
    return _match(argument)


def _match(pattern: str) -> list[str]:
    import glob

    found: list[str] = []
    for path in glob.glob(pattern, recursive=True):
        found.extend(_walk(path) if os.path.isdir(path) else [path])
    if not found:
        raise Refusal(f"nothing matches {pattern}: nothing was checked")
    return found


def _walk(root: str) -> Iterator[str]:
    """Yield the specs below a folder; hidden folders are skipped, links are followed to files below the root only."""
    inside = os.path.realpath(root) + os.sep
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = os.path.join(folder, name)
            if name.endswith(SUFFIX) and (not os.path.islink(path) or os.path.realpath(path).startswith(inside)):
                yield os.path.normpath(path) if root == "." else path


def read(path: str, max_bytes: int) -> bytes:
    """Return the bytes of a file or of standard input, at most one more than ``max_bytes``.

    Raises:
        Refusal: when it cannot be read.
    """
    try:
        if path == STDIN:
            return sys.stdin.buffer.read(max_bytes + 1)
        with open(path, "rb") as stream:
            return stream.read(max_bytes + 1)
    except OSError as error:
        raise Refusal(f"cannot read {path}: {error.strerror}") from None
