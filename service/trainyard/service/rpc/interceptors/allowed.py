"""Who may call what: one row for each method, and no row means no.

A test walks the descriptors of every service that is offered and fails when a method has no row.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from trainyard.service.core.errors import ForbiddenError, InvalidRequestError, UnauthenticatedError
from trainyard.service.core.identity import Role
from trainyard.service.rpc.interceptors.around import Call, Unreadable
from trainyard.service.rpc.interceptors.identified import PRINCIPAL

_TRAINING = "/trainyard.v1.TrainingService/"
LEAST_ROLE: dict[str, Role] = {
    f"{_TRAINING}LintSpec": Role.VIEWER,
    f"{_TRAINING}PlanSpec": Role.VIEWER,
    f"{_TRAINING}CreateJob": Role.SUBMITTER,
    f"{_TRAINING}GetJob": Role.VIEWER,
    f"{_TRAINING}ListJobs": Role.VIEWER,
    f"{_TRAINING}WatchJob": Role.VIEWER,
    f"{_TRAINING}PauseJob": Role.SUBMITTER,
    f"{_TRAINING}ResumeJob": Role.SUBMITTER,
    f"{_TRAINING}StopJob": Role.SUBMITTER,
    f"{_TRAINING}CancelJob": Role.SUBMITTER,
    f"{_TRAINING}DeleteJob": Role.SUBMITTER,
    f"{_TRAINING}GetLintReport": Role.VIEWER,
    f"{_TRAINING}GetHistory": Role.VIEWER,
    f"{_TRAINING}ListArtifacts": Role.VIEWER,
    f"{_TRAINING}DownloadArtifact": Role.VIEWER,
    f"{_TRAINING}TailLog": Role.VIEWER,
    f"{_TRAINING}ListDatasets": Role.VIEWER,
    f"{_TRAINING}GetServerInfo": Role.VIEWER,
    # Probes have no token, and learn one bit.
    "/grpc.health.v1.Health/Check": Role.NOBODY,
    "/grpc.health.v1.Health/Watch": Role.NOBODY,
    # Offered on loopback only, and says what every copy of the source says.
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": Role.NOBODY,
}


@asynccontextmanager
async def allowed(call: Call) -> AsyncIterator[None]:
    """Refuse a caller whose role does not reach, everybody where the table says nothing, and bytes that are no request."""
    least, role = LEAST_ROLE.get(call.method), PRINCIPAL.get().role
    if least is None or role < least:
        raise UnauthenticatedError if role is Role.NOBODY else ForbiddenError
    if isinstance(call.request, Unreadable):
        raise InvalidRequestError(field="request", problem="its bytes are no message of this method")
    yield
