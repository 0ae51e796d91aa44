"""The service's methods: translate, ask, translate. Nothing is decided here.

What goes wrong is an exception of the core; the interceptors make statuses of it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import structlog

from trainyard.service.core.errors import InvalidRequestError, NotYetError, TooLateError
from trainyard.service.core.jobs import Artifact, Job, JobQuery
from trainyard.service.core.jobstore import JobStore
from trainyard.service.core.ports import Clock
from trainyard.service.core.states import Command
from trainyard.service.core.submission import Submission, Submissions
from trainyard.service.rpc import paging
from trainyard.service.rpc.blocking import Pool
from trainyard.service.rpc.interceptors.identified import PRINCIPAL
from trainyard.service.rpc.translation.jobs import STATE_OF, job_message
from trainyard.service.rpc.translation.reports import report_message
from trainyard.service.rpc.watching import Watch
from trainyard.service.wire import RunFolder
from trainyard.v1 import job_pb2, server_info_pb2
from trainyard.v1 import training_service_pb2 as pb
from trainyard.v1.training_service_pb2_grpc import TrainingServiceServicer

# Judging and committing take longer than this.
LEAST_SECONDS = 0.05

_log = structlog.get_logger("audit")


@dataclass(frozen=True, slots=True)
class Collaborators:
    """Whom the servicer asks; ``info`` describes the server, ``runs`` holds the run folders."""

    submissions: Submissions
    store: JobStore
    watch: Watch
    pool: Pool
    clock: Clock
    runs: Path
    info: Callable[[], server_info_pb2.ServerInfo]


def _not_yet(method: str) -> Any:
    async def refuse(_self: TrainingServicer, _request: Any, _context: Any) -> None:
        raise NotYetError(method=method)

    return refuse


class TrainingServicer(TrainingServiceServicer):
    """``trainyard.v1.TrainingService``."""

    PlanSpec = _not_yet("PlanSpec")
    PauseJob = _not_yet("PauseJob")
    ResumeJob = _not_yet("ResumeJob")
    StopJob = _not_yet("StopJob")
    DeleteJob = _not_yet("DeleteJob")
    GetHistory = _not_yet("GetHistory")
    ListArtifacts = _not_yet("ListArtifacts")
    DownloadArtifact = _not_yet("DownloadArtifact")
    TailLog = _not_yet("TailLog")
    ListDatasets = _not_yet("ListDatasets")

    def __init__(self, collaborators: Collaborators) -> None:
        self._with = collaborators
        self._run = collaborators.pool.run
        self._store = collaborators.store

    async def LintSpec(self, request: pb.LintSpecRequest, context: Any) -> pb.LintSpecResponse:  # noqa: ARG002, N802 - the contract's
        """Judge a spec and write nothing."""
        report = await self._run(self._with.submissions.judge, request.spec)
        return pb.LintSpecResponse(report=report_message(report))

    async def CreateJob(self, request: pb.CreateJobRequest, context: Any) -> pb.CreateJobResponse:  # noqa: N802
        """Make a job of a spec, or refuse it."""
        _enough_time(context)
        who = PRINCIPAL.get().name
        submission = Submission(request.spec, who, request.request_id, request.priority, request.validate_only)
        accepted = await self._run(self._with.submissions.submit, submission)
        if not request.validate_only:
            _log.info("job-accepted", principal=who, job=accepted.job.id)
        return pb.CreateJobResponse(job=await self._message(accepted.job, context), report=report_message(accepted.report))

    async def GetJob(self, request: pb.GetJobRequest, context: Any) -> pb.GetJobResponse:  # noqa: N802
        """Return one job, with its specs when asked."""
        job = await self._find(request.id)
        response = pb.GetJobResponse(job=await self._message(job, context))
        if request.include_spec:
            documents = await self._run(self._store.documents, job.id)
            response.spec, response.resolved_spec = documents.source, documents.resolved.encode()
        return response

    async def ListJobs(self, request: pb.ListJobsRequest, context: Any) -> pb.ListJobsResponse:  # noqa: N802
        """Return a page of jobs, newest first."""
        size, filters = paging.size(request.page_size), _filters(request)
        query = _query(request, limit=size + 1, before=paging.number(request.page_token, filters))
        jobs = await self._run(self._store.jobs, query)
        page, more = jobs[:size], len(jobs) > size
        messages = await self._messages(page, context)
        return pb.ListJobsResponse(jobs=messages, next_page_token=paging.token(page[-1].number, filters) if more else "")

    async def WatchJob(self, request: pb.WatchJobRequest, context: Any) -> AsyncGenerator[pb.WatchJobResponse]:  # noqa: ARG002, N802
        """Replay a job's events, then follow."""
        if request.after_seq < 0:
            raise InvalidRequestError(field="after_seq", problem="is the number of the last event seen, 0 for none")
        job = await self._find(request.id)
        async for item in self._with.watch.items(job.id, request.after_seq, with_progress=request.include_progress):
            yield item

    async def CancelJob(self, request: pb.CancelJobRequest, context: Any) -> pb.CancelJobResponse:  # noqa: N802
        """End a job at once; asking twice is asking once."""
        _enough_time(context)
        job = await self._find(request.id)
        _log.info("job-cancel-asked", principal=PRINCIPAL.get().name, job=job.id)
        change = await self._run(self._store.move, job.id, Command.CANCEL, self._with.clock.now())
        return pb.CancelJobResponse(job=await self._message(change.job, context))

    async def GetLintReport(self, request: pb.GetLintReportRequest, context: Any) -> pb.GetLintReportResponse:  # noqa: ARG002, N802
        """Return the whole report of a job or a refusal."""
        which = request.WhichOneof("of")
        if which is None:
            raise InvalidRequestError(field="of", problem="needs a job_id or a digest")
        digest = (await self._find(request.job_id)).digests.report if which == "job_id" else request.digest
        return pb.GetLintReportResponse(report=report_message(await self._run(self._store.report, digest)))

    async def GetServerInfo(self, request: pb.GetServerInfoRequest, context: Any) -> pb.GetServerInfoResponse:  # noqa: ARG002, N802
        """Say who the server is."""
        return pb.GetServerInfoResponse(server=await self._run(self._with.info))

    async def _find(self, prefix: str) -> Job:
        """Return the caller's job; somebody else's does not exist for it."""
        principal = PRINCIPAL.get()
        return await self._run(self._store.find, prefix, principal.scope)

    def _beside(self, jobs: list[Job]) -> tuple[dict[str, tuple[Artifact, ...]], dict[str, int]]:
        """Look up what is not in the rows of jobs: files of those that have run, places of those that wait."""
        have_run = [job.id for job in jobs if job.attempt]
        return self._store.artifacts(have_run) if have_run else {}, self._store.queue_positions(jobs)

    async def _message(self, job: Job, context: Any) -> job_pb2.Job:
        return (await self._messages([job], context))[0]

    async def _messages(self, jobs: list[Job], context: Any) -> list[job_pb2.Job]:
        artifacts, places = await self._run(self._beside, jobs)
        here = _is_local(context.peer())
        return [
            job_message(
                job,
                artifacts=artifacts.get(job.id, ()),
                folder=RunFolder(self._with.runs / job.id).artifacts if here else None,
                queue_position=places.get(job.id, 0),
            )
            for job in jobs
        ]


def _enough_time(context: Any) -> None:
    """Refuse to begin a change whose answer the caller would not wait for."""
    remaining = context.time_remaining()
    if remaining is not None and remaining < LEAST_SECONDS:
        raise TooLateError


def _filters(request: pb.ListJobsRequest) -> bytes:
    """Return the request without its page: what a page token belongs to."""
    bare = pb.ListJobsRequest(states=request.states, tags=request.tags, owner=request.owner, experiment=request.experiment)
    return bare.SerializeToString(deterministic=True) + PRINCIPAL.get().name.encode()


def _query(request: pb.ListJobsRequest, *, limit: int, before: int | None) -> JobQuery:
    unknown = [state for state in request.states if state not in STATE_OF]
    if unknown:
        raise InvalidRequestError(field="states", problem=f"{unknown[0]} is no state")
    scope = PRINCIPAL.get().scope
    return JobQuery(
        limit=limit,
        before=before,
        states=frozenset(STATE_OF[state] for state in request.states),
        tags=tuple(request.tags),
        owner=scope or request.owner or None,
        experiment=request.experiment or None,
    )


def _is_local(peer: str) -> bool:
    """Tell whether a caller sits on this machine: ``ipv4:127.0.0.1:50000``, ``ipv6:%5B::1%5D:50000``, ``unix:``."""
    kind, _, rest = peer.partition(":")
    if kind == "unix":
        return True
    host = unquote(rest).rpartition(":")[0].strip("[]")
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or bool((mapped := getattr(address, "ipv4_mapped", None)) and mapped.is_loopback)
