"""Whether to try a transfer again after a break, and when. Owns neither clock nor chance."""

from __future__ import annotations

from collections.abc import Callable

import grpc

from trainyard.client.backoff import Patience
from trainyard.client.errors import ClientError, ServerFault
from trainyard.client.meaning import code_of

_AGAIN = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN})


class Persistence:
    """Counts attempts in a row that brought nothing; every byte that arrives sets it back."""

    def __init__(self, patience: Patience, clock: Callable[[], float], draw: Callable[[], float]) -> None:
        self._patience = patience
        self._clock = clock
        self._draw = draw
        self._attempts = 0
        self._since: float | None = None
        self._met = False

    def broken(self, error: grpc.RpcError, cause: ClientError, *, progressed: bool) -> float:
        """Return the seconds to wait before the next attempt; raises ``cause`` when none would help or patience is at its end."""
        if code_of(error) not in _AGAIN:
            raise cause from error
        return self._wait(cause, progressed=progressed)

    def ended(self, *, progressed: bool) -> None:
        """Take note of a stream that ended by itself; raises when that keeps happening and nothing comes."""
        self._met = True
        if progressed:
            self._attempts, self._since = 0, None
            return
        self._attempts += 1
        if self._attempts > self._patience.faults:
            raise ServerFault("the server ends the transfer again and again without sending anything")

    def _wait(self, cause: ClientError, *, progressed: bool) -> float:
        now = self._clock()
        if progressed:
            self._met, self._attempts, self._since = True, 0, None
        self._since = now if self._since is None else self._since
        self._attempts += 1
        limit = self._patience.outage_seconds if self._met else self._patience.introduction_seconds
        if now - self._since > limit:
            raise cause
        return self._patience.wait_seconds(self._attempts, self._draw)
