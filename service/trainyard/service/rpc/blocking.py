"""Work that takes its time, off the event loop: the store and the linter, in a bounded pool.

Anything above some ten milliseconds of Python on the loop delays every stream.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from trainyard.service.core.errors import OverloadedError

P = ParamSpec("P")
T = TypeVar("T")
THREADS = 8
# As many as calls may be under way (server.MAX_CALLS): a thousand clients that come back at once are served, one after another.
WAITING = 4000


class Pool:
    """Runs functions in threads; refuses work when too much waits."""

    def __init__(self, threads: int = THREADS, waiting: int = WAITING) -> None:
        self._threads = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="rpc-work")
        self._room = threads + waiting
        self._under_way = 0

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what ``work`` returns; raises OverloadedError when too much waits already."""
        if self._under_way >= self._room:
            raise OverloadedError(seconds=1)
        self._under_way += 1
        try:
            context = contextvars.copy_context()
            return await asyncio.get_running_loop().run_in_executor(self._threads, partial(context.run, work, *args, **kwargs))
        finally:
            self._under_way -= 1

    def close(self) -> None:
        """Let what runs finish; what waits does not begin."""
        self._threads.shutdown(wait=True, cancel_futures=True)
