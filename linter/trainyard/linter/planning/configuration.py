"""The complete configuration, leaf by leaf, with what the author wrote told from what is a default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Leaf(NamedTuple):
    """One value: its path below the section (``blocks[0].filters``), and whether the author wrote it."""

    path: str
    value: object
    written: bool


_NOBODY = object()
# Members with a key for each class: one value, however many classes there are.
_TABLES = frozenset({"class_counts", "class_shares", "weights"})


def leaves(section: str, configuration: Mapping[str, object], written: Mapping[str, object]) -> list[Leaf]:
    """Return the leaves of a section in the order of the language."""
    found: list[Leaf] = []
    _gather(configuration[section], written.get(section, _NOBODY), "", found)
    return found


def _gather(value: object, written: object, path: str, found: list[Leaf]) -> None:
    if isinstance(value, Mapping) and value and path.rpartition(".")[2] not in _TABLES:
        for key, below in value.items():
            # A shorthand, such as 0.2 for {"fraction": 0.2}, says all that it stands for.
            source = written.get(key, _NOBODY) if isinstance(written, Mapping) else written
            _gather(below, source, f"{path}.{key}" if path else str(key), found)
    elif isinstance(value, list) and any(isinstance(element, Mapping | list) for element in value):
        sources = written if isinstance(written, list) else [written] * len(value)
        for index, below in enumerate(value):
            _gather(below, sources[index] if index < len(sources) else _NOBODY, f"{path}[{index}]", found)
    else:
        found.append(Leaf(path, value, written is not _NOBODY))
