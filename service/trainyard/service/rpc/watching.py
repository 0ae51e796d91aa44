"""Following a job: replay what the store has, then wait for more, page by page.

There is no queue between the store and a stream. A page is written out before the next one is read, so gRPC's
flow control reaches the store, and a client that stops reading costs one page of memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Protocol

from trainyard.service.core.errors import ShuttingDownError
from trainyard.service.core.events import Event, StateChanged
from trainyard.service.core.jobstore import JobReader
from trainyard.service.core.ports import Clock
from trainyard.service.executor import progress
from trainyard.service.executor.progress import Progress
from trainyard.service.rpc.bell import Bell
from trainyard.service.rpc.blocking import Pool
from trainyard.service.rpc.translation.events import event_message, progress_message
from trainyard.service.wire import RunFolder
from trainyard.v1 import training_service_pb2

PAGE = 256
# Somebody else may write to the store, whose changes ring no bell here. One of the streams of a job looks; a thousand streams that
# each look for nothing would cost more than all events.
POLL_SECONDS = 2.0
_MOST_REMEMBERED = 10_000
PROGRESS_SECONDS = 0.5

Item = training_service_pb2.WatchJobResponse


class StreamMeter(Protocol):
    """Counts streams and what goes through them."""

    def stream_opened(self) -> None:
        """Somebody began to watch."""

    def stream_closed(self) -> None:
        """Somebody stopped watching."""

    def event_sent(self, delay_seconds: float) -> None:
        """An event was handed to the transport, so long after it happened."""


class Pages:
    """Reads pages of events; readers that want the same page at the same time share one question to the store."""

    def __init__(self, store: JobReader, pool: Pool) -> None:
        self._store = store
        self._pool = pool
        self._asked: dict[tuple[str, int], asyncio.Task[list[Event]]] = {}
        self._empty: dict[tuple[str, int], float] = {}

    def lately_empty(self, job_id: str, after_seq: int) -> bool:
        """Tell whether somebody has just looked and found nothing."""
        looked = self._empty.get((job_id, after_seq))
        return looked is not None and asyncio.get_running_loop().time() - looked < POLL_SECONDS * 0.9

    async def read(self, job_id: str, after_seq: int) -> list[Event]:
        """Return the next events of a job."""
        place = (job_id, after_seq)
        if place not in self._asked:
            self._asked[place] = asyncio.ensure_future(self._pool.run(self._store.events, job_id, after_seq, PAGE))
            self._asked[place].add_done_callback(lambda task: self._answered(place, task))
        # A reader that is cancelled must not take the page from the others.
        return await asyncio.shield(self._asked[place])

    def _answered(self, place: tuple[str, int], task: asyncio.Task[list[Event]]) -> None:
        del self._asked[place]
        if task.cancelled() or task.exception() is not None:  # nobody may be left to hear of it
            return
        if task.result():
            self._empty.pop(place, None)
        elif len(self._empty) < _MOST_REMEMBERED:
            self._empty[place] = asyncio.get_running_loop().time()
        else:
            self._empty.clear()


class Watch:
    """Makes streams."""

    def __init__(self, *, store: JobReader, pool: Pool, bell: Bell, runs: Path, meter: StreamMeter, clock: Clock) -> None:
        self._store = store
        self._pool = pool
        self._bell = bell
        self._runs = runs
        self._meter = meter
        self._clock = clock
        self._pages = Pages(store, pool)

    async def items(self, job_id: str, after_seq: int, *, with_progress: bool) -> AsyncGenerator[Item]:
        """Yield every event after ``after_seq`` and end after the terminal one; progress comes in between.

        Raises ShuttingDownError when the server ends first: the client asks again with the last number it saw.
        """
        self._meter.stream_opened()
        try:
            events = self._events(job_id, after_seq, PROGRESS_SECONDS if with_progress else POLL_SECONDS)
            async with aclosing(events):
                last = None
                async for event in events:
                    if event is not None:
                        yield Item(event=event_message(event))
                    elif with_progress and (found := await self._progress(job_id)) is not None and found != last:
                        last = found
                        yield Item(progress=progress_message(job_id, found))
        finally:
            self._meter.stream_closed()

    async def _events(self, job_id: str, after_seq: int, patience_seconds: float) -> AsyncGenerator[Event | None]:
        """Yield events, and None whenever there is none for the moment."""
        opened = self._clock.now()
        if await self._is_over(job_id, after_seq):
            return
        while not self._bell.closed:
            page = await self._next(job_id, after_seq, patience_seconds)
            for event in page:
                yield event
                if event.at >= opened:
                    self._meter.event_sent((self._clock.now() - event.at).total_seconds())
                after_seq = event.seq
                if isinstance(event.body, StateChanged) and event.body.after.terminal:
                    return
            if not page:
                yield None
        raise ShuttingDownError

    async def _next(self, job_id: str, after_seq: int, patience_seconds: float) -> list[Event]:
        """Return the next events of a job; none when there were none for so long."""
        ring = self._bell.ring_of(job_id)
        if ring.after != after_seq and (page := await self._pages.read(job_id, after_seq)):
            return page
        try:
            # No task of its own, as wait_for would make: a thousand streams wait here.
            async with asyncio.timeout(patience_seconds):
                await ring.wait()
        except TimeoutError:
            return await self._look_for_all(job_id, after_seq)
        fresh = [event for event in ring.events if event.seq > after_seq]
        return fresh if fresh and fresh[0].seq == after_seq + 1 else await self._pages.read(job_id, after_seq)

    async def _look_for_all(self, job_id: str, after_seq: int) -> list[Event]:
        """Look whether somebody else has written to the store, unless another stream has just done so."""
        if self._pages.lately_empty(job_id, after_seq):
            return []
        page = await self._pages.read(job_id, after_seq)
        if page:
            self._bell.ring(job_id)
        return page

    async def _is_over(self, job_id: str, after_seq: int) -> bool:
        job = await self._pool.run(self._store.job, job_id)
        return job.state.terminal and after_seq >= job.last_seq

    async def _progress(self, job_id: str) -> Progress | None:
        return await self._pool.run(progress.read, RunFolder(self._runs / job_id).progress)
