"""Where a dataset lies: always under the data root, whatever its path or its links say."""

from __future__ import annotations

from pathlib import Path

from trainyard.service.trainer.failures import DataError


def find(root: Path, relative: str) -> Path:
    """Return the real path of ``relative`` under ``root``; raises DataError when it leaves the root or is not there."""
    inside = root.resolve()
    try:
        path = (inside / relative).resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise DataError(f'dataset.path "{relative}" can not be read as a path.') from error
    if not path.is_relative_to(inside):
        raise DataError(f'dataset.path "{relative}" leaves the data root.')
    if not path.exists():
        raise DataError(f'There is no dataset "{relative}" under the data root.')
    return path


def is_inside(root: Path, path: Path) -> bool:
    """Tell whether ``path``, links followed, stays under ``root``."""
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        return False
