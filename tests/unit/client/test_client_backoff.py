from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import grpc
import pytest

from trainyard.client import errors
from trainyard.client.address import Address
from trainyard.client.backoff import Patience
from trainyard.client.settings import Settings
from trainyard.client.values.event import Event, StateChanged, Unknown
from trainyard.client.values.job import JobState
from trainyard.client.watching import Surroundings, Watch


def test_the_ceiling_doubles_until_it_stops_growing() -> None:
    patience = Patience(first_ceiling_seconds=0.2, last_ceiling_seconds=10.0)
    assert [patience.wait_seconds(attempt, lambda: 1.0) for attempt in (1, 2, 3, 6, 7, 500)] == [0.2, 0.4, 0.8, 6.4, 10.0, 10.0]


def test_the_wait_is_drawn_from_zero_on_so_that_watchers_do_not_return_together() -> None:
    assert Patience().wait_seconds(5, lambda: 0.0) == 0.0


class Lost(grpc.RpcError):
    """The server is gone."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNAVAILABLE


class Stage:
    """Stands for a connection: each stream lasts some seconds of a clock of its own, then breaks; after those the job ends."""

    def __init__(self, lasting_seconds: list[float], *, met: bool) -> None:
        self.settings = Settings(Address("127.0.0.1", 1), None, None)
        self.now = 0.0
        self.opened = 0
        self.attempts: list[int] = []
        self._lasting = deque(lasting_seconds)
        self._met = met

    def stream(self, _call: object) -> Stage:
        self.opened += 1
        return self

    def cancel(self) -> None:
        """Nothing runs."""

    def __iter__(self) -> Iterator[Event]:
        if self._met and self.opened == 1:
            yield Event("j", 1, None, 1, Unknown())
        if not self._lasting:
            yield Event("j", 2, None, 1, StateChanged(JobState.RUNNING, JobState.FAILED, "data", ""))
            return
        self.now += self._lasting.popleft()
        raise Lost

    def watch(self, patience: Patience) -> Watch:
        surroundings = Surroundings(clock=lambda: self.now, draw=lambda: 0.0)
        return Watch(self, "j", on_reconnect=self.attempts.append, patience=patience, surroundings=surroundings)  # type: ignore[arg-type]  # a stand-in


def test_a_long_silence_that_ends_in_a_break_is_not_an_outage() -> None:
    stage = Stage([1.0, 700.0, 700.0, 1.0, 1.0], met=True)
    assert [item.seq for item in stage.watch(Patience(outage_seconds=600)) if isinstance(item, Event)] == [1, 2]
    assert stage.attempts == [1, 1, 1, 2, 3]


def test_an_outage_is_given_up_when_patience_ends() -> None:
    stage = Stage([1.0] * 1000, met=True)
    with pytest.raises(errors.Unreachable):
        list(stage.watch(Patience(outage_seconds=60)))
    assert 60 <= stage.opened <= 63


def test_a_server_that_was_never_met_gets_less_patience() -> None:
    stage = Stage([1.0] * 1000, met=False)
    with pytest.raises(errors.Unreachable):
        list(stage.watch(Patience(introduction_seconds=5)))
    assert 5 <= stage.opened <= 8
