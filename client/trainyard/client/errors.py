"""What can go wrong between client and server, by meaning.

A caller branches on the class, a shell on ``exit_code``; the sentence in the exception is written for a
person and says what to do. The module knows no status code of gRPC: ``meaning`` does.
The exit codes are those of every Trainyard program; a test holds them to ``trainyard.linter.cli.exits``.
"""

# ruff: noqa: N818 - each name says what is the matter, which is more than that it is an error

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from trainyard.client.values.report import LintReport


class ClientError(Exception):
    """Something between client and server went wrong; ``str(error)`` is a sentence for a person."""

    exit_code: ClassVar[int] = 3


class BadSettings(ClientError):
    """The address or the token file can't be used as given."""

    exit_code = 2


class NotInstalled(ClientError):
    """Something that nobody has to have is not installed, and this needs it."""

    exit_code = 2


class Unreachable(ClientError):
    """No server answered at this address, or not in time."""

    exit_code = 4


class Refused(ClientError):
    """The server said no. The subclasses say why."""

    exit_code = 5


class SpecRefused(Refused):
    """The server's lint gate refused the spec; ``report`` holds its findings (at most 20 travel with the refusal)."""

    def __init__(self, message: str, report: LintReport) -> None:
        super().__init__(message)
        self.report = report


class InvalidRequest(Refused):
    """The request itself is malformed."""


class Unauthenticated(Refused):
    """The server does not know who is asking."""


class Forbidden(Refused):
    """The server knows who is asking, and this is not theirs to do."""


class WrongState(Refused):
    """The job's state does not allow the command."""


class Conflict(Refused):
    """The same request id was used before, for something else."""


class OverQuota(Refused):
    """Too much of something; ``retry_seconds`` says when to come back, where the server knows."""

    def __init__(self, message: str, retry_seconds: float | None) -> None:
        super().__init__(message)
        self.retry_seconds = retry_seconds


class NotSupported(Refused):
    """The server is of a version that can't do this."""


class NotFound(ClientError):
    """There is no such job, or it is somebody else's."""

    exit_code = 6


class Damaged(ClientError):
    """A file arrived with another content than its digest says, or under a name that leads out of the folder."""


class ServerFault(ClientError):
    """The server failed in a way it should not."""
