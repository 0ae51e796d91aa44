"""Dataset paths cannot leave the data root: not by ``..``, not by being absolute, not through a link."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

from trainyard.linter.facts.model import FactsError, Problem, Trouble


def locate(root: Path, path: str) -> Path:
    """Return where ``path`` (relative, with forward slashes) lies below ``root``, links resolved.

    Raises ``FactsError`` if it lies outside of it, or if there is nothing.
    """
    if not is_contained(path):
        raise FactsError(
            Problem(Trouble.OUTSIDE, path, f"'{path}' is no path below the data root: write it relative to the root, without '..'.")
        )
    try:
        place = (root / path).resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise FactsError(Problem(Trouble.ABSENT, path, f"There is no '{path}' below the data root{_meant(root, path)}.")) from error
    if not place.is_relative_to(root.resolve()):
        raise FactsError(Problem(Trouble.OUTSIDE, path, f"'{path}' is a link that leads out of the data root; it is not followed."))
    return place


def _meant(root: Path, path: str) -> str:
    """Return what to write where the root's own name was written too, as one does who looks at it from outside."""
    first, _, rest = path.partition("/")
    try:
        place = root.resolve()
        there = bool(rest) and first in {root.name, place.name} and (place / rest).resolve(strict=True).is_relative_to(place)
    except (OSError, RuntimeError, ValueError):
        return ""
    return f", which is '{first}' itself: write '{rest}'" if there else ""


def is_contained(path: str) -> bool:
    """Tell whether a written path can only mean something below a root, on any operating system."""
    posix, windows = PurePosixPath(path), PureWindowsPath(path)
    return bool(path) and not (
        "\0" in path or posix.is_absolute() or windows.drive or windows.root or ".." in posix.parts or ".." in windows.parts
    )
