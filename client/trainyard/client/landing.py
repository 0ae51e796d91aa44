"""Where a file comes down: a part beside its place until its digest is right, never outside of the folder. No network in here.

What a server calls a file is somebody else's text. A name that leads out of the folder, by dots, by an absolute path, by
a drive letter or by a link that lies in the way, is refused before a byte is written.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO

from trainyard.client.errors import BadSettings, Damaged
from trainyard.client.values.job import Artifact

_PIECE_BYTES = 1 << 20


def place(folder: Path, name: str) -> Path:
    """Return where a file of this name belongs below ``folder``; raises Damaged when that is not below it."""
    parts = PurePosixPath(name).parts
    windows = PureWindowsPath(name)
    odd = not parts or name.startswith("/") or ".." in parts or "\\" in name or bool(windows.drive) or any(ord(sign) < 32 for sign in name)
    target = folder.joinpath(*parts)
    if odd or not target.resolve().is_relative_to(folder.resolve()) or target.is_symlink():
        raise Damaged(f"the server calls a file {name!r}, which leads out of {folder}; nothing was written")
    return target


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Landing:
    """One file that is coming down: a context manager that keeps what has arrived, for the next time, unless it is whole."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self._part = target.with_name(f".{target.name}.part")
        self._file: BinaryIO | None = None
        self._digest = hashlib.sha256()
        self.arrived = 0
        self._expected: Artifact | None = None

    def open(self) -> None:
        """Take up what an earlier transfer left; raises BadSettings when the folder can't be written to."""
        try:
            self.target.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
            self._file = os.fdopen(os.open(self._part, flags, 0o666), "r+b")
            while chunk := self._file.read(_PIECE_BYTES):
                self._take(chunk)
        except OSError as error:
            raise BadSettings(f"can't write {self.target}: {(error.strerror or str(error)).lower()}") from None

    def expect(self, artifact: Artifact) -> None:
        """Hear what the whole is. What was kept of another file is forgotten: the caller asks from ``arrived`` again."""
        changed = self._expected is not None and self._expected.sha256 != artifact.sha256
        if changed or self.arrived > artifact.size_bytes:
            self.restart()
        self._expected = artifact

    def restart(self) -> None:
        """Forget what has arrived."""
        file = self._opened()
        file.seek(0)
        file.truncate()
        self._digest, self.arrived = hashlib.sha256(), 0

    def write(self, chunk: bytes) -> None:
        """Keep the next bytes; raises BadSettings when the disk does not take them."""
        try:
            self._opened().write(chunk)
        except OSError as error:
            raise BadSettings(f"can't write {self.target}: {(error.strerror or str(error)).lower()}") from None
        self._take(chunk)

    @property
    def whole(self) -> bool:
        """True when every byte is there."""
        return self._expected is not None and self.arrived >= self._expected.size_bytes

    @property
    def right(self) -> bool:
        """True when what is there has the digest of the whole."""
        return self._expected is not None and self._digest.hexdigest() == self._expected.sha256

    def settle(self) -> Path:
        """Put the file into its place; raises Damaged, and forgets it, when its digest is not the one that was told."""
        if not self.right:
            self.restart()
            raise Damaged(f"{self.target.name} arrived damaged: its SHA-256 is not the one that the server told; fetch it again")
        file, self._file = self._opened(), None
        file.flush()
        os.fsync(file.fileno())
        file.close()
        self._part.replace(self.target)
        return self.target

    def close(self) -> None:
        """Let go; what has arrived stays for the next time, nothing stays where nothing came."""
        if self._file is not None:
            self._file.close()
            self._file = None
            if not self.arrived:
                self._part.unlink(missing_ok=True)

    def _take(self, chunk: bytes) -> None:
        self._digest.update(chunk)
        self.arrived += len(chunk)

    def _opened(self) -> BinaryIO:
        assert self._file is not None  # noqa: S101 - open comes first
        return self._file


class Transfer:
    """What to do with each piece of a stream, blocking or not: shared by both clients."""

    def __init__(self, landing: Landing) -> None:
        self._landing = landing
        self._again = False

    @property
    def offset(self) -> int:
        """Where the next stream begins."""
        return self._landing.arrived

    def take(self, chunk: bytes, artifact: Artifact | None) -> bool:
        """Keep a piece; False when the stream began at the wrong place and another one is needed."""
        if artifact is not None:
            before = self._landing.arrived
            self._landing.expect(artifact)
            if self._landing.arrived != before:
                return False
        if chunk:
            self._landing.write(chunk)
        return True

    def refused(self) -> bool:
        """Return whether it helps to begin anew after the server did not take the offset: what was kept is of another file."""
        if not self._landing.arrived or self._again:
            return False
        self._again = True
        self._landing.restart()
        return True

    def done(self) -> bool:
        """Return whether the file is there; a kept beginning that turns out to be of another file is fetched again, once."""
        if not self._landing.whole:
            return False
        if not self._landing.right and not self._again:
            self._again = True
            self._landing.restart()
            return False
        return True
