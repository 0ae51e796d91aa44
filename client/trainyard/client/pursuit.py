"""How a stream of events is followed through everything, without the streams: what to show, when to come back, when to give up.

The promise is the server's numbering, kept on this side: event n + 1 comes after event n, each once, whatever the
network does. An item that was seen is dropped, a number that is skipped counts as a broken stream. A stream ends by
itself only after the job's last event. ``Watch`` and ``AsyncWatch`` are this, blocking and not.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import grpc

from trainyard.client.backoff import Patience
from trainyard.client.errors import ClientError, ServerFault, Unreachable
from trainyard.client.meaning import code_of, meaning
from trainyard.client.settings import Settings
from trainyard.client.values.event import Event, Progress
from trainyard.client.values.job import Job

Code = grpc.StatusCode
# The server or the way to it is gone for a while; CANCELLED is a stream reset that was none of our doing.
_AWAY = frozenset({Code.UNAVAILABLE, Code.CANCELLED})
# The server stumbled; it may stumble again for ever.
_STUMBLED = frozenset({Code.INTERNAL, Code.UNKNOWN})


class SkippedError(Exception):
    """The stream left out an event."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Clock and chance, so that tests can hold them still."""

    clock: Callable[[], float] = time.monotonic
    draw: Callable[[], float] = random.random


@dataclass(slots=True)
class Cursor:
    """How far a job has been followed, and how the way there has been."""

    last_seq: int
    ended: bool = False
    met: bool = False
    attempts: int = 0
    faults: int = 0
    away_since: float | None = None

    def admit(self, item: Event | Progress | None) -> Event | Progress | None:
        """Return the item if it is the next to be shown; raises SkippedError when one before it is missing."""
        if isinstance(item, Event):
            if item.seq <= self.last_seq:
                return None
            if item.seq > self.last_seq + 1:
                raise SkippedError(f"event {self.last_seq + 1} is missing")
            self.last_seq, self.ended = item.seq, item.terminal
        self.greet()
        return item

    def greet(self) -> None:
        """Take note of a sign of life: patience starts anew."""
        self.met, self.attempts, self.faults, self.away_since = True, 0, 0, None


class Pursuit:
    """Decides what a break means. ``begin`` before each stream, ``broken`` after each failure."""

    def __init__(self, settings: Settings, after_seq: int, patience: Patience | None, surroundings: Surroundings | None) -> None:
        self.cursor = Cursor(after_seq)
        self._settings = settings
        self._patience = patience or Patience()
        self._surroundings = surroundings or Surroundings()
        self._opened = 0.0

    def begin(self) -> None:
        """Take note that a stream is being opened."""
        self._opened = self._surroundings.clock()

    def unfinished(self, job: Job) -> bool:
        """Return whether a stream that ended by itself ended too early, given how the job stands."""
        return not (job.state.terminal and job.last_seq <= self.cursor.last_seq)

    def ended_early(self) -> float:
        """Return the seconds to wait after a stream that ended before the job did; raises when patience is at its end."""
        return self._wait(ServerFault("the server ended the stream before the job's end"), stumbled=True)

    def broken(self, error: Exception) -> float:
        """Return the seconds to wait before the next attempt; raises ClientError when no attempt would help or patience is at its end."""
        if isinstance(error, grpc.RpcError):
            cause, code = meaning(error, self._settings), code_of(error)
            if code not in _AWAY | _STUMBLED:
                raise cause from error
            return self._wait(cause, stumbled=code in _STUMBLED)
        if isinstance(error, SkippedError):
            return self._wait(ServerFault(f"the server at {self._settings.address} left out events: {error}"), stumbled=True)
        if isinstance(error, Unreachable | ServerFault):
            return self._wait(error, stumbled=isinstance(error, ServerFault))
        raise error

    def _wait(self, cause: ClientError, *, stumbled: bool) -> float:
        cursor, patience, now = self.cursor, self._patience, self._surroundings.clock()
        if now - self._opened > patience.settled_seconds and not stumbled:
            cursor.greet()
        cursor.away_since = now if cursor.away_since is None else cursor.away_since
        cursor.attempts += 1
        cursor.faults += stumbled
        limit = patience.outage_seconds if cursor.met else patience.introduction_seconds
        if now - cursor.away_since > limit or cursor.faults > patience.faults:
            raise cause
        return patience.wait_seconds(cursor.attempts, self._surroundings.draw)
