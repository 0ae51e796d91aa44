"""The findings that kept a spec out, inside an error: the first of them, as many and as long as there is room for.

Two forms of the same: ``trainyard.v1.LintReport`` for our client, which shows them as ``trainlint`` does, and
``BadRequest`` or ``PreconditionFailure`` for everybody else. Errors come before warnings; what does not fit
is counted, and ``GetLintReport`` has it.
"""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2

from trainyard.service.core.jobstore import StoredReport
from trainyard.service.rpc.capping import cut
from trainyard.service.rpc.translation.reports import report_message
from trainyard.v1 import lint_pb2

MAX_FINDINGS = 20
# How much of each message is kept: as much as fits, tried from the left.
_MESSAGE_LENGTHS = (400, 240, 160, 100, 60)
_MAX_POINTER = 120
# Tag and length of a detail inside a status.
_FRAME_BYTES = 8


def refusal_details(report: StoredReport, *, malformed: bool, room: int) -> list[Message]:
    """Return the details for a refused spec, together at most ``room`` bytes."""
    whole = report_message(report)
    ranked = sorted(whole.findings, key=lambda finding: -finding.severity)[:MAX_FINDINGS]
    for count in range(len(ranked), 0, -1):
        for length in _MESSAGE_LENGTHS if count == len(ranked) else _MESSAGE_LENGTHS[-1:]:
            details = _details(whole, ranked[:count], length, malformed=malformed)
            if _size(details) <= room:
                return details
    return []


def _details(whole: lint_pb2.LintReport, findings: list[lint_pb2.Finding], length: int, *, malformed: bool) -> list[Message]:
    short = sorted((_short(finding, length) for finding in findings), key=lambda finding: finding.start.offset)
    report = lint_pb2.LintReport(
        digest=whole.digest,
        spec_digest=whole.spec_digest,
        ruleset=whole.ruleset,
        passed=False,
        findings=short,
        more_findings=whole.more_findings + len(whole.findings) - len(short),
    )
    return [report, _bad_request(short) if malformed else _precondition_failure(short)]


def _short(finding: lint_pb2.Finding, length: int) -> lint_pb2.Finding:
    copy = lint_pb2.Finding()
    copy.CopyFrom(finding)
    copy.message = cut(finding.message, length)
    copy.pointer = cut(finding.pointer, _MAX_POINTER)
    copy.code, copy.name = cut(finding.code, 16), cut(finding.name, 64)
    if finding.suggestion.ByteSize() > length:
        copy.ClearField("suggestion")
    if finding.HasField("suppressed_reason"):
        copy.suppressed_reason = cut(finding.suppressed_reason, length)
    return copy


def _bad_request(findings: Iterable[lint_pb2.Finding]) -> error_details_pb2.BadRequest:
    violation = error_details_pb2.BadRequest.FieldViolation
    return error_details_pb2.BadRequest(
        field_violations=[violation(field=one.pointer or "spec", reason=one.code, description=cut(one.message, 100)) for one in findings]
    )


def _precondition_failure(findings: Iterable[lint_pb2.Finding]) -> error_details_pb2.PreconditionFailure:
    violation = error_details_pb2.PreconditionFailure.Violation
    return error_details_pb2.PreconditionFailure(
        violations=[violation(type=one.code, subject=one.pointer, description=cut(one.message, 100)) for one in findings]
    )


def _size(details: Iterable[Message]) -> int:
    size = 0
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        size += packed.ByteSize() + _FRAME_BYTES
    return size
