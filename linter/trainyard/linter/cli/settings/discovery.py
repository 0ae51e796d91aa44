"""Finds the configuration that governs a file: the nearest one above it, whole; nothing is merged from further up.

``trainlint.toml`` wins over a ``pyproject.toml`` in the same folder; a ``pyproject.toml`` without a
``[tool.trainlint]`` table does not count.
"""

# ruff: noqa: PTH100, PTH118, PTH120, PTH123 - pathlib costs a tenth of the cold start of every hook

from __future__ import annotations

import os
from functools import cache
from typing import Any, NamedTuple

from trainyard.linter.cli.exits import Refusal

OWN_FILE, PROJECT_FILE = "trainlint.toml", "pyproject.toml"
_TABLE = ("tool", "trainlint")


class ConfigurationFile(NamedTuple):
    """One configuration file: where it is, and its table."""

    path: str
    table: dict[str, Any]

    @property
    def folder(self) -> str:
        """The folder that its relative paths start from."""
        return os.path.dirname(os.path.abspath(self.path))


def nearest(path: str) -> ConfigurationFile | None:
    """Return the configuration that governs the file at ``path``, or None."""
    return _nearest_to(os.path.dirname(os.path.abspath(path)))


@cache
def _nearest_to(folder: str) -> ConfigurationFile | None:
    found = _in_folder(folder)
    parent = os.path.dirname(folder)
    return found if found is not None or parent == folder else _nearest_to(parent)


def _in_folder(folder: str) -> ConfigurationFile | None:
    for name in (OWN_FILE, PROJECT_FILE):
        path = os.path.join(folder, name)
        try:
            with open(path, "rb") as stream:
                raw = stream.read()
        except OSError:
            continue
        # Most projects have a pyproject.toml that says nothing about us: a parser is not loaded for those.
        if name == OWN_FILE or b"trainlint" in raw:
            table = _table(path, raw)
            if table is not None:
                return ConfigurationFile(path, table)
    return None


def named(path: str) -> ConfigurationFile:
    """Return the configuration at ``path``, given with ``--config``.

    Raises:
        Refusal: when it cannot be read or holds no configuration.
    """
    try:
        with open(path, "rb") as stream:
            raw = stream.read()
    except OSError as error:
        raise Refusal(f"cannot read the configuration {path}: {error.strerror}") from None
    table = _table(path, raw)
    if table is None:
        raise Refusal(f"{path} has no [tool.trainlint] table")
    return ConfigurationFile(path, table)


def _table(path: str, raw: bytes) -> dict[str, Any] | None:
    import tomllib

    try:
        table: Any = tomllib.loads(raw.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Refusal(f"{path} is not TOML: {error}") from None
    if os.path.basename(path) != PROJECT_FILE:  # noqa: PTH119 - as above
        return dict(table)
    for part in _TABLE:
        table = table.get(part) if isinstance(table, dict) else None
    if table is not None and not isinstance(table, dict):
        raise Refusal(f"{path}: tool.trainlint is a table")
    return table


def nearest_quietly(path: str) -> ConfigurationFile | None:
    """Return what ``nearest`` returns, or None where that is wrong: for those who only ask which files matter."""
    try:
        return nearest(path)
    except Refusal:
        return None


def forget() -> None:
    """Forget what was found: files may have changed."""
    _nearest_to.cache_clear()
