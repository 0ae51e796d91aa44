"""Methods that take a spec."""

from __future__ import annotations

from typing import Any

import structlog

from trainyard.service.core.jobs import Job
from trainyard.service.core.submission import Submission
from trainyard.service.rpc.asking import Asking, Beside, enough_time
from trainyard.service.rpc.interceptors.audited import JOB
from trainyard.service.rpc.interceptors.identified import PRINCIPAL
from trainyard.service.rpc.translation.reports import report_message
from trainyard.v1 import lint_pb2
from trainyard.v1 import training_service_pb2 as pb

_log = structlog.get_logger("audit")


class Submitting(Asking):
    """Judges specs and takes them in."""

    async def LintSpec(self, request: pb.LintSpecRequest, context: Any) -> pb.LintSpecResponse:  # noqa: ARG002, N802 - the contract's
        """Judge a spec and write nothing."""
        report = await self._run(lambda: report_message(self._with.submissions.judge(request.spec)))
        return pb.LintSpecResponse(report=report)

    async def PlanSpec(self, request: pb.PlanSpecRequest, context: Any) -> pb.PlanSpecResponse:  # noqa: ARG002, N802 - the contract's
        """Say what a spec would do here."""
        plan = await self._run(self._with.submissions.plan, request.spec)
        return pb.PlanSpecResponse(plan_json=plan.encode())

    async def CreateJob(self, request: pb.CreateJobRequest, context: Any) -> pb.CreateJobResponse:  # noqa: N802 - the contract's
        """Make a job of a spec, or refuse it."""
        enough_time(context)
        who = PRINCIPAL.get().name
        submission = Submission(request.spec, who, request.request_id, request.priority, request.validate_only)
        job, beside, report = await self._run(self._submit, submission)
        JOB.set(job.id)
        if not request.validate_only:
            _log.info("job-accepted", principal=who, job=job.id)
        return pb.CreateJobResponse(job=self._translated([job], beside, context)[0], report=report)

    def _submit(self, submission: Submission) -> tuple[Job, Beside, lint_pb2.LintReport]:
        """Do all that takes its time in one go: every change of threads costs a caller more than some of the work."""
        accepted = self._with.submissions.submit(submission)
        return accepted.job, self._beside([accepted.job]), report_message(accepted.report)
