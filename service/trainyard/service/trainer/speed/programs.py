"""Keeps what JAX compiled for the next process: a run of the same model begins in half the time, and a resumed one, too.

JAX names a program by what was compiled, with which options and by which version; the processor that it was compiled for is named
here, because a folder may be shared. A program that can not be read is compiled anew. TensorFlow has nothing of the kind for a
processor. Knows no model; call it before the framework is imported.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
from pathlib import Path

_FOLDER = "programs"
# A program has some tens of kilobytes: thousands of models.
_MOST_BYTES = 512 * 1024 * 1024
# Everything that was compiled, however soon: a model is a hundred small programs.
_SETTINGS = {
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}


def keep(cache: Path) -> None:
    """Keep compiled programs below ``cache``; an operator who has named a place to JAX is obeyed. Never raises for what lies there."""
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    folder = cache.absolute() / _FOLDER / _processor()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _forget(folder)
    except OSError:
        return
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder)
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)


def _processor() -> str:
    """Name the processor by what programs for it may use."""
    told = platform.machine() + platform.processor()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        told += "".join(sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))}))
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def _forget(folder: Path) -> None:
    """Remove the oldest programs beyond those that are kept."""
    found = [(entry.stat(), entry.path) for entry in os.scandir(folder) if entry.is_file(follow_symlinks=False)]
    room = _MOST_BYTES
    for state, path in sorted(found, key=lambda each: each[0].st_mtime_ns, reverse=True):
        room -= state.st_size
        if room < 0:
            Path(path).unlink(missing_ok=True)
