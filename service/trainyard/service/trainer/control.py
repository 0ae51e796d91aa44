"""The server's word to the trainer, read from the control file.

Missing, empty and unknown all mean "go on": a trainer must survive a file that is being replaced.
"""

from __future__ import annotations

from pathlib import Path

from trainyard.service import wire

_WORDS = frozenset({wire.STOP, wire.PAUSE, wire.CANCEL})
_LONGEST_BYTES = 64


def read_word(path: Path) -> str | None:
    """Return ``stop``, ``pause`` or ``cancel`` when the control file says so, else None."""
    try:
        with path.open("rb") as file:
            raw = file.read(_LONGEST_BYTES)
    except OSError:
        return None
    word = raw.decode("utf-8", "replace").strip()
    return word if word in _WORDS else None
