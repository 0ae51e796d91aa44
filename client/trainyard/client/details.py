"""The rich details of a failed call: ``google.rpc.Status`` from the trailers, as plain values.

A server of another version, or something that is no Trainyard at all, may send anything: what can't be
read is left out, never raised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import grpc
    from google.protobuf.any_pb2 import Any as AnyMessage
    from google.rpc.status_pb2 import Status

    from trainyard.client.values.report import LintReport
    from trainyard.v1.lint_pb2 import LintReport as ReportMessage

REFUSALS = frozenset({"SPEC_REFUSED", "SPEC_MALFORMED"})
TRAILER = "grpc-status-details-bin"


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that stood in the way: its code, the pointer or field, a sentence."""

    type: str
    subject: str
    description: str


@dataclass(frozen=True, slots=True)
class Details:
    """What a server said beside the status code; empty where it said nothing."""

    reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()
    report: LintReport | None = None
    retry_seconds: float | None = None


def read(error: grpc.RpcError) -> Details:
    """Decode the details of a failed call."""
    trailers = getattr(error, "trailing_metadata", lambda: None)() or ()
    raw = next((value for key, value in trailers if key == TRAILER), None)
    return decode(raw) if isinstance(raw, bytes) else Details()


def decode(raw: bytes) -> Details:
    """Decode a serialized ``google.rpc.Status``."""
    from google.protobuf.message import DecodeError
    from google.rpc import status_pb2

    try:
        return _collect(status_pb2.Status.FromString(raw))
    except DecodeError:
        return Details()


def _collect(status: Status) -> Details:
    from google.rpc import error_details_pb2 as rpc

    from trainyard.v1 import lint_pb2

    info, retry, refusal = rpc.ErrorInfo(), rpc.RetryInfo(), lint_pb2.LintReport()
    violations: list[Violation] = []
    retry_seconds = None
    found_report = False
    for detail in status.details:
        detail.Unpack(info)
        if detail.Unpack(retry):
            retry_seconds = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
        found_report = detail.Unpack(refusal) or found_report
        violations.extend(_violations(detail))
    # A refusal whose findings were too long to travel is still one; its digest leads to the report.
    if not found_report and info.reason in REFUSALS:
        found_report, refusal.digest = True, info.metadata.get("report_digest", "")
    report = _report(refusal) if found_report else None
    return Details(info.reason, dict(info.metadata), tuple(violations), report, retry_seconds)


def _violations(detail: AnyMessage) -> list[Violation]:
    from google.rpc import error_details_pb2 as rpc

    state, request, quota = rpc.PreconditionFailure(), rpc.BadRequest(), rpc.QuotaFailure()
    if detail.Unpack(state):
        return [Violation(item.type, item.subject, item.description) for item in state.violations]
    if detail.Unpack(request):
        return [Violation("", item.field, item.description) for item in request.field_violations]
    if detail.Unpack(quota):
        return [Violation("", item.subject, item.description) for item in quota.violations]
    return []


def _report(message: ReportMessage) -> LintReport:
    from trainyard.client.translation import reports

    return reports.report(message)
