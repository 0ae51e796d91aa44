"""The supervisor's loop: who writes is heard at once, between rounds and while they rest; rounds leave time to others."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
import structlog

from trainyard.service.core.errors import StoreUnavailableError
from trainyard.service.core.jobs import Change
from trainyard.service.core.states import State
from trainyard.service.executor import loop as loops
from trainyard.service.executor.loop import SupervisorLoop
from trainyard.service.executor.supervisor import Pace


@dataclass
class Rounds:
    """Counts rounds and what was heard between them."""

    pace: Pace = Pace.LATER
    due: bool = False
    every_slot_taken: bool = False
    ticks: int = 0
    heard: list[set[str]] = field(default_factory=list)
    during: Callable[[], object] = lambda: None
    something: threading.Condition = field(default_factory=threading.Condition)

    def tick(self) -> Pace:
        self.during()
        with self.something:
            self.ticks += 1
            self.something.notify_all()
        return self.pace

    def hear(self, job_ids: set[str]) -> bool:
        with self.something:
            self.heard.append(job_ids)
            self.something.notify_all()
        return self.due

    def full(self) -> bool:
        return self.every_slot_taken

    def until(self, condition: Callable[[], bool]) -> None:
        with self.something:
            assert self.something.wait_for(condition, 20)


@pytest.fixture
def loop() -> Iterator[SupervisorLoop]:
    made = SupervisorLoop()
    yield made
    made.stop()


def test_what_was_written_is_heard_without_a_round(loop: SupervisorLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "GAP_SECONDS", 3600.0)
    rounds = Rounds()
    loop.start(rounds)
    rounds.until(lambda: rounds.ticks == 1)
    loop.heard({"a"})
    rounds.until(lambda: rounds.heard == [{"a"}])
    assert rounds.ticks == 1


def test_a_round_that_is_due_after_hearing_comes_when_others_had_their_time(loop: SupervisorLoop) -> None:
    rounds = Rounds(due=True)
    loop.start(rounds)
    rounds.until(lambda: rounds.ticks == 1)
    began = time.monotonic()
    loop.heard({"a"})
    rounds.until(lambda: rounds.ticks == 2)
    assert time.monotonic() - began < Pace.LATER.value


def test_rounds_in_a_hurry_leave_a_gap(loop: SupervisorLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "GAP_SECONDS", 0.2)
    moments: list[float] = []
    rounds = Rounds(pace=Pace.AT_ONCE, during=lambda: moments.append(time.monotonic()))
    loop.start(rounds)
    rounds.until(lambda: rounds.ticks >= 4)
    assert all(later - earlier >= 0.19 for earlier, later in itertools.pairwise(moments))


def test_what_is_written_within_a_round_can_be_taken_within_it(loop: SupervisorLoop) -> None:
    taken: list[set[str]] = []

    def during() -> None:
        loop.heard({"b"})
        taken.append(loop.taken())

    rounds = Rounds(during=during)
    loop.start(rounds)
    rounds.until(lambda: rounds.ticks == 1)
    assert taken[0] == {"b"}
    assert rounds.heard == []


def test_a_fault_in_a_round_ends_no_supervision(loop: SupervisorLoop, capsys: pytest.CaptureFixture[str]) -> None:
    faults = iter([True])

    def during() -> None:
        if next(faults, False):
            raise ZeroDivisionError

    rounds = Rounds(during=during)
    loop.start(rounds)
    loop.heard({"c"})
    rounds.until(lambda: rounds.heard == [{"c"}])


def test_a_store_that_does_not_answer_is_logged_with_its_reason(loop: SupervisorLoop) -> None:
    def during() -> None:
        raise StoreUnavailableError from ValueError("database is locked\n[SQL: …]")

    with structlog.testing.capture_logs() as logged:
        loop.start(Rounds(during=during))
        deadline = time.monotonic() + 20
        while not logged:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        loop.stop()
    assert (logged[0]["event"], logged[0]["cause"]) == ("round-failed", "database is locked")


def change(state: State) -> Change:
    moved: Any = SimpleNamespace(state=state)
    return Change(moved)


def test_a_job_that_is_queued_while_every_slot_is_taken_wakes_nobody(loop: SupervisorLoop) -> None:
    rounds = Rounds(every_slot_taken=True)
    loop.start(rounds)
    rounds.until(lambda: rounds.ticks == 1)
    loop.committed(change(State.QUEUED))
    assert not loop._round_wanted
    loop.committed(change(State.CANCELLING))
    rounds.until(lambda: rounds.ticks == 2)


def test_a_job_that_is_queued_while_a_slot_is_free_is_looked_after_at_once(loop: SupervisorLoop) -> None:
    rounds = Rounds()
    loop.start(rounds)
    rounds.until(lambda: rounds.ticks == 1)
    began = time.monotonic()
    loop.committed(change(State.QUEUED))
    rounds.until(lambda: rounds.ticks == 2)
    assert time.monotonic() - began < Pace.LATER.value
