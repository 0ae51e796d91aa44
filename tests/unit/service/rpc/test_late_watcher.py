"""A watcher whose events are gone does not ask for ever."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from trainyard.service.core.errors import UnknownJobError
from trainyard.service.core.states import State
from trainyard.service.rpc.bell import Bell
from trainyard.service.rpc.blocking import Pool
from trainyard.service.rpc.feed import Sent
from trainyard.service.rpc.watching import Watch

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Emptied:
    """A store from which a job was deleted, that counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def events(self, *_: Any) -> list[Any]:
        self.asked += 1
        return []

    def job(self, job_id: str) -> Any:
        raise UnknownJobError(job=job_id)


class Meter:
    def stream_opened(self) -> None: ...
    def stream_closed(self) -> None: ...
    def event_sent(self, delay_seconds: float) -> None: ...


def test_a_job_that_was_deleted_under_a_late_watcher_ends_its_stream(tmp_path: Path) -> None:
    async def followed(store: Any) -> None:
        bell, pool = Bell(asyncio.get_running_loop()), Pool(threads=1)
        clock: Any = SimpleNamespace(now=lambda: NOON)
        watch = Watch(store=store, pool=pool, bell=bell, runs=tmp_path, meter=Meter(), clock=clock)
        feed = bell.feed("j")
        feed.offer([Sent(10, NOON, b"x", final=False)], whole=True)
        job: Any = SimpleNamespace(id="j", state=State.RUNNING, last_seq=10)
        async with asyncio.timeout(20), aclosing(watch.items(job, 0, with_progress=False)) as items:
            async for _ in items:
                pass

    store = Emptied()
    with pytest.raises(UnknownJobError):
        asyncio.run(followed(store))
    assert store.asked == 1
