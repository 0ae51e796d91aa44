"""From an error to ``google.rpc.Status``: what went wrong for people, and the same for programs.

Details travel in trailers, which gRPC refuses at random above 8 KiB and always above 16 KiB
(https://github.com/grpc/grpc/issues/37852). So everything here is capped: each text, the number of findings,
and the whole. The full report has an RPC of its own.
"""

from __future__ import annotations

from google.protobuf import any_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from trainyard.service.core.errors import InvalidRequestError, MalformedSpecError, QuotaError, RefusedError, ServiceError
from trainyard.service.rpc.capping import cut
from trainyard.service.rpc.catalogue import CATALOGUE, DOMAIN, INTERNAL, Row
from trainyard.service.rpc.refusal import refusal_details

MAX_STATUS_BYTES = 6 * 1024
# Travels a second time beside the details, each odd byte as three.
MAX_MESSAGE = 400
MAX_FACT = 200
MAX_FACTS = 8


def status_of(error: ServiceError) -> status_pb2.Status:
    """Describe an error of the core."""
    row = CATALOGUE[type(error)]
    status = _status(row, str(error), error.facts)
    if row.retry_seconds is not None:
        delay = Duration(seconds=int(row.retry_seconds), nanos=int(row.retry_seconds % 1 * 1e9))
        _attach(status, error_details_pb2.RetryInfo(retry_delay=delay))
    if isinstance(error, InvalidRequestError):
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=cut(error.facts["field"], MAX_FACT), description=cut(error.facts["problem"], MAX_FACT)
        )
        _attach(status, error_details_pb2.BadRequest(field_violations=[violation]))
    if isinstance(error, QuotaError):
        quota = error_details_pb2.QuotaFailure.Violation(subject=cut(error.facts["owner"], MAX_FACT), description=cut(str(error), MAX_FACT))
        _attach(status, error_details_pb2.QuotaFailure(violations=[quota]))
    if isinstance(error, MalformedSpecError | RefusedError):
        room = MAX_STATUS_BYTES - status.ByteSize()
        for detail in refusal_details(error.report, malformed=isinstance(error, MalformedSpecError), room=room):
            _attach(status, detail)
    return status


def internal(request_id: str) -> status_pb2.Status:
    """Describe a fault of ours without a word about it: the log has it under the request's id."""
    message = f"the server made a mistake; its log tells more under request {request_id}"
    return _status(INTERNAL, message, {"request_id": request_id})


def _status(row: Row, message: str, facts: dict[str, str]) -> status_pb2.Status:
    metadata = {name: cut(value, MAX_FACT) for name, value in list(facts.items())[:MAX_FACTS]}
    status = status_pb2.Status(code=row.code.value[0], message=cut(message, MAX_MESSAGE))
    _attach(status, error_details_pb2.ErrorInfo(reason=row.reason, domain=DOMAIN, metadata=metadata))
    return status


def _attach(status: status_pb2.Status, detail: Message) -> None:
    packed = any_pb2.Any()
    packed.Pack(detail)
    status.details.append(packed)
