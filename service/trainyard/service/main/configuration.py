"""The configuration file: TOML with the names of the options, ``~/`` for the user's home; an unknown name is refused with the closest."""

from __future__ import annotations

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

NAMES = (
    "home",
    "listen",
    "metrics",
    "data-root",
    "slots",
    "device",
    "ready-file",
    "store",
    "store-password-file",
    "runs",
    "keep-days",
    "standby",
    "most-hours",
    "stall-minutes",
    "orphan-minutes",
    "tls-cert",
    "tls-key",
    "tls-client-ca",
    "tls-client-role",
    "metrics-tls-cert",
    "metrics-tls-key",
    "metrics-token-file",
    "policy",
)
_YES_OR_NO = frozenset({"standby"})


def read(path: Path) -> dict[str, Any]:
    """Return the options in ``path`` by their Python names; raises UsageError for what is no TOML or no option."""
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise click.UsageError(f"{path} can not be read as TOML: {error}") from error
    for name, value in written.items():
        _check(path, name, value)
    return {name.replace("-", "_"): _at_home(value) for name, value in written.items()}


def _at_home(value: Any) -> Any:
    """Do for a path what a shell does for it on a command line: ``~/`` is the user's home."""
    return str(Path(value).expanduser()) if isinstance(value, str) and value.startswith("~/") else value


def _check(path: Path, name: str, value: object) -> None:
    if name not in NAMES:
        close = get_close_matches(name, NAMES, n=1)
        raise click.UsageError(f"{path}: there is no option {name!r}{f'; did you mean {close[0]!r}?' if close else ''}")
    if name in _YES_OR_NO:
        if not isinstance(value, bool):
            raise click.UsageError(f"{path}: {name} wants true or false")
    elif isinstance(value, bool) or not isinstance(value, str | int | float):
        raise click.UsageError(f"{path}: {name} wants a text or a number")
