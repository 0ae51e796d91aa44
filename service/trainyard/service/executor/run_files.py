"""Reading what a run left behind, and nothing else on this machine: every step down is taken without following a link."""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePosixPath

from trainyard.service.core.errors import UnknownArtifactError

PIECE_BYTES = 256 * 1024
_DOWN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe in the file's place must not make the server wait.
_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


class RunFile:
    """A file that is open for reading; it stays what it was when it was opened, whatever becomes of its name."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @property
    def size_bytes(self) -> int:
        """How long it is now."""
        return os.fstat(self._descriptor).st_size

    def piece(self, offset: int, most_bytes: int = PIECE_BYTES) -> bytes:
        """Return what stands at ``offset``; empty at the end."""
        return os.pread(self._descriptor, most_bytes, offset)

    def close(self) -> None:
        """Let go of it."""
        os.close(self._descriptor)


def open_below(folder: Path, name: str) -> RunFile:
    """Open the regular file ``name`` below ``folder``.

    Raises UnknownArtifactError for what is no name below it, is not there, is a link, or is no file.
    """
    parts = PurePosixPath(name).parts
    if not parts or PurePosixPath(name).is_absolute() or ".." in parts or "\0" in name:
        raise UnknownArtifactError(name=name, job=folder.parent.name)
    try:
        return RunFile(_regular(_descend(folder, parts)))
    except OSError as error:
        raise UnknownArtifactError(name=name, job=folder.parent.name) from error


def _descend(folder: Path, parts: tuple[str, ...]) -> int:
    here = os.open(folder, _DOWN)
    for number, part in enumerate(parts, start=1):
        try:
            below = os.open(part, _FILE if number == len(parts) else _DOWN, dir_fd=here)
        finally:
            os.close(here)
        here = below
    return here


def _regular(descriptor: int) -> int:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise IsADirectoryError
    return descriptor
