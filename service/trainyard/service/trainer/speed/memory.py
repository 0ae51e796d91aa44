"""What trials found, kept for later runs: one small JSON file, replaced whole, worth nothing to anybody but its maker.

A file that is missing, torn or from another version is an empty memory; one that can not be written is forgotten.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from trainyard.service.trainer.speed import settings
from trainyard.service.trainer.speed.settings import Settings

_NAME = "speed.v1.json"
_MOST = 500


class Memory:
    """Keeps settings by key in ``folder``; remembers nothing without one."""

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / _NAME

    def recall(self, key: str) -> Settings | None:
        """Return what was kept under ``key``."""
        try:
            return settings.from_json(self._read()[key])
        except (KeyError, TypeError):
            return None

    def keep(self, key: str, found: Settings) -> None:
        """Keep a result; the oldest go when there are too many."""
        if self._path is None:
            return
        records = {**self._read(), key: found.as_json()}
        newest = dict(list(records.items())[-_MOST:])
        temporary = self._path.with_name(f".{_NAME}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(newest), encoding="utf-8")
            temporary.replace(self._path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()

    def _read(self) -> dict[str, Any]:
        try:
            read = json.loads(self._path.read_bytes()) if self._path is not None else {}
        except (OSError, ValueError):
            return {}
        return read if isinstance(read, dict) else {}
