"""The monitor on terminals of two sizes, as an emulator shows it; and what its keys do.

A picture is made anew by deleting its file below ``snapshots`` and running the test twice; look at what it wrote.
"""

from __future__ import annotations

import io
import math
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyte
import pytest
from tests.unit.client.conftest import NOON

from trainyard.client.screen import phrases
from trainyard.client.screen.course import Course
from trainyard.client.screen.frame import View, frame
from trainyard.client.screen.monitor import Monitor
from trainyard.client.screen.port import DetachedError
from trainyard.client.screen.terminal import Terminal
from trainyard.client.values import event as kinds
from trainyard.client.values.event import EpochFinished, Event, Happening, Progress
from trainyard.client.values.job import Job, JobState
from trainyard.linter.charts.text.screen import Screen
from trainyard.linter.report.terminal import width

SNAPSHOTS = Path(__file__).parent / "snapshots"
WAIT_SECONDS = 10.0


class Paper(Terminal):
    """A terminal of a fixed size that an emulator draws, with keys that are waiting."""

    def __init__(self, cells: int, rows: int) -> None:
        self.stream = io.StringIO()
        super().__init__(self.stream, io.StringIO(), {})
        self.cells, self.rows, self.keys = cells, rows, ""

    @property
    def size(self) -> tuple[int, int]:
        return self.cells, self.rows

    @property
    def has_keys(self) -> bool:
        return True

    def screen(self) -> Screen:
        return super().screen()._replace(unicode=True)

    def key(self) -> str:
        key, self.keys = self.keys[:1], self.keys[1:]
        return key

    def enter(self) -> None:
        self._open = True

    def shown(self) -> list[str]:
        emulator = pyte.Screen(self.cells, self.rows)
        pyte.Stream(emulator).feed(self.stream.getvalue().replace("\n", "\r\n"))
        return [line.rstrip() for line in emulator.display]


@pytest.fixture
def running(make_job: Callable[..., Job]) -> Job:
    return make_job(
        state=JobState.RUNNING,
        reason="",
        epochs_planned=40,
        metrics={},
        best_metrics={},
        artifacts=(),
        model="cnn",
        predicted_memory_bytes=(2**30, 2**31),
    )


@pytest.fixture
def story(make_event: Callable[..., Event], make_epoch: Callable[..., EpochFinished]) -> list[Event | Progress]:
    happenings: list[Happening] = [kinds.StateChanged(JobState.STARTING, JobState.RUNNING, "", "")]
    for epoch in range(1, 13):
        loss = 2 / epoch
        metrics = {
            "loss": loss,
            "val_loss": loss + abs(epoch - 8) / 10,
            "accuracy": 1 - loss / 4,
            "val_accuracy": math.nan if epoch == 3 else 1 - loss / 3,
        }
        happenings.append(make_epoch(epoch=epoch, epochs_planned=40, metrics=metrics, device_memory_bytes=3 * 2**29))
        happenings.append(kinds.CheckpointSaved(epoch, "val_loss", metrics["val_loss"], epoch <= 8, "best.keras"))
    happenings += [
        kinds.LearningRateChanged(10, 0.002, 0.001, "reduce_on_plateau"),
        kinds.Diagnosis("overfitting", 12, "the validation loss grows since epoch 8; add dropout or stop", 0.8),
    ]
    events = [replace(make_event(what, seq), time=datetime(2026, 3, 1, 12, tzinfo=UTC)) for seq, what in enumerate(happenings, 1)]
    return [*events, Progress("j", 13, 20, 40, {"loss": 0.15})]


def monitor(paper: Paper, calls: list[str] | None = None, answered: threading.Event | None = None) -> Monitor:
    def order(name: str) -> Callable[[], str]:
        def run() -> str:
            if calls is not None:
                calls.append(name)
            if answered is not None:
                answered.set()
            return f"asked to {name}"

        return run

    verbs = {name: order(name) for name in ("pause", "resume", "stop")}
    return Monitor(paper, verbs, memory_bytes=16 * 2**30, clock=lambda: 0.0, now=lambda: NOON + timedelta(seconds=65))


@pytest.mark.parametrize("cells,rows", [(80, 24), (200, 50)])
def test_the_monitor_looks_as_it_was_looked_at(running: Job, story: Sequence[Event | Progress], cells: int, rows: int) -> None:
    paper = Paper(cells, rows)
    shown = monitor(paper)
    shown.begin(running)
    for item in story:
        shown.show(item)
    shown.idle(0.0)
    # The clock on the wall is the reader's own.
    text = re.sub(r"^\d\d:\d\d:\d\d", "hh:mm:ss", "\n".join(paper.shown()), flags=re.MULTILINE) + "\n"
    snapshot = SNAPSHOTS / f"monitor-{cells}x{rows}.txt"
    if not snapshot.exists():
        snapshot.write_text(text, encoding="utf-8")
        pytest.fail(f"{snapshot.name} is new: look at it and run the test again")
    assert text == snapshot.read_text(encoding="utf-8")


@pytest.mark.parametrize("cells", [20, 40, 80, 133, 400])
@pytest.mark.parametrize("rows", [3, 8, 24, 60])
def test_no_line_is_wider_and_no_picture_higher_than_the_screen(
    running: Job, story: Sequence[Event | Progress], cells: int, rows: int
) -> None:
    course = Course(running._replace(experiment="名" * 40, dataset="d" * 300))
    for item in story:
        course.take(item)
    lines = frame(course, View(65.0, "a notice " * 30, "p pause   s stop", 2**34), Screen(cells), rows)
    assert len(lines) <= rows
    assert max(width(line) for line in lines) <= cells
    assert all(line.isascii() for line in frame(course, View(), Screen(cells, unicode=False), rows) if "?" not in line)


def test_only_rows_that_changed_are_written(running: Job, story: Sequence[Event | Progress]) -> None:
    paper = Paper(80, 24)
    shown = monitor(paper)
    shown.begin(running)
    for item in story:
        shown.show(item)
    shown.idle(0.0)
    before = len(paper.stream.getvalue())
    shown.idle(0.0)
    assert len(paper.stream.getvalue()) == before
    shown.show(Progress("j", 13, 21, 40, {}))
    shown.idle(0.0)
    assert paper.stream.getvalue()[before:].count("\x1b[K") == 1
    paper.cells = 100
    shown.idle(0.0)
    assert "\x1b[2J" in paper.stream.getvalue()[before:]


def test_keys_ask_pause_and_leave(running: Job) -> None:
    paper, calls, answered = Paper(80, 24), list[str](), threading.Event()
    shown = monitor(paper, calls, answered)
    shown.begin(running)
    paper.keys = "sn"
    shown.idle(0.0)
    assert not calls
    assert any("not stopped" in line for line in paper.shown())
    paper.keys = "sy"
    shown.idle(0.0)
    assert answered.wait(WAIT_SECONDS)
    assert calls == ["stop"]
    paper.keys = "q"
    with pytest.raises(DetachedError):
        shown.idle(0.0)


def test_a_break_is_told_until_it_is_mended(running: Job) -> None:
    paper = Paper(80, 24)
    shown = monitor(paper)
    shown.begin(running)
    shown.reconnecting(3)
    assert any("reconnecting (3)" in line for line in paper.shown())
    shown.reconnected(3)
    shown.idle(0.0)
    assert any("reconnected (3)" in line for line in paper.shown())
    assert not any("reconnecting" in line for line in paper.shown())


def test_what_others_wrote_can_not_drive_the_terminal(running: Job, make_event: Callable[..., Event]) -> None:
    paper = Paper(80, 24)
    shown = monitor(paper)
    shown.begin(running._replace(experiment="\x1b[2J\x07evil"))
    shown.show(make_event(kinds.Diagnosis("x\x1b]0;owned\x07", 4, "\x1b[31mred", 0.5)))
    shown.idle(0.0)
    assert "\x1b]0" not in paper.stream.getvalue()
    assert "\x07" not in paper.stream.getvalue()
    assert "\x1b[31m" not in paper.stream.getvalue()


def test_an_epoch_that_is_told_again_undoes_what_came_after_it(running: Job, story: Sequence[Event | Progress]) -> None:
    course = Course(running)
    for item in story:
        course.take(item)
    revised = next(item for item in story if isinstance(item, Event) and isinstance(item.what, EpochFinished) and item.what.epoch == 9)
    assert isinstance(revised.what, EpochFinished)
    course.take(replace(revised, what=kinds.EpochRevised(revised.what, 5)))
    assert max(course.epochs) == 9
    assert course.seconds_left == pytest.approx(31 * 1.4)
    assert phrases.duration(course.seconds_left or 0) == "43 s"
