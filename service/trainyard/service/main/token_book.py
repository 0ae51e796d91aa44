"""The tokens that an operator gave out: digests in a file of the home, read again by the server when it changes.

The token itself is shown once, when it is made, and kept nowhere. One file and one lock: the command and the server
may be different processes, and a revocation counts within seconds, without a restart.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from trainyard.linter.cli.exits import Refusal
from trainyard.service.core.identity import Principal, Role, Tokens, is_name, token_digest

PREFIX = "ty_"
_WRITABLE_BY_OTHERS = 0o022
_log = structlog.get_logger("tokens")


@dataclass(frozen=True, slots=True)
class Entry:
    """One token: ``id`` names it to people; moments are ISO 8601 in UTC, None where they never come."""

    id: str
    name: str
    role: str
    digest: str
    created_at: str
    expires_at: str | None = None
    revoked_at: str | None = None

    def ends(self) -> datetime | None:
        """Return when it expires."""
        return datetime.fromisoformat(self.expires_at) if self.expires_at else None

    def state(self, now: datetime) -> str:
        """Say in a word where it stands: valid, expired or revoked."""
        if self.revoked_at:
            return "revoked"
        ends = self.ends()
        return "expired" if ends and ends <= now else "valid"


class TokenBook:
    """The file ``tokens.json`` of a home."""

    def __init__(self, home: Path) -> None:
        self.path = home / "tokens.json"
        self._lock = home / "tokens.lock"

    def entries(self) -> Sequence[Entry]:
        """Return all tokens, the oldest first; raises Refusal for a file that is none."""
        try:
            if self.path.stat().st_mode & _WRITABLE_BY_OTHERS:
                raise Refusal(f"{self.path} can be written by others: chmod 600 it, after a look at who is in it")
            return [_entry(written) for written in json.loads(self.path.read_bytes())["tokens"]]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Refusal(f"{self.path} can not be read: {error}") from error

    def create(self, name: str, role: Role, lifetime: timedelta | None, now: datetime) -> tuple[Entry, str]:
        """Make a token and return it with its entry; raises Refusal for a name that can't be one."""
        if not is_name(name):
            raise Refusal(f"{name!r} can not name a caller: letters, digits and . _ @ + - only, 64 at most, and a letter or digit first")
        token = PREFIX + secrets.token_urlsafe(32)
        ends = (now + lifetime).isoformat(timespec="seconds") if lifetime else None
        entry = Entry(secrets.token_hex(4), name, role.name.lower(), token_digest(token), now.isoformat(timespec="seconds"), ends)
        with self._owned():
            self._write([*self.entries(), entry])
        return entry, token

    def revoke(self, which: str, now: datetime) -> Sequence[Entry]:
        """End the token with this id, or all of this name; raises Refusal when there is none that is valid."""
        with self._owned():
            before = self.entries()
            ended = [entry for entry in before if which in {entry.id, entry.name} and not entry.revoked_at]
            if not ended:
                raise Refusal(f"there is no token {which!r} to revoke; `trainyard token list` shows those that there are")
            moment = now.isoformat(timespec="seconds")
            self._write([replace(entry, revoked_at=moment) if entry in ended else entry for entry in before])
        return ended

    @contextmanager
    def _owned(self) -> Iterator[None]:
        try:
            self._lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = self._lock.open("a")
        except OSError as error:
            raise Refusal(f"{self._lock} can not be used: {error.strerror}") from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _write(self, entries: Sequence[Entry]) -> None:
        """Replace the file whole, readable by its owner only."""
        temporary = self.path.with_name(f".tokens.{os.getpid()}")
        text = json.dumps({"version": 1, "tokens": [asdict(entry) for entry in entries]}, indent=2) + "\n"
        try:
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        except OSError as error:
            raise Refusal(f"{self.path} can not be written: {error.strerror}") from error


class KnownTokens:
    """Whom the server knows: the user's own token, and the book as it is now. Implements ``Identities``.

    A book that can not be read any more changes nothing: who was known stays known, and the log says why.
    """

    def __init__(self, own: tuple[str, Principal], book: TokenBook, now: Callable[[], datetime]) -> None:
        """``own`` is the token of the user who runs the server, and whom it stands for; raises Refusal for a broken book."""
        self._own = (token_digest(own[0]), own[1])
        self._book = book
        self._now = now
        self._stamp: tuple[int, ...] | None = _stamp(book.path)
        self._trouble = ""
        self._tokens = self._read(book.entries())

    def principal(self, token: str) -> Principal | None:
        """Return whom a token stands for now."""
        self._look_again()
        found = self._tokens.principal(token)
        return None if found is None or (found.expires_at is not None and found.expires_at <= self._now()) else found

    def _look_again(self) -> None:
        stamp = _stamp(self._book.path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._tokens = self._read(self._book.entries())
        except Refusal as error:
            self._stamp = None  # looked at again for the next caller: a `chmod` mends it and leaves the stamp as it was
            if self._trouble != str(error):
                _log.error("tokens-not-read", why=str(error))
            self._trouble = str(error)
            return
        self._trouble = ""
        _log.info("tokens-read")

    def _read(self, entries: Sequence[Entry]) -> Tokens:
        given = [
            (entry.digest, Principal(entry.name, Role[entry.role.upper()], entry.ends(), revocable=True))
            for entry in entries
            if not entry.revoked_at
        ]
        return Tokens([self._own, *given])


def _entry(written: dict[str, str | None]) -> Entry:
    entry = Entry(**written)  # type: ignore[arg-type]  # a wrong key is a TypeError, which says which
    ends = entry.ends()
    if ends is not None and ends.tzinfo is None:
        raise ValueError(f"token {entry.id}: {entry.expires_at!r} has no offset from UTC; write +00:00 behind it")
    if entry.role.upper() not in Role.__members__ or not is_name(entry.name):
        raise ValueError(f"token {entry.id}: {entry.role!r} is no role, or {entry.name!r} no name")
    return entry


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_mtime_ns, found.st_size
