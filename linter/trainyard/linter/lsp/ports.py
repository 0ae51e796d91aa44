"""What this room needs from whoever starts it: somebody who judges a text as the settings for its path demand."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from trainyard.linter.engine.report import Report


class Verdict(NamedTuple):
    """A report (``None``: the settings leave this file out), and a complaint about the settings themselves."""

    report: Report | None
    complaint: str | None = None


class Judge(Protocol):
    """Judges texts that are being written. Never raises for what a text or a settings file holds."""

    def judge(self, path: str, raw: bytes) -> Verdict:
        """Return the verdict on a text as if it lay at ``path``, without asking for what is not written yet."""

    def forget(self) -> None:
        """Read the settings anew at the next judgement: a file that holds some may have changed."""
