"""The latest events of one job, as the bytes that go onto the wire: encoded once, handed to everybody who watches.

What a feed holds has no gaps and is bounded in number and size; whoever is further behind reads pages from the store and
finds his way in when he has caught up. A watcher that does not read holds nothing but its place. Used from the event loop only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

MOST_EVENTS = 256
MOST_BYTES = 64 * 1024
# So many watchers are woken at once; then others have their turn on the loop.
AT_ONCE = 32


class Sent(NamedTuple):
    """An event as it is sent: its number, when it happened, the message, and whether it is the job's last."""

    seq: int
    at: datetime
    raw: bytes
    final: bool


class Feed:
    """What is known of a job's newest events, and a bell for those who wait for the next.

    ``_floor`` is the number before the first event that is held, None while nothing is known. ``_whole`` tells that nothing follows
    the last: what is committed after the feed was made is offered to it.
    """

    def __init__(self) -> None:
        self._floor: int | None = None
        self._ring: list[Sent] = []
        self._bytes = 0
        self._whole = False
        self._waiting: dict[asyncio.Future[None], None] = {}
        self._due: list[asyncio.Future[None]] = []
        # The running epoch, encoded; asked for by so many.
        self.progress: bytes | None = None
        self.progress_wanted = 0

    @property
    def last(self) -> int | None:
        """The number of the last event that is known; None while nothing is."""
        return self._ring[-1].seq if self._ring else self._floor

    def after(self, seq: int) -> Sequence[Sent] | None:
        """Return what follows event ``seq``, nothing when nothing has happened yet, None when only the store can tell."""
        if self._floor is None or seq < self._floor:
            return None
        found = self._ring[seq - self._floor :]
        return found if found or self._whole else None

    def ended(self, seq: int) -> bool:
        """Tell whether the job's last event is known and is no later than ``seq``."""
        return bool(self._ring) and self._ring[-1].final and self._ring[-1].seq <= seq

    def offer(self, page: Sequence[Sent], *, whole: bool) -> None:
        """Take in events that follow one another; ``whole`` tells that nothing follows them for now. Wakes who waits."""
        if not page:
            return
        last = self.last
        if self._floor is None or last is None or page[0].seq > last + 1:
            # What lies between is in the store.
            self._floor, self._ring, self._bytes = page[0].seq - 1, [], 0
            fresh = page
        else:
            fresh = page[last + 1 - page[0].seq :]
        whole_before = self._whole and page[-1].seq <= (last or 0)
        self._ring += fresh
        self._bytes += sum(len(sent.raw) for sent in fresh)
        self._whole = whole or whole_before
        self._trim()
        self.wake()

    def nothing_after(self, seq: int) -> None:
        """Take note that the store has nothing after event ``seq``."""
        if self._floor is None:
            self._floor = seq
        self._whole = self._whole or self.last == seq

    async def news(self) -> None:
        """Wait until something was offered, or somebody wants everybody to look around."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting[waiter] = None
        try:
            await waiter
        finally:
            self._waiting.pop(waiter, None)

    def wake(self) -> None:
        """Wake who waits: some at once and the rest soon, so that a thousand watchers of one job leave room for other calls."""
        busy = bool(self._due)
        self._due += self._waiting
        self._waiting = {}
        if not busy:
            self._wake_some()

    def _wake_some(self) -> None:
        some, self._due = self._due[:AT_ONCE], self._due[AT_ONCE:]
        for waiter in some:
            if not waiter.done():
                waiter.set_result(None)
        if self._due:
            asyncio.get_running_loop().call_soon(self._wake_some)

    def _trim(self) -> None:
        many, size = max(0, len(self._ring) - MOST_EVENTS), self._bytes
        size -= sum(len(sent.raw) for sent in self._ring[:many])
        while size > MOST_BYTES and many < len(self._ring) - 1:
            size -= len(self._ring[many].raw)
            many += 1
        if many:
            self._floor = self._ring[many].seq - 1
            del self._ring[:many]
            self._bytes = size
