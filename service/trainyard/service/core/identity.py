"""Who calls, and what callers of each role may do."""

from __future__ import annotations

import enum
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass


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
    """A caller by name and role."""

    name: str
    role: Role

    @property
    def scope(self) -> str | None:
        """The owner whose jobs exist for this caller; None when everybody's do."""
        return None if self.role is Role.OPERATOR else self.name


NOBODY = Principal("", Role.NOBODY)


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
