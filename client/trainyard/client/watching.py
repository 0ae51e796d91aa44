"""Following a job, blocking: a stream that breaks is opened again where it stopped. What a break means, ``pursuit`` decides."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self

import grpc

from trainyard.client import calls
from trainyard.client.backoff import Patience
from trainyard.client.errors import ServerFault, Unreachable
from trainyard.client.pursuit import Pursuit, SkippedError, Surroundings
from trainyard.client.values.event import Event, Progress

if TYPE_CHECKING:
    from trainyard.client.connection import Connection, Stream

__all__ = ["Surroundings", "Watch"]


class Watch:
    """The events of one job from ``after_seq`` on; iterate over it once. ``close`` may come from any thread.

    Args:
        connection: where the server is.
        job_id: full id of the job.
        after_seq: only later events are shown.
        include_progress: show progress inside epochs too, as it passes.
        on_reconnect: called with 1, 2, … before each new attempt after a break.
        on_reconnected: called with the number of attempts once the stream flows again.
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
        on_reconnected: Callable[[int], None] | None = None,
        patience: Patience | None = None,
        surroundings: Surroundings | None = None,
    ) -> None:
        self._connection = connection
        self._job_id = job_id
        self._include_progress = include_progress
        self._on_reconnect = on_reconnect or (lambda _attempt: None)
        self._pursuit = Pursuit(connection.settings, after_seq, patience, surroundings)
        self._on_reconnected = on_reconnected or (lambda _attempts: None)
        self._broken = 0
        self._closed = threading.Event()
        self._stream: Stream[Event | Progress | None] | None = None

    @property
    def last_seq(self) -> int:
        """Number of the last event shown: hand it to another watch to go on from here."""
        return self._pursuit.cursor.last_seq

    def __iter__(self) -> Iterator[Event | Progress]:
        """Yield events in order, each once; raises ClientError when the server says no or stays away too long."""
        pursuit = self._pursuit
        while not (pursuit.cursor.ended or self._closed.is_set()):
            pursuit.begin()
            try:
                yield from self._follow()
                if self._over():
                    return
                seconds = pursuit.ended_early()
            except (grpc.RpcError, Unreachable, ServerFault, SkippedError) as error:
                if self._closed.is_set():
                    return
                seconds = pursuit.broken(error)
            self._broken = pursuit.cursor.attempts
            self._on_reconnect(pursuit.cursor.attempts)
            self._closed.wait(seconds)

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
        cursor = self._pursuit.cursor
        request = calls.watch_job(self._job_id, cursor.last_seq, include_progress=self._include_progress)
        stream = self._stream = self._connection.stream(request)
        try:
            if self._closed.is_set():
                return
            for item in stream:
                admitted = cursor.admit(item)
                self._greet()
                if admitted is not None:
                    yield admitted
                if cursor.ended:
                    return
        finally:
            stream.cancel()

    def _greet(self) -> None:
        if self._broken:
            attempts, self._broken = self._broken, 0
            self._on_reconnected(attempts)

    def _over(self) -> bool:
        if self._pursuit.cursor.ended or self._closed.is_set():
            return True
        return not self._pursuit.unfinished(self._connection.unary(calls.get_job(self._job_id)))
