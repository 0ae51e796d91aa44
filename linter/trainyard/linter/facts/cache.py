"""Facts that were read once are not read again, as long as path, time of change and size of every file are the same.

One small JSON file per dataset below the user's cache folder. Nothing here can stand in the way: a folder that cannot be
written, a file that cannot be read, is half there or means something else counts as no cache at all. It is written whole
under another name and then renamed, so that two runs at once, or one that is killed, leave a whole file or none.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainyard.linter.facts.model import Column, Facts, Images, Problem, Targets, Trouble, Unusable

if TYPE_CHECKING:
    from trainyard.linter.facts.budget import Budget
    from trainyard.linter.spec.model.dataset import Dataset

# Changes with whatever changes what facts mean or hold; an older file is then no cache.
_FORMAT = 3
_KEPT = 200
# Asking for the state of more files costs more than listing them and opening a sample (100,000: 3 s against 1 s); to open
# every one of them costs more than anything.
_MOST_FILES = 5000
_LONGEST_BYTES = 4 * 1024 * 1024
# A file that has just been written may be written again within the same tick of its clock.
_SETTLED_SECONDS = 2.0


def folder(environment: Mapping[str, str], platform: str) -> Path | None:
    """Return where this user's caches belong (``platform`` as ``sys.platform``); ``None`` where nobody says."""
    told = environment.get("TRAINYARD_CACHE")
    if told is not None:
        return Path(told) / "facts" if told else None
    if platform == "win32":
        base = environment.get("LOCALAPPDATA")
        return Path(base, "trainyard", "Cache", "facts") if base else None
    home = environment.get("HOME")
    if platform == "darwin":
        return Path(home, "Library", "Caches", "trainyard", "facts") if home else None
    base = environment.get("XDG_CACHE_HOME") or (f"{home}/.cache" if home else None)
    return Path(base, "trainyard", "facts") if base and base.startswith("/") else None


class Cache:
    """Facts by what they were read from.

    Args:
        place: the folder; made when something is kept.
        now: seconds since the epoch, to tell files that have settled.
    """

    def __init__(self, place: Path, now: Callable[[], float] = time.time) -> None:
        self._place = place
        self._now = now

    def key(self, dataset: Dataset, place: Path, budget: Budget, *, deep: bool) -> str | None:
        """Return what stands for the dataset as it is now; ``None`` where that is not certain, or takes too long."""
        read = dataset._replace(split=None, facts=None)  # type: ignore[arg-type] # of the split, only the groups lie in the data
        whole = hashlib.sha256(repr((_FORMAT, deep, os.fspath(place), read, dataset.split.group)).encode(errors="replace"))
        newest = 0
        try:
            for count, (name, state) in enumerate(_states(os.fspath(place))):
                if count >= _MOST_FILES and not deep:
                    return None
                newest = max(newest, state.st_mtime_ns)
                whole.update(f"{name}\0{state.st_mtime_ns}\0{state.st_size}\n".encode(errors="surrogateescape"))
                if budget.tick():
                    return None
        except OSError:
            return None
        return whole.hexdigest() if newest / 1e9 < self._now() - _SETTLED_SECONDS else None

    def get(self, key: str) -> Facts | None:
        """Return the facts that were kept under this key."""
        try:
            with (self._place / f"{key}.json").open("rb") as file:
                found = json.loads(file.read(_LONGEST_BYTES))
            return _facts(found["facts"]) if found["key"] == key and found["format"] == _FORMAT else None
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def put(self, key: str, facts: Facts) -> None:
        """Keep facts, if they are whole: what time or a missing library left out would be left out for ever."""
        if not facts.complete or any(problem.trouble in {Trouble.LIBRARY, Trouble.OUT_OF_TIME} for problem in facts.problems):
            return
        text = json.dumps({"format": _FORMAT, "key": key, "facts": _plain(facts)}, ensure_ascii=True)
        temporary = self._place / f".{key}.{os.getpid()}.part"
        try:
            self._place.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._forget()
            temporary.write_text(text, encoding="ascii")
            temporary.replace(self._place / f"{key}.json")
        except (OSError, ValueError):
            try:
                temporary.unlink(missing_ok=True)
            except OSError:
                return

    def _forget(self) -> None:
        """Remove the oldest files beyond those that are kept."""
        files = sorted(
            (entry.stat().st_mtime_ns, entry.path) for entry in os.scandir(self._place) if entry.name.endswith((".json", ".part"))
        )
        for _, path in files[: max(0, len(files) - _KEPT + 1)]:
            Path(path).unlink(missing_ok=True)


def _states(place: str, below: str = "") -> Iterator[tuple[str, os.stat_result]]:
    """Yield every file below a folder, or the file itself, in order of their names.

    Raises ``OSError`` for a link to a folder: what lies behind it may change unseen.
    """
    if not os.path.isdir(place):  # noqa: PTH112 -- a hundred thousand Path objects cost a second
        yield "", os.stat(place)  # noqa: PTH116 - as above
        return
    with os.scandir(f"{place}/{below}") as entries:
        ordered = sorted(entries, key=lambda entry: entry.name)
    for entry in ordered:
        if entry.is_dir(follow_symlinks=False):
            yield from _states(place, f"{below}{entry.name}/")
        elif entry.is_symlink() and entry.is_dir():
            raise OSError(entry.name)
        else:
            yield f"{below}{entry.name}", entry.stat()


# What facts hold one of, or none.
_SINGLE: dict[str, Any] = {"images": Images, "unusable": Unusable, "targets": Targets}


def _plain(facts: Facts) -> dict[str, Any]:
    return {
        **facts._asdict(),
        "columns": [column._asdict() for column in facts.columns],
        **{name: None if (value := getattr(facts, name)) is None else value._asdict() for name in _SINGLE},
        "problems": [problem._asdict() for problem in facts.problems],
        "starts": (),
        "parts": {},
    }


def _facts(found: dict[str, Any]) -> Facts:
    """Return facts as they were; raises ``TypeError``, ``KeyError`` or ``ValueError`` for anything else."""
    return Facts(
        **{
            **{name: _tuple(value) for name, value in found.items()},
            "columns": tuple(Column(**column) for column in found["columns"]),
            **{name: kind(**{key: _tuple(each) for key, each in found[name].items()}) for name, kind in _SINGLE.items() if found[name]},
            "problems": tuple(Problem(Trouble(one["trouble"]), one["path"], one["message"], one["field"]) for one in found["problems"]),
            "parts": {},
        }
    )


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
