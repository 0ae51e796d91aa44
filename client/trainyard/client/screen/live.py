"""A live line below the epochs, for a terminal: where the running epoch is, and how long it will take.

Epoch lines stay on the screen above it, so that the history can be scrolled and copied. This is the only
module that knows rich.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.text import Text

from trainyard.client.screen import phrases
from trainyard.client.values import event as kinds
from trainyard.client.values.event import Event, Progress
from trainyard.linter.report.terminal import harmless

if TYPE_CHECKING:
    from trainyard.client.values.job import Job


class Live:
    """Draws on ``stream``, which is a terminal; ``color`` False leaves colours out."""

    wants_progress = True

    def __init__(self, stream: TextIO, *, color: bool) -> None:
        self._console = Console(file=stream, force_terminal=True, no_color=not color, highlight=False, emoji=False, markup=False)
        self._bar = Bar(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[note]}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            refresh_per_second=4,
            transient=True,
        )
        self._task = self._bar.add_task("", total=None, note="")
        self._epoch_seconds = 0.0

    def begin(self, job: Job) -> None:
        """Say which job this is, and start the live line."""
        self._print(f"{job.experiment}  {job.id}")
        self._bar.update(self._task, description=phrases.standing(job), total=job.epochs_planned or None, completed=job.epoch)
        self._bar.start()

    def show(self, item: Event | Progress) -> None:
        """Move the live line, and keep what is worth keeping above it."""
        if isinstance(item, Progress):
            self._run(item)
            return
        line = phrases.happening(item, self._console.width)
        if line is not None:
            self._print(line)
        if isinstance(item.what, kinds.EpochFinished):
            self._advance(item.what)
        elif isinstance(item.what, kinds.StateChanged):
            self._bar.update(self._task, description=item.what.after.value, note="")

    def reconnecting(self, attempt: int) -> None:
        """Say so in the live line."""
        self._bar.update(self._task, note=f"reconnecting ({attempt})")

    def idle(self, silent_seconds: float) -> None:
        """Do nothing: the live line shows that time passes."""

    def close(self) -> None:
        """Take the live line away and show the cursor again."""
        self._bar.stop()

    def _run(self, progress: Progress) -> None:
        part = progress.step / progress.steps if progress.steps else 0.0
        note = f"step {progress.step}/{progress.steps}  {phrases.metrics(progress.metrics)}".rstrip()
        self._bar.update(self._task, completed=progress.epoch - 1 + part, note=harmless(note))

    def _advance(self, epoch: kinds.EpochFinished) -> None:
        left = (epoch.epochs_planned - epoch.epoch) * epoch.seconds
        note = f"epoch {epoch.epoch}/{epoch.epochs_planned}{f', about {phrases.duration(left)} left' if left else ''}"
        self._bar.update(self._task, total=epoch.epochs_planned or None, completed=epoch.epoch, note=note)

    def _print(self, line: str) -> None:
        # Text, because a server's words are no markup.
        self._console.print(Text(harmless(line)), soft_wrap=True)
