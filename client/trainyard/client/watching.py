"""Following a job through everything: a stream that breaks is opened again where it stopped.

The promise is the server's numbering, kept on this side: event n + 1 comes after event n, each once,
whatever the network does. An item that was seen is dropped, a number that is skipped counts as a broken
stream. A stream ends by itself only after the job's last event. Knows nothing of screens.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

import grpc

from trainyard.client import calls
from trainyard.client.backoff import Patience
from trainyard.client.errors import ClientError, ServerFault, Unreachable
from trainyard.client.meaning import code_of, meaning
from trainyard.client.values.event import Event, Progress

if TYPE_CHECKING:
    from trainyard.client.connection import Connection, Stream

Code = grpc.StatusCode
# The server or the way to it is gone for a while; CANCELLED is a stream reset that was none of our doing.
_AWAY = frozenset({Code.UNAVAILABLE, Code.CANCELLED})
# The server stumbled; it may stumble again for ever.
_STUMBLED = frozenset({Code.INTERNAL, Code.UNKNOWN})


class _SkippedError(Exception):
    """The stream left out an event."""


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
        """Return the item if it is the next to be shown; raises _SkippedError when one before it is missing."""
        if isinstance(item, Event):
            if item.seq <= self.last_seq:
                return None
            if item.seq > self.last_seq + 1:
                raise _SkippedError(f"event {self.last_seq + 1} is missing")
            self.last_seq, self.ended = item.seq, item.terminal
        self.greet()
        return item

    def greet(self) -> None:
        """Take note of a sign of life: patience starts anew."""
        self.met, self.attempts, self.faults, self.away_since = True, 0, 0, None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Clock and chance, so that tests can hold them still."""

    clock: Callable[[], float] = time.monotonic
    draw: Callable[[], float] = random.random


class Watch:
    """The events of one job from ``after_seq`` on; iterate over it once. ``close`` may come from any thread.

    Args:
        connection: where the server is.
        job_id: full id of the job.
        after_seq: only later events are shown.
        include_progress: show progress inside epochs too, as it passes.
        on_reconnect: called with 1, 2, … before each new attempt after a break.
        patience: how long to go on while the server is away.
    """

    def __init__(
        self,
        connection: Connection,
        job_id: str,
        *,
        after_seq: int = 0,
        include_progress: bool = False,
        on_reconnect: Callable[[int], None] | None = None,
        patience: Patience | None = None,
        surroundings: Surroundings | None = None,
    ) -> None:
        self._connection = connection
        self._job_id = job_id
        self._include_progress = include_progress
        self._on_reconnect = on_reconnect or (lambda _attempt: None)
        self._patience = patience or Patience()
        self._surroundings = surroundings or Surroundings()
        self._cursor = Cursor(after_seq)
        self._closed = threading.Event()
        self._stream: Stream[Event | Progress | None] | None = None

    @property
    def last_seq(self) -> int:
        """Number of the last event shown: hand it to another watch to go on from here."""
        return self._cursor.last_seq

    def __iter__(self) -> Iterator[Event | Progress]:
        """Yield events in order, each once; raises ClientError when the server says no or stays away too long."""
        while not (self._cursor.ended or self._closed.is_set()):
            opened = self._surroundings.clock()
            cause: ClientError
            try:
                yield from self._follow()
                if self._over():
                    return
                cause, stumbled = ServerFault("the server ended the stream before the job's end"), True
            except grpc.RpcError as error:
                if self._closed.is_set():
                    return
                cause, stumbled = meaning(error, self._connection.settings), code_of(error) in _STUMBLED
                if code_of(error) not in _AWAY | _STUMBLED:
                    raise cause from error
            except (Unreachable, ServerFault) as error:
                cause, stumbled = error, isinstance(error, ServerFault)
            except _SkippedError as gap:
                cause, stumbled = ServerFault(f"the server at {self._connection.settings.address} left out events: {gap}"), True
            self._pause(cause, opened, stumbled=stumbled)

    def close(self) -> None:
        """Stop following; the iterator ends. The job does not notice."""
        self._closed.set()
        stream = self._stream
        if stream is not None:
            stream.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _follow(self) -> Iterator[Event | Progress]:
        request = calls.watch_job(self._job_id, self._cursor.last_seq, include_progress=self._include_progress)
        stream = self._stream = self._connection.stream(request)
        try:
            if self._closed.is_set():
                return
            for item in stream:
                admitted = self._cursor.admit(item)
                if admitted is not None:
                    yield admitted
                if self._cursor.ended:
                    return
        finally:
            stream.cancel()

    def _over(self) -> bool:
        if self._cursor.ended or self._closed.is_set():
            return True
        job = self._connection.unary(calls.get_job(self._job_id))
        return job.state.terminal and job.last_seq <= self._cursor.last_seq

    def _pause(self, cause: ClientError, opened: float, *, stumbled: bool) -> None:
        """Wait before the next attempt, or raise ``cause`` when patience is at its end."""
        cursor, patience, now = self._cursor, self._patience, self._surroundings.clock()
        if now - opened > patience.settled_seconds and not stumbled:
            cursor.greet()
        cursor.away_since = now if cursor.away_since is None else cursor.away_since
        cursor.attempts += 1
        cursor.faults += stumbled
        limit = patience.outage_seconds if cursor.met else patience.introduction_seconds
        if now - cursor.away_since > limit or cursor.faults > patience.faults:
            raise cause
        self._on_reconnect(cursor.attempts)
        self._closed.wait(patience.wait_seconds(cursor.attempts, self._surroundings.draw))
