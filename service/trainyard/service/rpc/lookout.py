"""Looks, for all streams together, at what nobody tells: events that another server wrote, and how far running epochs are.

One question to the store for all jobs that are watched, and one look at the progress of each that somebody wants it of: what a
thousand streams cost must not depend on there being a thousand. Ends when nobody watches, and begins again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import structlog

from trainyard.service.core.errors import ServiceError
from trainyard.service.core.jobstore import JobReader
from trainyard.service.executor import progress
from trainyard.service.rpc.bell import Bell
from trainyard.service.rpc.blocking import Pool
from trainyard.service.rpc.feed import Feed, Sent
from trainyard.service.rpc.translation.events import progress_message
from trainyard.service.wire import RunFolder
from trainyard.v1 import training_service_pb2

POLL_SECONDS = 2.0
PROGRESS_SECONDS = 0.5
Read = Callable[[str, Feed, int], Awaitable[Sequence[Sent]]]
_log = structlog.get_logger("rpc")


class Lookout:
    """Keeps the feeds of a bell up to date.

    Args:
        store: where another server's events are found.
        pool: where that may wait.
        bell: whose feeds.
        read: reads a page into a feed.
        runs: the folder of the run folders.
    """

    def __init__(self, store: JobReader, pool: Pool, bell: Bell, read: Read, runs: Path) -> None:
        self._store = store
        self._pool = pool
        self._bell = bell
        self._read = read
        self._runs = runs
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Look from now on, as long as somebody watches."""
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._look())

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        looked = loop.time()
        while not self._bell.closed and (feeds := self._bell.feeds()):
            try:
                await self._progress({job_id: feed for job_id, feed in feeds.items() if feed.progress_wanted})
                if loop.time() - looked >= POLL_SECONDS:
                    looked = loop.time()
                    await self._events(feeds)
            except ServiceError as error:  # the streams ask for themselves what they need, and say so
                _log.warning("not-looked", why=str(error))
            del feeds  # nobody is kept alive by being looked at
            await asyncio.sleep(PROGRESS_SECONDS)

    async def _events(self, feeds: dict[str, Feed]) -> None:
        known = await self._pool.run(self._store.last_seqs, list(feeds))
        for job_id, feed in feeds.items():
            if feed.last is not None and known.get(job_id, 0) > feed.last:
                await self._read(job_id, feed, feed.last)

    async def _progress(self, feeds: dict[str, Feed]) -> None:
        found = await self._pool.run(self._encoded, list(feeds)) if feeds else {}
        for job_id, feed in feeds.items():
            if feed.progress != found[job_id]:
                feed.progress = found[job_id]
                feed.wake()

    def _encoded(self, job_ids: Sequence[str]) -> dict[str, bytes | None]:
        return {job_id: self._encode(job_id) for job_id in job_ids}

    def _encode(self, job_id: str) -> bytes | None:
        found = progress.read(RunFolder(self._runs / job_id).progress)
        if found is None:
            return None
        return training_service_pb2.WatchJobResponse(progress=progress_message(job_id, found)).SerializeToString()
