"""Batches that are made ahead of their use: in order, over launches, and no longer than somebody wants them."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from trainyard.service.trainer.speed import samples
from trainyard.service.trainer.speed.samples import Ahead


class Made:
    """Stands in for batches: counts what is made, and fails at ``broken``."""

    def __init__(self, count: int = 50, broken: int | None = None) -> None:
        self.count, self.broken = count, broken
        self.made: list[int] = []
        self.lock = threading.Lock()

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[int]:
        with self.lock:
            self.made.append(index)
        if index == self.broken:
            raise OSError("gone")
        return (index,)

    nbytes = 1040
    in_memory = True


def numbers(batches: Iterator[Any]) -> list[int]:
    return [batch[0] for batch in batches]


def test_launches_follow_each_other_without_making_a_batch_twice() -> None:
    made = Made()
    ahead = Ahead(made)  # type: ignore[arg-type] # has what is used
    taken = [number for first in range(0, 50, 10) for number in numbers(ahead.take(first, 10))]
    assert taken == list(range(50))
    assert made.made == list(range(50))


def test_a_run_may_begin_within_an_epoch_and_a_new_epoch_begins_anew() -> None:
    made = Made()
    ahead = Ahead(made)  # type: ignore[arg-type] # has what is used
    assert numbers(ahead.take(30, 5)) == [30, 31, 32, 33, 34]
    ahead.begin()
    assert numbers(ahead.take(0, 3)) == [0, 1, 2]
    assert len(made.made) <= 8 + 2 * 4


def test_what_making_a_batch_raises_is_raised_where_it_is_taken() -> None:
    ahead = Ahead(Made(broken=3))  # type: ignore[arg-type] # has what is used
    batches = ahead.take(0, 10)
    assert [next(batches)[0] for _ in range(3)] == [0, 1, 2]
    with pytest.raises(OSError, match="gone"):
        next(batches)


def test_waiting_is_counted() -> None:
    ticks = iter(range(1000))
    ahead = Ahead(Made(), lambda: float(next(ticks)))  # type: ignore[arg-type] # has what is used
    numbers(ahead.take(0, 7))
    assert ahead.waited_seconds == 7.0


def test_samples_lie_on_the_device_when_they_take_a_quarter_of_its_memory_at_most() -> None:
    assert samples.fit(Made(), 4160)  # type: ignore[arg-type] # has what is used
    assert not samples.fit(Made(), 4159)  # type: ignore[arg-type] # has what is used


def test_samples_that_lie_on_disk_never_lie_on_the_device_whole() -> None:
    made = Made()
    made.in_memory = False
    assert not samples.fit(made, 10**9)  # type: ignore[arg-type] # has what is used
