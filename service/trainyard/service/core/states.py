"""Where a job can stand, and what may move it: one table, one function.

Every change of a job's state, whoever asks for it, goes through :func:`advance`. The table is written
out in full so that a reader sees at a glance what is legal; what is not in it is refused. It knows
nothing of time, processes or databases. Commands come in two sorts: those that people give (pause,
stop, cancel …) and those that the server gives itself when it has seen something happen.
"""

from __future__ import annotations

import enum

from trainyard.service.core.errors import IllegalCommandError


class State(enum.StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    """Waiting for a slot."""
    STARTING = "starting"
    """Its trainer process is coming up."""
    RUNNING = "running"
    """Training."""
    PAUSING = "pausing"
    """Asked to pause; the bundle is being written."""
    PAUSED = "paused"
    """Holds a bundle and no slot."""
    STOPPING = "stopping"
    """Asked to stop; the best model is being evaluated."""
    CANCELLING = "cancelling"
    """Asked to cancel; the process is being ended."""
    SUCCEEDED = "succeeded"
    """Ended well."""
    FAILED = "failed"
    """Ended badly."""
    CANCELLED = "cancelled"
    """Ended on request, without a model."""

    @property
    def terminal(self) -> bool:
        """True when no command can move the job any more."""
        return self in TERMINAL


class Command(enum.StrEnum):
    """What can happen to a job."""

    START = "start"
    """A slot is free: a trainer is started."""
    BEGIN = "begin"
    """The trainer said that it is up."""
    PAUSE = "pause"
    """Somebody asks it to pause."""
    HOLD = "hold"
    """The trainer said that its bundle is written."""
    RESUME = "resume"
    """Somebody asks it to go on."""
    STOP = "stop"
    """Somebody asks it to end and keep its best model."""
    KEEP = "keep"
    """A job that was to stop, and has no trainer, is ended with the best model that it holds."""
    CANCEL = "cancel"
    """Somebody asks it to end at once."""
    CLEAR = "clear"
    """No process of a cancelled job is left."""
    SUCCEED = "succeed"
    """The trainer said that it ended well."""
    FAIL = "fail"
    """The trainer said that it ended badly, or was lost with no attempt left."""
    RETRY = "retry"
    """The trainer was lost and an attempt is left, or it saved its place because it saw no server any more."""


TERMINAL = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED})
LIVE = frozenset(State) - TERMINAL
# States whose trainer process may exist.
ATTENDED = frozenset({State.STARTING, State.RUNNING, State.PAUSING, State.STOPPING, State.CANCELLING})

_ATTENDED_ALIVE = ATTENDED - {State.CANCELLING}

# What leads where. A state that a command leaves as it is makes the command idempotent: asking twice is asking once,
# and a word of the trainer that comes too late changes nothing.
_TABLE: dict[Command, dict[State, State]] = {
    Command.START: {State.QUEUED: State.STARTING},
    Command.BEGIN: {
        State.STARTING: State.RUNNING,
        State.RUNNING: State.RUNNING,
        State.PAUSING: State.PAUSING,
        State.STOPPING: State.STOPPING,
        State.CANCELLING: State.CANCELLING,
    },
    Command.PAUSE: {State.RUNNING: State.PAUSING, State.PAUSING: State.PAUSING, State.PAUSED: State.PAUSED},
    Command.HOLD: {State.PAUSING: State.PAUSED, State.CANCELLING: State.CANCELLING},
    Command.RESUME: {State.PAUSED: State.QUEUED, State.QUEUED: State.QUEUED},
    Command.STOP: {State.RUNNING: State.STOPPING, State.PAUSING: State.STOPPING, State.STOPPING: State.STOPPING},
    # A lost trainer evaluates no more, but the best model so far lies on the disk.
    Command.KEEP: {State.PAUSED: State.SUCCEEDED, State.STOPPING: State.SUCCEEDED},
    Command.CANCEL: {
        **dict.fromkeys(LIVE, State.CANCELLING),
        State.CANCELLED: State.CANCELLED,
    },
    Command.CLEAR: {State.CANCELLING: State.CANCELLED},
    Command.SUCCEED: {
        State.RUNNING: State.SUCCEEDED,
        State.PAUSING: State.SUCCEEDED,
        State.STOPPING: State.SUCCEEDED,
        State.CANCELLING: State.CANCELLING,
    },
    Command.FAIL: {**dict.fromkeys(_ATTENDED_ALIVE, State.FAILED), State.CANCELLING: State.CANCELLING},
    # Who asked for a pause gets one, from the bundle that is there; starting it again is what nobody asked for.
    Command.RETRY: {
        State.STARTING: State.QUEUED,
        State.RUNNING: State.QUEUED,
        State.PAUSING: State.PAUSED,
        State.CANCELLING: State.CANCELLING,
    },
}


def advance(state: State, command: Command) -> State:
    """Return the state that ``command`` leads to from ``state``; the same state when it changes nothing.

    Raises:
        IllegalCommandError: the command has no meaning in this state.
    """
    target = _TABLE[command].get(state)
    if target is None:
        raise IllegalCommandError(command=command.value, state=state.value)
    return target


def sources(command: Command) -> frozenset[State]:
    """Name the states in which ``command`` is legal."""
    return frozenset(_TABLE[command])
