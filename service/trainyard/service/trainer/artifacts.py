"""What a run leaves behind, written so that a reader finds a whole file or none.

Every file is written under a temporary name, synced, renamed, and then announced with its size and SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trainyard.service import wire
from trainyard.service.trainer.journal import Journal

BEST_MODEL = "best.keras"
HISTORY = "history.json"
LABELS = "labels.json"
EVALUATION = "evaluation.json"
ENVIRONMENT = "environment.json"


class Artifacts:
    """The artifact folder of one run."""

    def __init__(self, folder: Path, journal: Journal) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._journal = journal

    @property
    def best_model(self) -> Path:
        """Where the best model lies."""
        return self._folder / BEST_MODEL

    def put_model(self, save: Callable[[Path], None]) -> None:
        """Let ``save`` write the best model."""
        self.put(BEST_MODEL, "model", save)

    def put(self, name: str, kind: str, write: Callable[[Path], None]) -> None:
        """Let ``write`` fill a temporary file (with the suffix of ``name``), and put it in place of the artifact."""
        replace_whole(self._folder / name, write)
        size_bytes, sha256 = _measure(self._folder / name)
        self._journal.append(wire.ArtifactWritten(name=name, artifact_kind=kind, size_bytes=size_bytes, sha256=sha256))

    def put_json(self, name: str, kind: str, value: Any) -> None:
        """Write a JSON value; NaN and the infinities, which JSON lacks, become null."""
        text = json.dumps(finite(value), indent=1, allow_nan=False, ensure_ascii=False) + "\n"
        self.put(name, kind, lambda path: _write_text(path, text))


def replace_whole(target: Path, write: Callable[[Path], None]) -> None:
    """Fill a temporary file beside ``target``, sync it and rename it; nothing is left of a write that fails."""
    temporary = target.with_name(f".{target.stem}.part{target.suffix}")
    try:
        write(temporary)
        _sync(temporary)
        temporary.replace(target)
        _sync(target.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def finite(value: Any) -> Any:
    """Return the JSON value with None in place of numbers that JSON has not."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _measure(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return path.stat().st_size, digest
