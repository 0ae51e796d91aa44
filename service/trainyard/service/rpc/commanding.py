"""Methods that move a job. Asking twice is asking once; what a job can not do where it stands is refused in words.

The wish is kept before anybody acts on it: the supervisor reads it from the store, this server's or the next one's.
"""

from __future__ import annotations

from typing import Any

import structlog

from trainyard.service.core.states import Command
from trainyard.service.rpc.asking import Asking, enough_time
from trainyard.service.rpc.interceptors.identified import PRINCIPAL
from trainyard.v1 import job_pb2
from trainyard.v1 import training_service_pb2 as pb

_log = structlog.get_logger("audit")


class Commanding(Asking):
    """Pauses, resumes, stops, cancels and deletes."""

    async def PauseJob(self, request: pb.PauseJobRequest, context: Any) -> pb.PauseJobResponse:  # noqa: N802 - the contract's
        """Save the place, end the process, free the slot."""
        return pb.PauseJobResponse(job=await self._command(request.id, Command.PAUSE, context))

    async def ResumeJob(self, request: pb.ResumeJobRequest, context: Any) -> pb.ResumeJobResponse:  # noqa: N802 - the contract's
        """Queue a paused job again, at the place of its submission."""
        return pb.ResumeJobResponse(job=await self._command(request.id, Command.RESUME, context))

    async def StopJob(self, request: pb.StopJobRequest, context: Any) -> pb.StopJobResponse:  # noqa: N802 - the contract's
        """End training and keep the best model."""
        return pb.StopJobResponse(job=await self._command(request.id, Command.STOP, context))

    async def CancelJob(self, request: pb.CancelJobRequest, context: Any) -> pb.CancelJobResponse:  # noqa: N802 - the contract's
        """End a job at once."""
        return pb.CancelJobResponse(job=await self._command(request.id, Command.CANCEL, context))

    async def DeleteJob(self, request: pb.DeleteJobRequest, context: Any) -> pb.DeleteJobResponse:  # noqa: N802 - the contract's
        """Remove a job that is over, its history and its files."""
        enough_time(context)
        job = await self._find(request.id)
        await self._run(self._with.remove, job.id)
        _log.info("job-deleted", principal=PRINCIPAL.get().name, job=job.id)
        return pb.DeleteJobResponse()

    async def _command(self, job_id: str, command: Command, context: Any) -> job_pb2.Job:
        enough_time(context)
        job = await self._find(job_id)
        change = await self._run(self._store.move, job.id, command, self._with.clock.now())
        _log.info("job-command", command=command.value, principal=PRINCIPAL.get().name, job=job.id, changed=bool(change.events))
        return await self._message(change.job, context)
