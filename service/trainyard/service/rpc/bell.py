"""Tells the streams of a job what was committed, so that they need not ask the store: the feeds of jobs that are watched.

Events become bytes in the thread that committed them, and only for jobs that somebody watches; the loop hands them out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from weakref import WeakValueDictionary

from trainyard.service.core.events import Event, StateChanged
from trainyard.service.core.jobs import Change
from trainyard.service.rpc.feed import Feed, Sent
from trainyard.service.rpc.translation.events import event_message
from trainyard.v1 import training_service_pb2


def encoded(events: Sequence[Event]) -> list[Sent]:
    """Return events as they are sent."""
    return [_sent(event) for event in events]


def _sent(event: Event) -> Sent:
    raw = training_service_pb2.WatchJobResponse(event=event_message(event)).SerializeToString()
    return Sent(event.seq, event.at, raw, isinstance(event.body, StateChanged) and event.body.after.terminal)


class Bell:
    """An :class:`Observer` for the streams of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        # Weak: a feed lives as long as somebody watches, and jobs that nobody watches leave nothing behind.
        self._feeds: WeakValueDictionary[str, Feed] = WeakValueDictionary()
        self.closed = False

    def committed(self, change: Change) -> None:
        """Tell the job's feed; called from the thread that committed.

        Who begins to watch while this looks reads the store afterwards, and finds the change there.
        """
        feed = self._feeds.get(change.job.id)
        if feed is not None:
            page = encoded(change.events)
            with suppress(RuntimeError):  # the loop is closed: nobody listens any more
                self._loop.call_soon_threadsafe(lambda: feed.offer(page, whole=True))

    def feed(self, job_id: str) -> Feed:
        """Return the feed of a job; hold it as long as you watch, and ask for it before you read the store."""
        feed = self._feeds.get(job_id)
        if feed is None:
            feed = self._feeds[job_id] = Feed()
        return feed

    def feeds(self) -> dict[str, Feed]:
        """Return the feeds of the jobs that are watched."""
        return dict(self._feeds)

    def close(self) -> None:
        """Wake everybody up for good: the server is shutting down."""
        self.closed = True
        for feed in self.feeds().values():
            feed.wake()
