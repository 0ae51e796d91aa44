"""The asynchronous twin of ``Client``: the same methods with the same arguments, to be awaited.

    async with AsyncClient.from_environment() as client:
        job = (await client.create_job(raw)).job
        async for item in client.watch(job.id):
            print(item)

Calls, answers, errors, the way back to a broken stream and what is done with a piece of a file are shared with the
blocking client (``calls``, ``meaning``, ``pursuit``, ``landing``, ``persistence``); what is written twice is only the
waiting, and a test holds the two surfaces together.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import grpc
import grpc.aio

from trainyard.client import address, calls
from trainyard.client.backoff import Patience
from trainyard.client.connection import credentials, metadata, options
from trainyard.client.errors import ServerFault, Unreachable
from trainyard.client.landing import Landing, Transfer, place
from trainyard.client.meaning import code_of, meaning
from trainyard.client.persistence import Persistence
from trainyard.client.pursuit import Pursuit, SkippedError, Surroundings
from trainyard.client.settings import NO_TLS, Settings, Tls, settle
from trainyard.client.values.event import Event, Progress
from trainyard.client.values.history import History
from trainyard.client.values.job import Artifact, ArtifactPage, Job, JobPage, JobSpec, JobState
from trainyard.v1.training_service_pb2_grpc import TrainingServiceStub

if TYPE_CHECKING:
    from trainyard.client.values.report import LintReport, Submission
    from trainyard.client.values.server import Dataset, DatasetPage, ServerInfo

Answer = TypeVar("Answer")


class AsyncConnection:
    """An open channel of the running event loop; ``Connection`` says what holds for it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        target, wanted = str(settings.address), options(settings)
        if settings.encrypted:
            self._channel = grpc.aio.secure_channel(target, credentials(settings), wanted)
        else:
            self._channel = grpc.aio.insecure_channel(target, wanted)
        self._stub: Any = TrainingServiceStub(self._channel)
        self._metadata = metadata(settings)

    async def unary(self, call: calls.Call[Answer]) -> Answer:
        """Make a call and wait for its answer, at most until its deadline; raises ClientError."""
        try:
            response = await getattr(self._stub, call.method)(call.request, timeout=call.deadline_seconds, metadata=self._metadata)
        except grpc.RpcError as error:
            raise meaning(error, self.settings) from error
        return call.read(response)

    async def stream(self, call: calls.Call[Answer]) -> AsyncIterator[Answer]:
        """Yield items until the stream ends; raises ``grpc.RpcError``, whose code decides about the way back."""
        running = getattr(self._stub, call.method)(call.request, metadata=self._metadata)
        try:
            async for message in running:
                yield call.read(message)
        finally:
            running.cancel()

    async def close(self) -> None:
        """Close the channel; open streams end."""
        await self._channel.close()


class AsyncWatch:
    """The events of one job, each once, in order; see ``Watch``."""

    def __init__(
        self,
        connection: AsyncConnection,
        job_id: str,
        *,
        after_seq: int = 0,
        include_progress: bool = False,
        on_reconnect: Callable[[int], None] | None = None,
        on_reconnected: Callable[[int], None] | None = None,
        patience: Patience | None = None,
        surroundings: Surroundings | None = None,
    ) -> None:
        self._connection = connection
        self._job_id = job_id
        self._include_progress = include_progress
        self._on_reconnect = on_reconnect or (lambda _attempt: None)
        self._on_reconnected = on_reconnected or (lambda _attempts: None)
        self._pursuit = Pursuit(connection.settings, after_seq, patience, surroundings)
        self._broken = 0

    @property
    def last_seq(self) -> int:
        """Number of the last event shown: hand it to another watch to go on from here."""
        return self._pursuit.cursor.last_seq

    async def __aiter__(self) -> AsyncIterator[Event | Progress]:
        """Yield events in order, each once; raises ClientError when the server says no or stays away too long."""
        pursuit = self._pursuit
        while not pursuit.cursor.ended:
            pursuit.begin()
            try:
                async for item in self._follow():
                    yield item
                if await self._over():
                    return
                seconds = pursuit.ended_early()
            except (grpc.RpcError, Unreachable, ServerFault, SkippedError) as error:
                seconds = pursuit.broken(error)
            self._broken = pursuit.cursor.attempts
            self._on_reconnect(self._broken)
            await asyncio.sleep(seconds)

    async def _over(self) -> bool:
        if self._pursuit.cursor.ended:
            return True
        return not self._pursuit.unfinished(await self._connection.unary(calls.get_job(self._job_id)))

    async def _follow(self) -> AsyncIterator[Event | Progress]:
        cursor = self._pursuit.cursor
        request = calls.watch_job(self._job_id, cursor.last_seq, include_progress=self._include_progress)
        async for item in self._connection.stream(request):
            admitted = cursor.admit(item)
            if self._broken:
                attempts, self._broken = self._broken, 0
                self._on_reconnected(attempts)
            if admitted is not None:
                yield admitted
            if cursor.ended:
                return


class AsyncClient:
    """Talks to one server from an event loop; make it and use it in the same one. Every method is that of ``Client``."""

    def __init__(
        self, server: str | Settings = f"{address.DEFAULT_HOST}:{address.DEFAULT_PORT}", *, token: str | None = None, tls: Tls = NO_TLS
    ) -> None:
        settings = server if isinstance(server, Settings) else Settings(address.parse(server), token, None, tls)
        self._connection = AsyncConnection(settings)

    @classmethod
    def from_environment(
        cls,
        server: str | None = None,
        token_file: str | os.PathLike[str] | None = None,
        *,
        context: str | None = None,
        tls: Tls = NO_TLS,
    ) -> Self:
        """Make a client as the commands do."""
        return cls(settle(server, token_file, os.environ, context=context, tls=tls))

    @property
    def server(self) -> str:
        """The address that is dialled."""
        return str(self._connection.settings.address)

    async def lint(self, spec: bytes) -> LintReport:
        """Judge a spec as the server's gate would."""
        return await self._connection.unary(calls.lint_spec(spec))

    async def plan(self, spec: bytes) -> bytes:
        """Return what a spec would do there, as JSON."""
        return await self._connection.unary(calls.plan_spec(spec))

    async def create_job(self, spec: bytes, *, request_id: str | None = None, validate_only: bool = False, priority: int = 0) -> Submission:
        """Submit a spec; raises SpecRefused with the findings."""
        request = request_id or str(uuid.uuid4())
        return await self._connection.unary(calls.create_job(spec, request, validate_only=validate_only, priority=priority))

    async def get_job(self, job_id: str) -> Job:
        """Return a job by its id or a prefix that is unique."""
        return await self._connection.unary(calls.get_job(job_id))

    async def get_job_spec(self, job_id: str) -> JobSpec:
        """Return a job with its spec, as sent and resolved."""
        return await self._connection.unary(calls.get_job_spec(job_id))

    async def list_jobs(
        self,
        *,
        states: Sequence[JobState] = (),
        tags: Sequence[str] = (),
        owner: str = "",
        experiment: str = "",
        page_size: int = 50,
        page_token: str = "",
    ) -> JobPage:
        """Return a page of jobs, newest first."""
        return await self._connection.unary(
            calls.list_jobs(states=states, tags=tags, owner=owner, experiment=experiment, page_size=page_size, page_token=page_token)
        )

    async def jobs(
        self, *, limit: int, states: Sequence[JobState] = (), tags: Sequence[str] = (), owner: str = "", experiment: str = ""
    ) -> AsyncIterator[Job]:
        """Yield up to ``limit`` jobs, newest first, fetching pages as they are needed."""
        token = ""
        while limit > 0:
            size = min(limit, 1000)
            page = await self.list_jobs(states=states, tags=tags, owner=owner, experiment=experiment, page_size=size, page_token=token)
            for job in page.jobs[:limit]:
                yield job
            limit, token = limit - len(page.jobs), page.next_page_token
            if not token:
                return

    def watch(
        self,
        job_id: str,
        *,
        after_seq: int = 0,
        include_progress: bool = False,
        on_reconnect: Callable[[int], None] | None = None,
        on_reconnected: Callable[[int], None] | None = None,
        patience: Patience | None = None,
    ) -> AsyncWatch:
        """Follow a job by its full id: every event after ``after_seq`` once, in order, up to the last."""
        return AsyncWatch(
            self._connection,
            job_id,
            after_seq=after_seq,
            include_progress=include_progress,
            on_reconnect=on_reconnect,
            on_reconnected=on_reconnected,
            patience=patience,
        )

    async def pause_job(self, job_id: str) -> Job:
        """Ask for a job's place to be saved and its slot to be freed."""
        return await self._connection.unary(calls.pause_job(job_id))

    async def resume_job(self, job_id: str) -> Job:
        """Queue a paused job again."""
        return await self._connection.unary(calls.resume_job(job_id))

    async def stop_job(self, job_id: str) -> Job:
        """End training, evaluate, and keep the best model."""
        return await self._connection.unary(calls.stop_job(job_id))

    async def cancel_job(self, job_id: str) -> Job:
        """Ask for a job to be cancelled."""
        return await self._connection.unary(calls.cancel_job(job_id))

    async def delete_job(self, job_id: str) -> None:
        """Forget a job that is over, with its files."""
        await self._connection.unary(calls.delete_job(job_id))

    async def lint_report(self, *, job_id: str = "", digest: str = "") -> LintReport:
        """Return the whole report that let a job in, or the one with a digest."""
        return await self._connection.unary(calls.get_lint_report(job_id=job_id, digest=digest))

    async def history(self, job_id: str) -> History:
        """Return a job's exact curve."""
        return History(job_id, await self._connection.unary(calls.get_history(job_id)))

    async def list_artifacts(self, job_id: str, *, page_size: int = 50, page_token: str = "") -> ArtifactPage:
        """Return a page of the files that a job made, by name."""
        return await self._connection.unary(calls.list_artifacts(job_id, page_size=page_size, page_token=page_token))

    async def artifacts(self, job_id: str) -> AsyncIterator[Artifact]:
        """Yield every file that a job made, by name."""
        token = ""
        while True:
            page = await self.list_artifacts(job_id, page_token=token)
            for artifact in page.artifacts:
                yield artifact
            token = page.next_page_token
            if not token:
                return

    async def download(
        self,
        job_id: str,
        name: str,
        folder: str | os.PathLike[str],
        *,
        on_progress: Callable[[int, int], None] | None = None,
        patience: Patience | None = None,
    ) -> Path:
        """Fetch a file into ``folder`` and return its path; a broken transfer goes on where it stopped."""
        landing = Landing(place(Path(folder), name))
        transfer, persistence = Transfer(landing), Persistence(patience or Patience(), time.monotonic, random.random)
        landing.open()
        try:
            while not transfer.done():
                before = transfer.offset
                try:
                    await self._receive(job_id, name, transfer, on_progress)
                    persistence.ended(progressed=transfer.offset != before)
                except grpc.RpcError as error:
                    if code_of(error) is grpc.StatusCode.INVALID_ARGUMENT and transfer.refused():
                        continue
                    cause = meaning(error, self._connection.settings)
                    await asyncio.sleep(persistence.broken(error, cause, progressed=transfer.offset > before))
            return landing.settle()
        finally:
            landing.close()

    async def _receive(self, job_id: str, name: str, transfer: Transfer, on_progress: Callable[[int, int], None] | None) -> None:
        about: Artifact | None = None
        async for piece in self._connection.stream(calls.download_artifact(job_id, name, transfer.offset)):
            about = piece.artifact or about
            if not transfer.take(piece.chunk, piece.artifact):
                return
            if on_progress is not None and about is not None:
                on_progress(transfer.offset, about.size_bytes)

    async def log(self, job_id: str, *, lines: int = 100, follow: bool = False) -> AsyncIterator[str]:
        """Yield pieces of a trainer's log."""
        try:
            async for text in self._connection.stream(calls.tail_log(job_id, lines, follow=follow)):
                yield text
        except grpc.RpcError as error:
            raise meaning(error, self._connection.settings) from error

    async def list_datasets(self, *, page_size: int = 50, page_token: str = "") -> DatasetPage:
        """Return a page of what lies under the server's data root, by path."""
        return await self._connection.unary(calls.list_datasets(page_size=page_size, page_token=page_token))

    async def datasets(self) -> AsyncIterator[Dataset]:
        """Yield everything that lies under the server's data root, by path."""
        token = ""
        while True:
            page = await self.list_datasets(page_token=token)
            for dataset in page.datasets:
                yield dataset
            token = page.next_page_token
            if not token:
                return

    async def server_info(self) -> ServerInfo:
        """Return who the server is and what it allows."""
        return await self._connection.unary(calls.get_server_info())

    async def close(self) -> None:
        """Hang up."""
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()
