"""Methods that hand out files: what a job made, what its trainer printed, what lies under the data root."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from trainyard.service.core.errors import InvalidRequestError, UnknownArtifactError
from trainyard.service.executor.datasets import Found
from trainyard.service.executor.run_files import open_below
from trainyard.service.rpc import paging
from trainyard.service.rpc.asking import Asking
from trainyard.service.rpc.logs import DEFAULT_LINES, MOST_LINES, LogTail
from trainyard.service.rpc.translation.jobs import artifact_message
from trainyard.v1 import server_info_pb2
from trainyard.v1 import training_service_pb2 as pb


class Files(Asking):
    """Hands out files."""

    async def ListArtifacts(self, request: pb.ListArtifactsRequest, context: Any) -> pb.ListArtifactsResponse:  # noqa: N802 - the contract's
        """Return a page of a job's files, by name."""
        job = await self._find(request.id)
        size, filters = paging.size(request.page_size), job.id.encode()
        found = await self._run(self._store.artifact_page, job.id, paging.name(request.page_token, filters), size + 1)
        page, more = found[:size], len(found) > size
        folder = self._artifact_folder(job, context)
        return pb.ListArtifactsResponse(
            artifacts=[artifact_message(artifact, folder) for artifact in page],
            next_page_token=paging.token(page[-1].name, filters) if more else "",
        )

    async def DownloadArtifact(  # noqa: N802 - the contract's
        self, request: pb.DownloadArtifactRequest, context: Any
    ) -> AsyncGenerator[pb.DownloadArtifactResponse]:
        """Send a file from ``offset`` on, in pieces; the first message says what the whole is, with its SHA-256."""
        job = await self._find(request.id)
        if "\0" in request.name:  # no database keeps it, and not each can be asked for it
            raise UnknownArtifactError(name=request.name, job=job.id)
        artifact = await self._run(self._store.artifact, job.id, request.name)
        if not 0 <= request.offset <= artifact.size_bytes:
            raise InvalidRequestError(field="offset", problem=f"lies between 0 and {artifact.size_bytes}, the size of the file")
        file = await self._run(open_below, self._folder(job).artifacts, artifact.name)
        try:
            if file.size_bytes != artifact.size_bytes:
                # It is being replaced by a newer one whose event is under way.
                raise UnknownArtifactError(name=artifact.name, job=job.id)
            yield pb.DownloadArtifactResponse(artifact=artifact_message(artifact, self._artifact_folder(job, context)))
            offset = request.offset
            while chunk := await self._run(file.piece, offset):
                yield pb.DownloadArtifactResponse(chunk=chunk)
                offset += len(chunk)
        finally:
            file.close()

    async def TailLog(self, request: pb.TailLogRequest, context: Any) -> AsyncGenerator[pb.TailLogResponse]:  # noqa: ARG002, N802 - the contract's
        """Send the end of the trainer's log, and go on as it grows when asked to."""
        if not 0 <= request.lines <= MOST_LINES:
            raise InvalidRequestError(field="lines", problem=f"lies between 1 and {MOST_LINES}, or is left out")
        job = await self._find(request.id)
        tail = LogTail(self._store, self._with.pool, self._with.bell, self._folder(job))
        async with aclosing(tail.texts(job.id, request.lines or DEFAULT_LINES, follow=request.follow)) as texts:
            async for text in texts:
                yield pb.TailLogResponse(text=text)

    async def ListDatasets(self, request: pb.ListDatasetsRequest, context: Any) -> pb.ListDatasetsResponse:  # noqa: ARG002, N802 - the contract's
        """Return a page of what lies under the data root, by path."""
        size, after = paging.size(request.page_size), paging.name(request.page_token, b"datasets")
        found = [one for one in await self._run(self._with.data.datasets) if one.path > after]
        page = found[:size]
        return pb.ListDatasetsResponse(
            datasets=[_dataset(one) for one in page],
            next_page_token=paging.token(page[-1].path, b"datasets") if len(found) > size else "",
        )


def _dataset(found: Found) -> server_info_pb2.Dataset:
    return server_info_pb2.Dataset(path=found.path, type=found.kind, size_bytes=found.size_bytes, classes=found.classes)
