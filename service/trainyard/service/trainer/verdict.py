"""How a run ended, as the event log and the exit code say it."""

from __future__ import annotations

from dataclasses import dataclass

from trainyard.service import wire

COMPLETED, EARLY_STOPPED, STOPPED, TIME_LIMIT, USER = "completed", "early_stopped", "stopped", "time_limit", "user"

_EXIT_CODES = {wire.SUCCEEDED: 0, wire.PAUSED: 0, wire.FAILED: 1, wire.CANCELLED: 7}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The last word of a run."""

    outcome: str
    reason: str
    message: str

    @property
    def exit_code(self) -> int:
        """The process' exit code, in the table that all our commands share."""
        return _EXIT_CODES[self.outcome]

    def as_event(self) -> wire.Ended:
        """Return the last line of the event log."""
        return wire.Ended(self.outcome, self.reason, self.message)
