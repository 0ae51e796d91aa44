"""Following a job: replay what the store has, then hand on what is told, as bytes.

There is no queue between the store and a stream. A stream takes what its job's feed holds after its place, or a page of the
store when it is further behind, writes that out and comes back, so gRPC's flow control reaches the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Protocol

from trainyard.service.core.errors import ShuttingDownError
from trainyard.service.core.jobs import Job
from trainyard.service.core.jobstore import JobReader
from trainyard.service.core.ports import Clock
from trainyard.service.rpc.bell import Bell, encoded
from trainyard.service.rpc.blocking import Pool
from trainyard.service.rpc.feed import Feed, Sent
from trainyard.service.rpc.lookout import Lookout

PAGE = 256
AGAIN_SECONDS = 0.5


class StreamMeter(Protocol):
    """Counts streams and what goes through them."""

    def stream_opened(self) -> None:
        """Somebody began to watch."""

    def stream_closed(self) -> None:
        """Somebody stopped watching."""

    def event_sent(self, delay_seconds: float) -> None:
        """An event was handed to the transport, so long after it happened."""


class Pages:
    """Reads pages of events into feeds; readers that want the same page at the same time share one question to the store."""

    def __init__(self, store: JobReader, pool: Pool) -> None:
        self._store = store
        self._pool = pool
        self._asked: dict[tuple[str, int], asyncio.Task[Sequence[Sent]]] = {}

    async def read(self, job_id: str, feed: Feed, after_seq: int) -> Sequence[Sent]:
        """Return the next events of a job after one that is there; none when there are none."""
        place = (job_id, after_seq)
        if place not in self._asked:
            self._asked[place] = asyncio.ensure_future(self._read(job_id, feed, after_seq))
            self._asked[place].add_done_callback(lambda task: self._answered(place, task))
        # A reader that is cancelled must not take the page from the others.
        return await asyncio.shield(self._asked[place])

    async def _read(self, job_id: str, feed: Feed, after_seq: int) -> Sequence[Sent]:
        page = await self._pool.run(lambda: encoded(self._store.events(job_id, after_seq, PAGE)))
        feed.offer(page, whole=len(page) < PAGE)
        if not page:
            feed.nothing_after(after_seq)
        return page

    async def ensure_there(self, job_id: str) -> None:
        """Return when it is worth asking again; raises UnknownJobError for a job that was deleted with all that is missing."""
        await self._pool.run(self._store.job, job_id)
        await asyncio.sleep(AGAIN_SECONDS)

    def _answered(self, place: tuple[str, int], task: asyncio.Task[Sequence[Sent]]) -> None:
        del self._asked[place]
        if not task.cancelled():
            task.exception()  # nobody may be left to hear of it


class Watch:
    """Makes streams."""

    def __init__(self, *, store: JobReader, pool: Pool, bell: Bell, runs: Path, meter: StreamMeter, clock: Clock) -> None:
        self._bell = bell
        self._meter = meter
        self._clock = clock
        self._pages = Pages(store, pool)
        self._lookout = Lookout(store, pool, bell, self._pages.read, runs)

    async def items(self, job: Job, after_seq: int, *, with_progress: bool) -> AsyncGenerator[bytes]:
        """Yield every event after ``after_seq``, encoded, and end after the terminal one; progress comes in between.

        Raises ShuttingDownError when the server ends first: the client asks again with the last number it saw.
        """
        if job.state.terminal and after_seq >= job.last_seq:
            return
        feed = self._bell.feed(job.id)
        self._meter.stream_opened()
        feed.progress_wanted += with_progress
        self._lookout.begin()
        try:
            async for raw in self._items(job, feed, after_seq, with_progress=with_progress):
                yield raw
        finally:
            feed.progress_wanted -= with_progress
            self._meter.stream_closed()

    async def _items(self, job: Job, feed: Feed, after_seq: int, *, with_progress: bool) -> AsyncGenerator[bytes]:
        # Who says that he has seen what has not happened yet waits for it all the same.
        opened, place, shown = self._clock.now(), min(after_seq, job.last_seq), None
        while not self._bell.closed:
            page = feed.after(place)
            if page is None:
                page = await self._pages.read(job.id, feed, place)
            for sent in page:
                place = sent.seq
                if place > after_seq:
                    yield sent.raw
                    if sent.at >= opened:
                        self._meter.event_sent((self._clock.now() - sent.at).total_seconds())
                if sent.final:
                    return
            if page:
                continue
            if feed.ended(place):
                return
            if with_progress and feed.progress is not None and feed.progress != shown:
                shown = feed.progress
                yield shown
            elif feed.after(place) is not None:
                await feed.news()
            else:
                await self._pages.ensure_there(job.id)
        raise ShuttingDownError
