"""Which error becomes which gRPC code: one row each, and a test that no error of the core is without one."""

from __future__ import annotations

from typing import NamedTuple

import grpc

from trainyard.service.core import errors
from trainyard.service.core.errors import ServiceError

Code = grpc.StatusCode
DOMAIN = "trainyard"


class Row(NamedTuple):
    """A status code, a stable reason for programs, and after how many seconds to try again (None: not at all)."""

    code: grpc.StatusCode
    reason: str
    retry_seconds: float | None = None


CATALOGUE: dict[type[ServiceError], Row] = {
    errors.UnknownJobError: Row(Code.NOT_FOUND, "JOB_NOT_FOUND"),
    errors.AmbiguousJobError: Row(Code.INVALID_ARGUMENT, "JOB_ID_AMBIGUOUS"),
    errors.UnknownArtifactError: Row(Code.NOT_FOUND, "ARTIFACT_NOT_FOUND"),
    errors.UnknownReportError: Row(Code.NOT_FOUND, "REPORT_NOT_FOUND"),
    errors.IllegalCommandError: Row(Code.FAILED_PRECONDITION, "COMMAND_NOT_ALLOWED"),
    errors.RequestReusedError: Row(Code.ALREADY_EXISTS, "REQUEST_ID_REUSED"),
    errors.StaleAttemptError: Row(Code.ABORTED, "ATTEMPT_OVER", 1.0),
    errors.StaleOffsetError: Row(Code.ABORTED, "EVENTS_READ_ALREADY", 1.0),
    errors.InvalidRequestError: Row(Code.INVALID_ARGUMENT, "REQUEST_INVALID"),
    errors.MalformedSpecError: Row(Code.INVALID_ARGUMENT, "SPEC_MALFORMED"),
    errors.RefusedError: Row(Code.FAILED_PRECONDITION, "SPEC_REFUSED"),
    errors.UnauthenticatedError: Row(Code.UNAUTHENTICATED, "TOKEN_MISSING_OR_WRONG"),
    errors.CredentialEndedError: Row(Code.UNAUTHENTICATED, "TOKEN_EXPIRED_OR_REVOKED"),
    errors.QuotaError: Row(Code.RESOURCE_EXHAUSTED, "QUOTA_EXCEEDED"),
    errors.ForbiddenError: Row(Code.PERMISSION_DENIED, "ROLE_TOO_LOW"),
    errors.OverloadedError: Row(Code.RESOURCE_EXHAUSTED, "SERVER_BUSY", 1.0),
    errors.TooLateError: Row(Code.DEADLINE_EXCEEDED, "DEADLINE_TOO_SHORT"),
    errors.ShuttingDownError: Row(Code.UNAVAILABLE, "SHUTTING_DOWN", 2.0),
    errors.StoreUnavailableError: Row(Code.UNAVAILABLE, "STORE_UNAVAILABLE", 2.0),
}
INTERNAL = Row(Code.INTERNAL, "INTERNAL")
