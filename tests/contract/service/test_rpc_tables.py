"""Tables that must be complete: every error has a code, every method a row, every value of the core a number."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from trainyard.service.core import errors, events
from trainyard.service.core.errors import ServiceError, SpecError
from trainyard.service.core.identity import Role
from trainyard.service.core.jobstore import StoredReport
from trainyard.service.core.reasons import Reason
from trainyard.service.core.states import State
from trainyard.service.executor import words
from trainyard.service.rpc import status
from trainyard.service.rpc.catalogue import CATALOGUE
from trainyard.service.rpc.interceptors.allowed import LEAST_ROLE
from trainyard.service.rpc.servicer import TrainingServicer
from trainyard.service.rpc.translation import events as translation
from trainyard.service.rpc.translation.jobs import REASONS, STATES
from trainyard.v1 import event_pb2, job_pb2, lint_pb2, training_service_pb2
from trainyard.v1.training_service_pb2_grpc import TrainingServiceServicer

OFFERED = (training_service_pb2.DESCRIPTOR, health_pb2.DESCRIPTOR, reflection_pb2.DESCRIPTOR)
METHODS = {
    f"/{service.full_name}/{method.name}" for file in OFFERED for service in file.services_by_name.values() for method in service.methods
}


def kinds_of(kind: type[ServiceError]) -> list[type[ServiceError]]:
    return [kind, *(found for below in kind.__subclasses__() for found in kinds_of(below))]


ERRORS = [kind for kind in kinds_of(ServiceError) if kind not in {ServiceError, SpecError}]


def test_every_error_of_the_core_has_a_row_and_every_row_an_error() -> None:
    assert set(CATALOGUE) == set(ERRORS)
    reasons = [row.reason for row in CATALOGUE.values()]
    assert len(set(reasons)) == len(reasons)


def test_every_method_that_is_offered_has_an_authorization_row_and_every_row_a_method() -> None:
    assert set(LEAST_ROLE) == METHODS


def test_only_probes_and_reflection_are_open_to_nobody() -> None:
    open_to_all = {method for method, role in LEAST_ROLE.items() if role is Role.NOBODY}
    assert not any("trainyard" in method for method in open_to_all)
    changing = ("CreateJob", "PauseJob", "ResumeJob", "StopJob", "CancelJob", "DeleteJob")
    assert all(LEAST_ROLE[f"/trainyard.v1.TrainingService/{name}"] >= Role.SUBMITTER for name in changing)


def test_every_method_of_the_contract_is_answered_by_the_servicer_itself() -> None:
    service = training_service_pb2.DESCRIPTOR.services_by_name["TrainingService"]
    inherited = vars(TrainingServiceServicer)
    assert all(getattr(TrainingServicer, method.name) is not inherited[method.name] for method in service.methods)


def test_states_and_reasons_are_those_of_the_contract() -> None:
    assert sorted(STATES.values()) == sorted(set(job_pb2.JobState.values()) - {0})
    assert sorted(REASONS.values()) == sorted(set(job_pb2.JobReason.values()) - {0})
    assert set(STATES) == set(State)
    assert set(REASONS) == set(Reason)


def test_every_kind_of_event_has_a_field_and_every_field_a_kind() -> None:
    fields = {field.name for field in event_pb2.Event.DESCRIPTOR.oneofs_by_name["kind"].fields}
    assert {field for field, _ in translation._KINDS.values()} == fields
    assert set(translation._KINDS) == set(events.Body.__args__)


def finding(index: int, text: str) -> dict[str, Any]:
    place = {"line": 10**6, "column": 10**6, "offset": 10**6 + index}
    return {
        "code": f"XX{index:03d}",
        "name": "n" * 200,
        "severity": ("info", "warning", "error")[index % 3],
        "message": text,
        "pointer": "/" + text,
        "start": place,
        "end": place,
        "suggestion": {"pointer": "/" + text, "value": text},
        "suppressed": text,
        "fixed": False,
    }


def report(count: int, text: str) -> StoredReport:
    judged = {
        "path": "",
        "digest": "d" * 64,
        "verdict": "fail",
        "findings": [finding(index, text) for index in range(count)],
        "more_findings": 9,
    }
    body = json.dumps({"version": 1, "ruleset": "r" * 64, "fail_on": "error", "files": [judged], "summary": {}})
    return StoredReport("d" * 64, body, datetime.now(UTC), None)


LONG = "\U0001f600" * 5000
NAMES = (
    "name",
    "job",
    "prefix",
    "count",
    "command",
    "state",
    "attempt",
    "field",
    "problem",
    "summary",
    "method",
    "seconds",
    "owner",
    "most",
)
FACTS = dict.fromkeys(NAMES, LONG)


def made(kind: type[ServiceError], findings: int) -> ServiceError:
    if issubclass(kind, SpecError):
        return kind(report(findings, LONG), **FACTS)
    if kind is errors.IllegalCommandError:
        return errors.IllegalCommandError(command=LONG, state=LONG)
    return kind(**FACTS, report=LONG)


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("findings", [0, 1, 20, 200])
def test_the_largest_possible_error_stays_below_six_kibibytes(kind: type[ServiceError], findings: int) -> None:
    whole = status.status_of(made(kind, findings))
    assert whole.ByteSize() < 6 * 1024  # promised, whatever the constant says
    assert any(detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR) for detail in whole.details)
    assert whole.code == CATALOGUE[kind].code.value[0]


def test_a_fault_of_ours_is_small_too() -> None:
    assert status.internal("x" * 64).ByteSize() < 6 * 1024


def refusal(count: int, text: str) -> tuple[status_pb2.Status, lint_pb2.LintReport]:
    whole = status.status_of(errors.RefusedError(report(count, text), summary="3 errors"))
    inside = lint_pb2.LintReport()
    assert any(detail.Unpack(inside) for detail in whole.details)
    return whole, inside


def test_a_refusal_with_few_findings_carries_each_of_them_whole() -> None:
    _, inside = refusal(5, "a message of a usual length, which says what is wrong and what to write instead of it")
    assert len(inside.findings) == 5
    assert all(found.message.endswith("instead of it") for found in inside.findings)
    assert inside.more_findings == 9


def test_a_refusal_with_many_findings_carries_twenty_and_counts_the_rest() -> None:
    _, inside = refusal(60, "short")
    assert len(inside.findings) <= 20
    assert len(inside.findings) + inside.more_findings == 69
    assert all(found.severity == lint_pb2.SEVERITY_ERROR for found in inside.findings)
    offsets = [found.start.offset for found in inside.findings]
    assert offsets == sorted(offsets)


def test_no_detail_comes_twice() -> None:
    whole, _ = refusal(3, "x")
    assert len({detail.type_url for detail in whole.details}) == len(whole.details)


def test_texts_of_a_trainer_can_not_make_a_message_too_large() -> None:
    assert words.MAX_TEXT < 64 * 1024
