"""What lies under the data root, by looking: what can be named in a spec. Bounded in time and number, and cached.

Guesses from names only: a table is a file with the ending of one, an image dataset a folder whose folders hold images. What is
in it, the linter's facts tell when a spec names it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

SCAN_SECONDS = 1.0
FRESH_SECONDS = 30.0
MOST = 10_000
_DEPTH = 6
# A folder of classes is known by its first few files.
_LOOKED_AT = 20
_TABLES = {".csv": "csv", ".parquet": "parquet", ".npz": "npz"}
_IMAGES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif"})


@dataclass(frozen=True, slots=True)
class Found:
    """A dataset that could be named; size in bytes for files, classes for image folders; 0 where not known."""

    path: str
    kind: str
    size_bytes: int = 0
    classes: int = 0


class DataRoot:
    """Lists a data root; what was listed a moment ago is not listed again."""

    def __init__(self, root: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._root = root
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._listed: tuple[float, list[Found]] | None = None

    def datasets(self) -> list[Found]:
        """Return what lies there, by path; what was not reached in time is left out."""
        with self._lock:
            now = self._monotonic()
            if self._listed is None or now - self._listed[0] > FRESH_SECONDS:
                found = islice(self._below(self._root, "", now + SCAN_SECONDS, _DEPTH), MOST)
                self._listed = now, sorted(found, key=lambda one: one.path)
            return self._listed[1]

    def _below(self, folder: Path, path: str, deadline: float, depth: int) -> Iterator[Found]:
        folders: list[str] = []
        for entry in _entries(folder):
            if self._monotonic() > deadline:
                return
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            elif kind := _TABLES.get(Path(entry.name).suffix.lower()):
                yield from _table(f"{path}{entry.name}", kind, entry)
        classes = sum(_holds_images(folder / name) for name in folders)
        if path and classes and classes == len(folders):
            yield Found(path.rstrip("/"), "image_directory", classes=classes)
        elif depth:
            for name in sorted(folders):
                yield from self._below(folder / name, f"{path}{name}/", deadline, depth - 1)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """Return what can be named: links lead out, names with a dot are hidden, and a spec is UTF-8."""
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if _is_text(entry.name) and not entry.name.startswith(".") and not entry.is_symlink()]
    except OSError:
        return []


def _table(path: str, kind: str, entry: os.DirEntry[str]) -> Iterator[Found]:
    try:
        size_bytes = entry.stat(follow_symlinks=False).st_size
    except OSError:  # it went a moment ago
        return
    yield Found(path, kind, size_bytes=size_bytes)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes of another encoding, as the file system keeps them
        return False
    return True


def _holds_images(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(Path(entry.name).suffix.lower() in _IMAGES for entry in islice(entries, _LOOKED_AT))
    except OSError:
        return False
