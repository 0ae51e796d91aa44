"""One JSON object a line, for programs; and nothing at all, for those who only want the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from trainyard.client import documents

if TYPE_CHECKING:
    from trainyard.client.values.event import Event, Progress
    from trainyard.client.values.job import Job


class JsonLines:
    """Writes every event as one object to ``stream``, flushed line by line."""

    wants_progress = False
    tick_seconds = 1.0

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def begin(self, job: Job) -> None:
        """Write nothing: the first event tells it."""

    def show(self, item: Event | Progress) -> None:
        """Write an event."""
        self._line(documents.watched(item))

    def reconnecting(self, attempt: int) -> None:
        """Write that the connection is being mended."""
        self._line(documents.reconnecting(attempt))

    def reconnected(self, attempts: int) -> None:
        """Write that it is mended."""
        self._line(documents.reconnected(attempts))

    def idle(self, silent_seconds: float) -> None:
        """Write nothing: a program needs no sign of life."""

    def close(self) -> None:
        """Leave everything as it is."""

    def _line(self, document: documents.Document) -> None:
        self._stream.write(documents.dump(document) + "\n")
        self._stream.flush()


class Silent:
    """Shows nothing."""

    wants_progress = False
    tick_seconds = 1.0

    def begin(self, job: Job) -> None:
        """Show nothing."""

    def show(self, item: Event | Progress) -> None:
        """Show nothing."""

    def reconnecting(self, attempt: int) -> None:
        """Show nothing."""

    def reconnected(self, attempts: int) -> None:
        """Show nothing."""

    def idle(self, silent_seconds: float) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Leave everything as it is."""
