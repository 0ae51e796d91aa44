"""Brings a watch and a screen together: one thread reads the network, the caller's thread draws.

So a silent job still gets its heartbeat, and Ctrl-C reaches a thread that is never stuck in the network.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainyard.client.values.event import Event, Progress

if TYPE_CHECKING:
    from trainyard.client.client import Client
    from trainyard.client.screen.port import Screen
    from trainyard.client.watching import Watch

# A reader that stops reading must not make the other side fill memory.
MAX_WAITING = 1000


@dataclass(frozen=True, slots=True)
class _Reconnecting:
    attempt: int


@dataclass(frozen=True, slots=True)
class _Reconnected:
    attempts: int


@dataclass(frozen=True, slots=True)
class _Ended:
    error: BaseException | None


_Arrival = Event | Progress | _Reconnecting | _Reconnected | _Ended


def follow(
    client: Client,
    job_id: str,
    screen: Screen,
    *,
    until_seconds: float | None = None,
    tick_seconds: float = 1.0,
    clock: Callable[[], float] = time.monotonic,
) -> bool:
    """Show a job's events on ``screen`` until its last one; the caller closes the screen.

    Returns False when ``until_seconds`` passed before that. Raises ClientError as ``Client.watch`` does.
    """
    arrivals: queue.Queue[_Arrival] = queue.Queue(MAX_WAITING)
    watch = client.watch(
        job_id,
        include_progress=screen.wants_progress,
        on_reconnect=lambda attempt: arrivals.put(_Reconnecting(attempt)),
        on_reconnected=lambda attempts: arrivals.put(_Reconnected(attempts)),
    )
    reader = threading.Thread(target=_read, args=(watch, arrivals), name="watch", daemon=True)
    with watch:
        reader.start()
        return _draw(arrivals, screen, clock, tick_seconds, None if until_seconds is None else clock() + until_seconds)


def _read(watch: Watch, arrivals: queue.Queue[_Arrival]) -> None:
    error: BaseException | None = None
    try:
        for item in watch:
            arrivals.put(item)
    except BaseException as caught:  # noqa: BLE001 - it is raised again where it is heard
        error = caught
    arrivals.put(_Ended(error))


def _draw(arrivals: queue.Queue[_Arrival], screen: Screen, clock: Callable[[], float], tick_seconds: float, deadline: float | None) -> bool:
    heard = ticked = clock()
    while True:
        now = clock()
        if deadline is not None and now >= deadline:
            return False
        try:
            arrival = arrivals.get(timeout=tick_seconds if deadline is None else min(tick_seconds, deadline - now))
        except queue.Empty:
            ticked = clock()
            screen.idle(ticked - heard)
            continue
        heard = clock()
        if heard - ticked >= tick_seconds:
            # A flood of events must neither freeze the clock on the screen nor its keys.
            ticked = heard
            screen.idle(0.0)
        if isinstance(arrival, _Ended):
            if arrival.error is not None:
                raise arrival.error
            return True
        if isinstance(arrival, _Reconnecting):
            screen.reconnecting(arrival.attempt)
        elif isinstance(arrival, _Reconnected):
            screen.reconnected(arrival.attempts)
        else:
            screen.show(arrival)
