"""Rings when a job has changed, so that streams need not ask the store all the time.

The ring carries nothing: a stream that hears it reads its next page from the store. What was missed is
therefore never lost, and a reader that is slow holds nothing but its place.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from weakref import WeakValueDictionary

from trainyard.service.core.jobs import Change


class Bell:
    """An :class:`Observer` for the streams of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        # Weak: a ring lives as long as somebody listens, and jobs that nobody watches leave nothing behind.
        self._rings: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()
        self.closed = False

    def committed(self, change: Change) -> None:
        """Ring for the job that changed; called from the thread that committed."""
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(self.ring, change.job.id)

    def ring_of(self, job_id: str) -> asyncio.Event:
        """Return what will be set when the job changes next; ask before reading the store."""
        ring = self._rings.get(job_id)
        if ring is None:
            ring = self._rings[job_id] = asyncio.Event()
        return ring

    def close(self) -> None:
        """Wake everybody up for good: the server is shutting down."""
        self.closed = True
        for job_id in list(self._rings):
            self.ring(job_id)

    def ring(self, job_id: str) -> None:
        """Wake up whoever waits for a job; called from the loop."""
        ring = self._rings.pop(job_id, None)
        if ring is not None:
            ring.set()
