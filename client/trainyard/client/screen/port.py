"""What a screen is, and which one suits the place where the output goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol, TextIO

if TYPE_CHECKING:
    from trainyard.client.values.event import Event, Progress
    from trainyard.client.values.job import Job

#: What the keys of a monitor can do: a word, and what to call; it returns a sentence to show, and may take its time.
Orders = Mapping[str, Callable[[], str]]
MODES = ("auto", "tty", "plain", "json", "none")


class DetachedError(Exception):
    """The user has seen enough; the job goes on."""


class Screen(Protocol):
    """Shows one job while it is followed; called from one thread only."""

    wants_progress: bool
    #: How often ``idle`` is called at least.
    tick_seconds: float

    def begin(self, job: Job) -> None:
        """Show how the job stands before the first event."""

    def show(self, item: Event | Progress) -> None:
        """Show what has happened."""

    def reconnecting(self, attempt: int) -> None:
        """Show that the connection broke and is being mended."""

    def reconnected(self, attempts: int) -> None:
        """Show that it is mended, after so many attempts."""

    def idle(self, silent_seconds: float) -> None:
        """Take note that nothing has been heard for so long; called every ``tick_seconds``. Raises DetachedError."""

    def close(self) -> None:
        """Leave the terminal as it was. Called whatever happened, and perhaps twice."""


def decide(mode: str, stream: TextIO, environment: Mapping[str, str], *, foreground: bool = True) -> str:
    """Turn ``auto`` into what suits ``stream``: a live display only on a terminal that can move its cursor."""
    if mode != "auto":
        return mode
    return "tty" if stream.isatty() and environment.get("TERM") != "dumb" and foreground else "plain"
