"""Methods that tell what is: jobs, their events, their curves, the server."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, cast

from trainyard.service.core.errors import InvalidRequestError, UnknownReportError
from trainyard.service.core.events import Event
from trainyard.service.core.history import curve
from trainyard.service.core.jobs import Documents, Job, JobQuery
from trainyard.service.rpc import paging
from trainyard.service.rpc.asking import Asking, Beside
from trainyard.service.rpc.interceptors.audited import JOB
from trainyard.service.rpc.interceptors.identified import PRINCIPAL
from trainyard.service.rpc.translation.events import epoch_message
from trainyard.service.rpc.translation.jobs import STATE_OF
from trainyard.service.rpc.translation.reports import report_message
from trainyard.v1 import training_service_pb2 as pb

_EPOCHS_AT_ONCE = 2000
# Each is a condition of the query, and databases bound how many of them nest.
_MOST_TAGS = 32


class Looking(Asking):
    """Tells and changes nothing."""

    async def GetJob(self, request: pb.GetJobRequest, context: Any) -> pb.GetJobResponse:  # noqa: N802 - the contract's
        """Return one job, with its specs when asked."""
        scope = PRINCIPAL.get().scope

        def look() -> tuple[Job, Beside, Documents | None]:
            job = self._found(request.id, scope)
            return job, self._beside([job]), self._store.documents(job.id) if request.include_spec else None

        job, beside, documents = await self._run(look)
        JOB.set(job.id)
        response = pb.GetJobResponse(job=self._translated([job], beside, context)[0])
        if documents is not None:
            response.spec, response.resolved_spec = documents.source, documents.resolved.encode()
        return response

    async def ListJobs(self, request: pb.ListJobsRequest, context: Any) -> pb.ListJobsResponse:  # noqa: N802 - the contract's
        """Return a page of jobs, newest first."""
        size, filters = paging.size(request.page_size), _filters(request)
        query = _query(request, limit=size + 1, before=paging.number(request.page_token, filters))

        def look() -> tuple[list[Job], Beside]:
            jobs = self._store.jobs(query)
            return jobs, self._beside(jobs[:size])

        jobs, beside = await self._run(look)
        page, more = jobs[:size], len(jobs) > size
        messages = self._translated(page, beside, context)
        return pb.ListJobsResponse(jobs=messages, next_page_token=paging.token(page[-1].number, filters) if more else "")

    async def WatchJob(self, request: pb.WatchJobRequest, context: Any) -> AsyncGenerator[pb.WatchJobResponse]:  # noqa: ARG002, N802 - the contract's
        """Replay a job's events, then follow."""
        if request.after_seq < 0:
            raise InvalidRequestError(field="after_seq", problem="is the number of the last event seen, 0 for none")
        job = await self._find(request.id)
        async for raw in self._with.watch.items(job, request.after_seq, with_progress=request.include_progress):
            # Encoded already, once for all who watch the job; the interceptors let bytes pass.
            yield cast("pb.WatchJobResponse", raw)

    async def GetHistory(self, request: pb.GetHistoryRequest, context: Any) -> pb.GetHistoryResponse:  # noqa: ARG002, N802 - the contract's
        """Return a job's exact curve."""
        job = await self._find(request.id)
        epochs = await self._run(lambda: curve(self._epochs(job.id)))
        return pb.GetHistoryResponse(epochs=[epoch_message(epoch) for epoch in epochs])

    async def GetLintReport(self, request: pb.GetLintReportRequest, context: Any) -> pb.GetLintReportResponse:  # noqa: ARG002, N802 - the contract's
        """Return the whole report of a job or a refusal."""
        which = request.WhichOneof("of")
        if which is None:
            raise InvalidRequestError(field="of", problem="needs a job_id or a digest")
        if which == "job_id":
            report = await self._run(self._store.report, (await self._find(request.job_id)).digests.report)
        elif "\0" in request.digest:
            raise UnknownReportError(report=request.digest)
        else:
            report = await self._run(self._store.report, request.digest, PRINCIPAL.get().scope)
        return pb.GetLintReportResponse(report=report_message(report))

    async def GetServerInfo(self, request: pb.GetServerInfoRequest, context: Any) -> pb.GetServerInfoResponse:  # noqa: ARG002, N802 - the contract's
        """Say who the server is."""
        return pb.GetServerInfoResponse(server=await self._run(self._with.info))

    def _epochs(self, job_id: str) -> list[Event]:
        found: list[Event] = []
        while page := self._store.epochs(job_id, found[-1].seq if found else 0, _EPOCHS_AT_ONCE):
            found += page
        return found


def _filters(request: pb.ListJobsRequest) -> bytes:
    """Return the request without its page: what a page token belongs to."""
    bare = pb.ListJobsRequest(states=request.states, tags=request.tags, owner=request.owner, experiment=request.experiment)
    return bare.SerializeToString(deterministic=True) + PRINCIPAL.get().name.encode()


def _query(request: pb.ListJobsRequest, *, limit: int, before: int | None) -> JobQuery:
    unknown = [state for state in request.states if state not in STATE_OF]
    if unknown:
        raise InvalidRequestError(field="states", problem=f"{unknown[0]} is no state")
    if len(request.tags) > _MOST_TAGS:
        raise InvalidRequestError(field="tags", problem=f"are {_MOST_TAGS} at most")
    for field, texts in (("tags", request.tags), ("owner", (request.owner,)), ("experiment", (request.experiment,))):
        if any("\0" in text for text in texts):
            raise InvalidRequestError(field=field, problem="holds the character NUL, which no job has")
    scope = PRINCIPAL.get().scope
    return JobQuery(
        limit=limit,
        before=before,
        states=frozenset(STATE_OF[state] for state in request.states),
        tags=tuple(request.tags),
        owner=scope or request.owner or None,
        experiment=request.experiment or None,
    )
