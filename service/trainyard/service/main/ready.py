"""The ready file: written whole when the server answers, gone when it has ended well."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path


def write(path: Path, *, listen: str, metrics: str, instance: str) -> None:
    """Say where the server answers; raises OSError."""
    content = {"listen": listen, "metrics": metrics, "pid": os.getpid(), "instance": instance}
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(content) + "\n", encoding="utf-8")
    temporary.replace(path)


def remove(path: Path, instance: str) -> None:
    """Take the file away, if it is still this server's."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        if json.loads(path.read_text(encoding="utf-8"))["instance"] == instance:
            path.unlink()
