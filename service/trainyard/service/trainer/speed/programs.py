"""Keeps what JAX compiled for the next process: a run of the same model begins in half the time, and a resumed one, too.

JAX names a program by what was compiled, with which options and by which version; the processor that it was compiled for is named
here, because a folder may be shared. A program that can not be read is compiled anew. TensorFlow has nothing of the kind for a
processor. Knows no model; call it before anything is compiled.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import sys
from pathlib import Path
from typing import Any

_FOLDER = "programs"
# A program has some tens of kilobytes: thousands of models.
_MOST_BYTES = 512 * 1024 * 1024
_PLACE = "JAX_COMPILATION_CACHE_DIR"
# Everything that was compiled, however soon: a model is a hundred small programs.
_SETTINGS = {
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}


def keep(cache: Path) -> None:
    """Keep compiled programs below ``cache``; an operator who has named a place to JAX is obeyed. Never raises for what lies there."""
    if _PLACE in os.environ:
        return
    folder = cache.absolute() / _FOLDER / _processor()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _forget(folder)
    except OSError:
        return
    for name, value in {_PLACE: str(folder), **_SETTINGS}.items():
        os.environ.setdefault(name, value)
    if "jax" in sys.modules:
        _tell_jax(folder)


def _tell_jax(folder: Path) -> None:
    """Tell a framework that has read its surroundings already."""
    import jax  # type: ignore[import-not-found,unused-ignore] # an option, not always installed

    settings: Any = jax.config  # JAX leaves its settings untyped
    settings.update("jax_compilation_cache_dir", str(folder))
    settings.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    settings.update("jax_persistent_cache_min_entry_size_bytes", -1)


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
