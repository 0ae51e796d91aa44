"""Rings when a job has changed, so that streams need not ask the store all the time.

A ring brings what was committed to those who wait for it. That is a short cut only: whoever was not waiting, or misses a number,
reads the store. While a reader writes it holds no ring, so one that is slow holds nothing but its place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from weakref import WeakValueDictionary

from trainyard.service.core.events import Event
from trainyard.service.core.jobs import Change


class Ring:
    """What will be rung when a job changes next, and then has the events of that change.

    ``after`` is the number of the job's last event when the ring was made, where that is known: who has seen that one, and holds
    the ring, misses nothing.
    """

    def __init__(self, after: int | None = None) -> None:
        self._set = asyncio.Event()
        self.after = after
        self.events: Sequence[Event] = ()
        # Alive as long as somebody is on the way from this ring to the next.
        self._next: Ring | None = None

    async def wait(self) -> None:
        """Wait until it is rung."""
        await self._set.wait()

    def ring(self, events: Sequence[Event]) -> Ring:
        """Wake up those who wait; return the ring after this one."""
        self.events, self._next = events, Ring(events[-1].seq if events else None)
        self._set.set()
        return self._next


class Bell:
    """An :class:`Observer` for the streams of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        # Weak: a ring lives as long as somebody listens, and jobs that nobody watches leave nothing behind.
        self._rings: WeakValueDictionary[str, Ring] = WeakValueDictionary()
        self.closed = False

    def committed(self, change: Change) -> None:
        """Ring for the job that changed; called from the thread that committed."""
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(self.ring, change.job.id, change.events)

    def ring_of(self, job_id: str) -> Ring:
        """Return what will be rung when the job changes next; ask before reading the store."""
        ring = self._rings.get(job_id)
        if ring is None:
            ring = self._rings[job_id] = Ring()
        return ring

    def close(self) -> None:
        """Wake everybody up for good: the server is shutting down."""
        self.closed = True
        for job_id in list(self._rings):
            self.ring(job_id)

    def ring(self, job_id: str, events: Sequence[Event] = ()) -> None:
        """Wake up whoever waits for a job; called from the loop."""
        ring = self._rings.get(job_id)
        if ring is not None:
            self._rings[job_id] = ring.ring(events)
