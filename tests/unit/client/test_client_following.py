"""One thread reads, another draws: what is heard is shown, silence is noticed, and trouble reaches the caller."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self, cast

import pytest

from trainyard.client.client import Client
from trainyard.client.errors import NotFound
from trainyard.client.following import follow
from trainyard.client.screen.lines import Silent
from trainyard.client.values.event import EpochFinished, Event, Progress

WAIT_SECONDS = 20.0


class Recording(Silent):
    """A screen that remembers."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.idled = threading.Event()

    def show(self, item: Event | Progress) -> None:
        self.heard.append(f"event {item.seq}" if isinstance(item, Event) else "progress")

    def reconnecting(self, attempt: int) -> None:
        self.heard.append(f"reconnecting {attempt}")

    def reconnected(self, attempts: int) -> None:
        self.heard.append(f"reconnected {attempts}")

    def idle(self, silent_seconds: float) -> None:
        assert silent_seconds >= 0
        self.idled.set()


class Script:
    """Stands for client and watch: plays what it is given, and knows when it was closed."""

    def __init__(self, play: Callable[[Callable[[int], None]], Iterator[Event]]) -> None:
        self._play = play
        self._on_reconnect: Callable[[int], None] = lambda _attempt: None
        self.on_reconnected: Callable[[int], None] = lambda _attempts: None
        self.closed = threading.Event()
        self.options: dict[str, Any] = {}

    def watch(self, _job_id: str, *, on_reconnect: Callable[[int], None], on_reconnected: Callable[[int], None], **options: Any) -> Self:
        self._on_reconnect, self.on_reconnected, self.options = on_reconnect, on_reconnected, options
        return self

    def __iter__(self) -> Iterator[Event]:
        return self._play(self._on_reconnect)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.closed.set()

    @property
    def client(self) -> Client:
        return cast("Client", self)


def test_what_is_heard_is_shown_in_order(make_event: Callable[..., Event], make_epoch: Callable[..., EpochFinished]) -> None:
    def play(on_reconnect: Callable[[int], None]) -> Iterator[Event]:
        yield make_event(make_epoch(), 1)
        on_reconnect(1)
        yield make_event(make_epoch(), 2)

    script, screen = Script(play), Recording()
    assert follow(script.client, "j", screen)
    assert screen.heard == ["event 1", "reconnecting 1", "event 2"]
    assert script.closed.is_set()
    assert script.options == {"include_progress": False}


def test_a_silence_is_noticed_while_the_reader_waits(make_event: Callable[..., Event], make_epoch: Callable[..., EpochFinished]) -> None:
    screen = Recording()

    def play(_on_reconnect: Callable[[int], None]) -> Iterator[Event]:
        assert screen.idled.wait(WAIT_SECONDS)
        yield make_event(make_epoch(), 1)

    assert follow(Script(play).client, "j", screen, tick_seconds=0.001)
    assert screen.heard == ["event 1"]


@pytest.mark.parametrize("error", [NotFound("gone"), ZeroDivisionError("a fault of ours")])
def test_trouble_in_the_reader_reaches_the_caller(error: Exception) -> None:
    def fail(_on_reconnect: Callable[[int], None]) -> Iterator[Event]:
        raise error

    script = Script(fail)
    with pytest.raises(type(error)):
        follow(script.client, "j", Recording())
    assert script.closed.is_set()


def test_the_time_to_follow_can_be_limited() -> None:
    script: Script

    def play(_on_reconnect: Callable[[int], None]) -> Iterator[Event]:
        assert script.closed.wait(WAIT_SECONDS)
        yield from ()

    script = Script(play)
    assert not follow(script.client, "j", Recording(), until_seconds=0.01)
