"""Why a job ended: a closed list, each reason bound to the one outcome it explains."""

from __future__ import annotations

import enum

from trainyard.service.core.states import State


class Reason(enum.StrEnum):
    """Why a job ended."""

    COMPLETED = "completed"
    EARLY_STOPPED = "early_stopped"
    STOPPED = "stopped"
    TIME_LIMIT = "time_limit"
    USER = "user"
    SPEC = "spec"
    DATA = "data"
    OOM_DEVICE = "oom_device"
    OOM_HOST = "oom_host"
    NONFINITE_LOSS = "nonfinite_loss"
    DIVERGED = "diverged"
    TIMEOUT = "timeout"
    TRAINER_LOST = "trainer_lost"
    DISK_FULL = "disk_full"
    SERVER = "server"

    @property
    def outcome(self) -> State:
        """The terminal state that this reason explains."""
        if self in _WELL:
            return State.SUCCEEDED
        return State.CANCELLED if self is Reason.USER else State.FAILED


_WELL = frozenset({Reason.COMPLETED, Reason.EARLY_STOPPED, Reason.STOPPED, Reason.TIME_LIMIT})


def of(outcome: State) -> tuple[Reason, ...]:
    """List the reasons that can explain ``outcome``, in declared order; none for a state that is not terminal."""
    return tuple(reason for reason in Reason if reason.outcome is outcome)
