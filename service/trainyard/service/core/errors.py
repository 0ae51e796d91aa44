"""What can go wrong in the service, as exceptions whose docstring is the message.

They carry what a person or a program needs to act, as ``facts``; which gRPC code they become is
decided in ``rpc``. A message never holds a path of the server's machine or the name of a class.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainyard.service.core.jobstore import StoredReport


class ServiceError(Exception):
    """Something went wrong."""

    def __init__(self, **facts: object) -> None:
        # The message is the docstring's first paragraph with the facts filled in.
        self.facts: dict[str, str] = {name: str(value) for name, value in facts.items()}
        super().__init__(self.text())

    def text(self) -> str:
        """Return the message for a person."""
        template = inspect.cleandoc(type(self).__doc__ or "").split("\n\n", maxsplit=1)[0]
        return " ".join(template.split()).format(**self.facts)


class UnknownJobError(ServiceError):
    """There is no job {job!r} here. `trainyard jobs` lists those that are."""


class AmbiguousJobError(ServiceError):
    """{count} jobs start with {prefix!r}: write more of the id."""


class UnknownArtifactError(ServiceError):
    """Job {job} has no file {name!r}; `trainyard show {job}` lists those that it has."""


class UnknownReportError(ServiceError):
    """There is no lint report {report!r} here; reports of refused specs are kept for 24 hours."""


_STANDS = {
    "queued": "waits in the queue",
    "starting": "is just starting",
    "running": "is running",
    "pausing": "is about to pause",
    "paused": "is paused",
    "stopping": "is about to stop",
    "cancelling": "is being cancelled",
    "succeeded": "has succeeded",
    "failed": "has failed",
    "cancelled": "was cancelled",
}
_DONE = {"pause": "paused", "resume": "resumed", "stop": "stopped", "cancel": "cancelled", "delete": "deleted", "start": "started"}
#: What stands in a state's place where the job is over and its trainer is not gone yet.
HOLDING = "still holding a slot"
_SOON = "its trainer is about to end; try again in a moment"
_ADVICE = {
    "pause": "only a job that runs can",
    "resume": "only a paused job can",
    "stop": "only a job that runs, or is paused after its first epoch, can; cancel ends any other",
    "cancel": "it is over",
    "delete": "only a job that is over can; cancel it first",
}


class IllegalCommandError(ServiceError):
    """The job {stands} and can not be {done}: {advice}."""

    def __init__(self, *, command: str, state: str) -> None:
        said = {"stands": _STANDS.get(state, f"is {state}"), "done": _DONE.get(command, f"given the word {command!r}")}
        advice = _SOON if state == HOLDING else _ADVICE.get(command, "what it waits for has come already")
        super().__init__(state=state, command=command, advice=advice, **said)


class RequestReusedError(ServiceError):
    """The request id was used before with another spec or priority. Make a new id for a new job."""


class StaleAttemptError(ServiceError):
    """Attempt {attempt} of the job is over."""


class StaleOffsetError(ServiceError):
    """Somebody else has read the job's events already."""


class InvalidRequestError(ServiceError):
    """{field}: {problem}."""


class SpecError(ServiceError):
    """The spec can not be run; ``report`` tells why, and is kept for a day under its digest.

    Not raised itself.
    """

    def __init__(self, report: StoredReport, **facts: object) -> None:
        self.report = report
        super().__init__(report_digest=report.digest, **facts)


class MalformedSpecError(SpecError):
    """The spec can not be read: {problem}"""  # noqa: D415 - the problem is a sentence


class RefusedError(SpecError):
    """The linter refuses the spec: {summary}."""


class UnauthenticatedError(ServiceError):
    """Send the header "authorization: Bearer TOKEN", once; the server writes its token into the user state folder."""


class CredentialEndedError(ServiceError):
    """Your token has expired or was revoked: ask an operator for a new one."""


class QuotaError(ServiceError):
    """{owner} has {count} jobs that are not over, and the policy of this server allows {most}: wait, or cancel one."""


class ForbiddenError(ServiceError):
    """Your role does not allow this."""


class OverloadedError(ServiceError):
    """The server is busy: try again in {seconds} s."""


class TooLateError(ServiceError):
    """Too little time is left to do this: call with a deadline of at least a second."""


class ShuttingDownError(ServiceError):
    """The server is shutting down. Training goes on; ask again when it is back."""


class StoreUnavailableError(ServiceError):
    """The server can not read or write its store just now. Try again; if it lasts, its disk may be full."""
