"""What can go wrong in a run, as reason codes that scripts read and sentences that people read.

Everything the trainer raises on purpose is a ``TrainerError``; ``explain`` sorts the rest: a full disk, memory
that ran out, or a fault of ours. Sentences name files relative to the dataset, never the machine's own paths.
Knows no Keras: an allocation that failed on the device is recognised by ``backend`` and handed in.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import ClassVar

SPEC, DATA = "spec", "data"
OOM_DEVICE, OOM_HOST = "oom_device", "oom_host"
NONFINITE_LOSS, DIVERGED = "nonfinite_loss", "diverged"
DISK_FULL, TRAINER_LOST, SERVER = "disk_full", "trainer_lost", "server"

_MESSAGE_LIMIT = 1000
# A file-size limit (EFBIG) and a quota (EDQUOT) are full disks to whoever hits them.
_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class TrainerError(Exception):
    """A run that can not go on, for a reason that has a name; the message is for the person who wrote the spec."""

    reason: ClassVar[str] = SERVER


class SpecError(TrainerError):
    """The spec asks for something that can not be trained."""

    reason = SPEC


class DataError(TrainerError):
    """The data is not there, not readable, or not what the spec says."""

    reason = DATA


class DiskFullError(TrainerError):
    """A disk has no room for what has to lie on it."""

    reason = DISK_FULL


class NonFiniteLossError(TrainerError):
    """The loss became NaN or infinite in ``epoch`` (counted from 1)."""

    reason = NONFINITE_LOSS

    def __init__(self, loss: float, epoch: int) -> None:
        advice = "lower optimizer.learning_rate, warm it up, or bound the gradients with optimizer.clipnorm"
        super().__init__(f"The loss became {loss} in epoch {epoch}: {advice}.")
        self.epoch = epoch


class DeviceMemoryError(TrainerError):
    """The device has not enough memory for this model at this batch size."""

    reason = OOM_DEVICE


class DivergedError(TrainerError):
    """The loss blew up in ``epoch`` (counted from 1)."""

    reason = DIVERGED

    def __init__(self, message: str, epoch: int) -> None:
        super().__init__(message)
        self.epoch = epoch


class BundleError(TrainerError):
    """A bundle that this run can not go on from; made with the half sentence that says why."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The bundle of this run can not be used: {why}. Start the run anew, in a folder of its own.")


class DeviceMissingError(TrainerError):
    """Whoever started the trainer promised it a device that is not there."""


class InterruptedRun(Exception):  # noqa: N818 -- nothing went wrong: somebody asked
    """Somebody asked the run to end; ``word`` is a word of the control file."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


class PausedRun(Exception):  # noqa: N818 -- nothing went wrong: somebody asked
    """The run's bundle is written and the run ends; ``reason`` is ``wire.ASKED`` or ``wire.ORPHANED``."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class TerminatedRun(BaseException):
    """SIGTERM: end now. No ``Exception``, so that no handler on the way can swallow it."""


@dataclass(frozen=True, slots=True)
class Failure:
    """How a run failed: the reason code, one sentence, and whether it is a fault of ours (then the log has a traceback)."""

    reason: str
    message: str
    bug: bool = False


def explain(error: BaseException) -> Failure:
    """Sort an exception into a reason code and a sentence."""
    if isinstance(error, TrainerError):
        return Failure(error.reason, _clip(str(error)))
    if isinstance(error, TerminatedRun):
        return Failure(TRAINER_LOST, "The trainer was ended from outside by SIGTERM.")
    if isinstance(error, MemoryError):
        return Failure(OOM_HOST, _clip(f"The machine's memory is full: {error}".rstrip(": ") + "."))
    if isinstance(error, OSError) and _is_disk_full(error):
        return Failure(DISK_FULL, "The disk with the run folder is full, or a size limit was reached.")
    return Failure(SERVER, _clip(f"The trainer failed with {type(error).__name__}: {error}"), bug=True)


def _is_disk_full(error: OSError) -> bool:
    """Tell a full disk by its number, or by the text where a library (HDF5) lost the number."""
    return error.errno in _DISK_FULL or any(f"errno = {number}," in str(error) for number in _DISK_FULL)


def _clip(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MESSAGE_LIMIT else line[: _MESSAGE_LIMIT - 1] + "…"
