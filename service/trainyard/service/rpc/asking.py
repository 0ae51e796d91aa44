"""What all methods share: whom they ask, how they find the caller's job, how a job becomes a message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from trainyard.service.core.errors import TooLateError, UnknownJobError
from trainyard.service.core.jobs import Artifact, Job
from trainyard.service.core.jobstore import JobStore
from trainyard.service.core.ports import Clock
from trainyard.service.core.submission import Submissions
from trainyard.service.executor.datasets import DataRoot
from trainyard.service.rpc.bell import Bell
from trainyard.service.rpc.blocking import Pool
from trainyard.service.rpc.interceptors.audited import JOB
from trainyard.service.rpc.interceptors.identified import PRINCIPAL
from trainyard.service.rpc.translation.jobs import job_message
from trainyard.service.rpc.watching import Watch
from trainyard.service.wire import RunFolder
from trainyard.v1 import job_pb2, server_info_pb2

# Judging and committing take longer than this.
LEAST_SECONDS = 0.05
# A pattern of any length is more than a database takes.
_LONGEST_ID = 64


@dataclass(frozen=True, slots=True)
class Collaborators:
    """Whom the methods ask.

    ``runs`` holds the run folders; ``remove`` removes a job that is over, with its files; ``info`` describes the server.
    """

    submissions: Submissions
    store: JobStore
    watch: Watch
    bell: Bell
    pool: Pool
    clock: Clock
    runs: Path
    data: DataRoot
    remove: Callable[[str], None]
    info: Callable[[], server_info_pb2.ServerInfo]


class Beside(NamedTuple):
    """What a job shows that is not in its row, by id: files of those that have run, places of those that wait."""

    artifacts: dict[str, tuple[Artifact, ...]]
    places: dict[str, int]


class Asking:
    """The common ground of the methods."""

    def __init__(self, collaborators: Collaborators) -> None:
        self._with = collaborators
        self._run = collaborators.pool.run
        self._store = collaborators.store

    async def _find(self, prefix: str) -> Job:
        """Return the caller's job; somebody else's does not exist for it."""
        job = await self._run(self._found, prefix, PRINCIPAL.get().scope)
        JOB.set(job.id)
        return job

    def _found(self, prefix: str, owner: str | None) -> Job:
        if len(prefix) > _LONGEST_ID:
            raise UnknownJobError(job=f"{prefix[:_LONGEST_ID]}...")
        return self._store.find(prefix, owner)

    def _folder(self, job: Job) -> RunFolder:
        return RunFolder(self._with.runs / job.id)

    def _artifact_folder(self, job: Job, context: Any) -> Path | None:
        """Return where a caller on this machine finds the files."""
        return self._folder(job).artifacts if is_local(context.peer()) else None

    def _beside(self, jobs: list[Job]) -> Beside:
        """Look up what is not in the rows of jobs."""
        have_run = [job.id for job in jobs if job.attempt]
        return Beside(self._store.artifacts(have_run) if have_run else {}, self._store.queue_positions(jobs))

    async def _message(self, job: Job, context: Any) -> job_pb2.Job:
        return self._translated([job], await self._run(self._beside, [job]), context)[0]

    def _translated(self, jobs: list[Job], beside: Beside, context: Any) -> list[job_pb2.Job]:
        local = is_local(context.peer())
        return [
            job_message(
                job,
                artifacts=beside.artifacts.get(job.id, ()),
                folder=self._folder(job).artifacts if local else None,
                queue_position=beside.places.get(job.id, 0),
            )
            for job in jobs
        ]


def enough_time(context: Any) -> None:
    """Refuse to begin a change whose answer the caller would not wait for."""
    remaining = context.time_remaining()
    if remaining is not None and remaining < LEAST_SECONDS:
        raise TooLateError


def is_local(peer: str) -> bool:
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
