"""The monitor: one job on the whole screen, four pictures a second, and keys to pause it, to stop it and to leave."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from trainyard.client.screen.course import Course
from trainyard.client.screen.frame import View, chart, frame
from trainyard.client.screen.port import DetachedError, Orders
from trainyard.client.values.event import Event, Progress
from trainyard.client.values.job import JobState
from trainyard.linter.charts.text.screen import Screen as Paper
from trainyard.linter.report.terminal import harmless

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainyard.client.values.job import Job

TICK_SECONDS = 0.25
# A word about a command stays long enough to be read.
_NOTICE_SECONDS = 6.0
_LOOK_SECONDS = 5.0
_STOP = "stop now and keep the best model? y: yes, any other key: no"


class Canvas(Protocol):
    """A screen that is drawn on as a whole."""

    @property
    def size(self) -> tuple[int, int]:
        """Cells across and rows."""

    @property
    def has_keys(self) -> bool:
        """Whether keys can be read."""

    def screen(self) -> Paper:
        """Return width, characters and colours."""

    def enter(self) -> None:
        """Take the screen."""

    def leave(self) -> None:
        """Give it back."""

    def draw(self, lines: Sequence[str]) -> None:
        """Show these lines."""

    def key(self) -> str:
        """Return a key that was pressed, or nothing."""

    def say(self, lines: Sequence[str]) -> None:
        """Write lines that stay."""


class Monitor:
    """Shows a job on ``terminal``; ``orders`` are what the keys can do, ``look`` asks how the job stands, None when it can't."""

    wants_progress = True
    tick_seconds = TICK_SECONDS

    def __init__(
        self,
        terminal: Canvas,
        orders: Orders,
        look: Callable[[], Job | None] = lambda: None,
        *,
        memory_bytes: int = 0,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._terminal = terminal
        self._orders = orders
        self._look = look
        self._memory_bytes = memory_bytes
        self._clock = clock
        self._now = now
        self._course: Course | None = None
        self._notice = ""
        self._notice_until = 0.0
        self._away = 0
        self._asking = False
        self._busy: threading.Thread | None = None
        self._looked = clock()
        self._closed = False

    def begin(self, job: Job) -> None:
        """Take the screen and draw how the job stands."""
        self._course = Course(job)
        self._terminal.enter()
        self._draw()

    def show(self, item: Event | Progress) -> None:
        """Take in what has happened; it is drawn with the next tick."""
        self._known().take(item)

    def reconnecting(self, attempt: int) -> None:
        """Say so at the foot."""
        self._away = attempt
        self._draw()

    def reconnected(self, attempts: int) -> None:
        """Say so at the foot, for a while."""
        self._away = 0
        self._say(f"reconnected ({attempts})")

    def idle(self, silent_seconds: float) -> None:  # noqa: ARG002 - the clock on the screen shows that time passes
        """Read the keyboard and draw; raises DetachedError when the user leaves."""
        while key := self._terminal.key():
            self._press(key)
        self._glance()
        self._draw()

    def close(self) -> None:
        """Give the screen back, and leave the curves on it."""
        if self._closed or self._course is None:
            return
        self._closed = True
        self._terminal.leave()
        paper = self._terminal.screen()
        self._terminal.say([paper.shown(line) for line in chart(self._course, paper)])

    def _press(self, key: str) -> None:
        if self._asking:
            self._asking = False
            if key in "yY":
                self._order("stop")
            else:
                self._say("not stopped")
        elif key in "qQ":
            raise DetachedError
        elif key in "sS":
            self._asking = True
        elif key in "pP":
            self._order("resume" if self._known().state in {JobState.PAUSED, JobState.PAUSING} else "pause")

    def _order(self, name: str) -> None:
        """Ask in the background: a server that is slow must not freeze the picture."""
        if self._busy is not None and self._busy.is_alive():
            self._say("one thing at a time: the server has not answered yet")
            return
        self._say(f"asking to {name} …")
        self._busy = threading.Thread(target=lambda: self._say(self._orders[name]()), name="order", daemon=True)
        self._busy.start()

    def _glance(self) -> None:
        """While a job waits, its place in the queue changes and no event tells."""
        course = self._known()
        if course.state is not JobState.QUEUED or self._clock() - self._looked < _LOOK_SECONDS:
            return
        self._looked = self._clock()

        def look() -> None:
            job = self._look()
            if job is not None:
                course.look(job)

        threading.Thread(target=look, name="look", daemon=True).start()

    def _say(self, text: str) -> None:
        self._notice, self._notice_until = harmless(text), self._clock() + _NOTICE_SECONDS

    def _draw(self) -> None:
        if not self._closed:
            self._terminal.draw(frame(self._known(), self._view(), self._terminal.screen(), self._terminal.size[1]))

    def _view(self) -> View:
        course = self._known()
        notice = self._notice if self._clock() < self._notice_until else ""
        if self._away:
            notice = f"reconnecting ({self._away})"
        if self._asking:
            notice = _STOP
        started = course.job.started or course.job.created
        seconds = max(0.0, (self._now() - started).total_seconds()) if started else None
        pausing = "p resume" if course.state in {JobState.PAUSED, JobState.PAUSING} else "p pause"
        keys = f"{pausing}   s stop and keep the best   q leave it running" if self._terminal.has_keys else "Ctrl-C leaves it running"
        return View(seconds, notice, keys, self._memory_bytes)

    def _known(self) -> Course:
        assert self._course is not None  # noqa: S101 - begin comes first
        return self._course
