"""One digest of a dataset on disk: SHA-256 over the sorted paths, sizes and content digests of its files.

Two datasets with the same fingerprint hold the same files under the same names; where they lie does not matter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from trainyard.linter.facts.budget import Budget

_BLOCK_BYTES = 1024 * 1024


def fingerprint(place: Path, budget: Budget) -> str | None:
    """Return the fingerprint of a file or folder in lower-case hexadecimal, or None when time ran out.

    Raises:
        OSError: when a file cannot be read.
    """
    whole = hashlib.sha256()
    for name, path in _files(place):
        content = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                content.update(block)
                if budget.tick():
                    return None
        whole.update(f"{name}\0{path.stat().st_size}\0{content.hexdigest()}\n".encode(errors="surrogateescape"))
    return whole.hexdigest()


def _files(place: Path) -> Iterator[tuple[str, Path]]:
    if place.is_file():
        yield place.name, place
        return
    found = ((path.relative_to(place).as_posix(), path) for path in place.rglob("*") if path.is_file())
    yield from sorted(item for item in found if not any(part.startswith(".") for part in item[0].split("/")))
