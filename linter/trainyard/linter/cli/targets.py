"""What the command line names: files, folders, patterns, standard input. Finds them; reads them; judges nothing."""

# ruff: noqa: PTH110, PTH112, PTH113, PTH114, PTH116, PTH118, PTH123, PTH207 - pathlib costs a tenth of the cold start of every hook

from __future__ import annotations

import errno
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
            raise Refusal(_dead(argument))
        return [argument]
    if _MAGIC.isdisjoint(argument):
        raise Refusal(f"no such file: {argument}")
    return _match(argument)


def _match(pattern: str) -> list[str]:
    import glob

    found: list[str] = []
    for path in glob.glob(pattern, recursive=True):
        if os.path.isdir(path):
            found.extend(_walk(path))
        elif os.path.isfile(path) or not os.path.exists(path):
            found.append(path)
    if not found:
        raise Refusal(f"nothing matches {pattern}: nothing was checked")
    return found


def _walk(root: str) -> Iterator[str]:
    """Yield the specs below a folder; hidden folders are skipped, links are followed to files below the root only.

    What has a spec's name and is no file is none: a pipe is never read to its end. An editor with a spec open may lay a link beside it
    that leads nowhere (Emacs: `.#NAME`).
    """
    inside = os.path.realpath(root) + os.sep
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = os.path.join(folder, name)
            if name.endswith(SUFFIX) and _is_spec(path, name, inside):
                yield os.path.normpath(path) if root == "." else path


def _is_spec(path: str, name: str, inside: str) -> bool:
    if os.path.islink(path) and not os.path.realpath(path).startswith(inside):
        return False
    return os.path.isfile(path) or not (os.path.exists(path) or name.startswith("."))


def _dead(path: str) -> str:
    """Return what is the matter with a link that leads to no file."""
    try:
        os.stat(path)
    except OSError as error:
        if error.errno == errno.ELOOP:
            return f"{path} is a link that leads back to itself"
    return f"{path} is a link to a file that does not exist"


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
        if os.path.islink(path) and not os.path.exists(path):
            raise Refusal(_dead(path)) from None
        raise Refusal(f"cannot read {path}: {error.strerror}") from None
