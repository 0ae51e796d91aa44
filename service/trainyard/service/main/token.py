"""The token of this user: made once, readable by nobody else, found by the same user's clients."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from trainyard.linter.cli.exits import Refusal

_LEAST_LENGTH = 16
_FOREIGN_BITS = 0o077


def obtain(path: Path) -> str:
    """Return the token in ``path``, made if there is none; raises Refusal when it is not a secret."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            _make(path)
        if path.stat().st_mode & _FOREIGN_BITS:
            raise Refusal(f"the token file {path} can be read by others: chmod 600 it, or remove it and a new one is made")
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(f"the token file {path} can not be used: {error}") from error
    if len(token) < _LEAST_LENGTH or not token.isprintable() or " " in token:
        raise Refusal(f"the token file {path} holds no token: remove it and a new one is made")
    return token


def _make(path: Path) -> None:
    """Put a new token into ``path`` whole; raises FileExistsError when somebody was first."""
    if path.exists():
        raise FileExistsError
    temporary = path.with_name(f".token.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{secrets.token_urlsafe(32)}\n")
        path.hardlink_to(temporary)
    finally:
        temporary.unlink()
