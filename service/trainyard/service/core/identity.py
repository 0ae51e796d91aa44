"""Who calls, and what callers of each role may do."""

from __future__ import annotations

import enum
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")


class Role(enum.IntEnum):
    """What a caller may do; a larger role may do all that a smaller one may."""

    NOBODY = 0
    """Not known: may ask whether the server lives."""
    VIEWER = 1
    """May look."""
    SUBMITTER = 2
    """May submit, and command jobs of its own."""
    OPERATOR = 3
    """May see and command everybody's jobs."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller by name and role.

    ``expires_at`` ends its credential by itself; ``revocable`` tells that somebody may end it earlier, while it is used.
    """

    name: str
    role: Role
    expires_at: datetime | None = field(default=None, compare=False)
    revocable: bool = field(default=False, compare=False)

    @property
    def scope(self) -> str | None:
        """The owner whose jobs exist for this caller; None when everybody's do."""
        return None if self.role is Role.OPERATOR else self.name


NOBODY = Principal("", Role.NOBODY)


def is_name(text: str) -> bool:
    """Tell whether a text can name a caller: it stands in logs, in lists and beside jobs."""
    return _NAME.fullmatch(text) is not None


class Identities(Protocol):
    """Knows who is behind a token, at this moment."""

    def principal(self, token: str) -> Principal | None:
        """Return whom the token stands for; None when it never stood for anybody, or does no more."""


class Tokens:
    """Knows the bearer tokens by their digests only."""

    def __init__(self, known: Iterable[tuple[str, Principal]]) -> None:
        """``known`` pairs the SHA-256 of a token, in hexadecimal, with whom it stands for."""
        self._known = tuple(known)

    def principal(self, token: str) -> Principal | None:
        """Return whom the token stands for; compares with every one in constant time."""
        digest = token_digest(token)
        found = None
        for known, principal in self._known:
            if hmac.compare_digest(known, digest):
                found = principal
        return found


def token_digest(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
