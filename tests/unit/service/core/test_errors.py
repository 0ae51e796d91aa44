"""Errors speak to people: the docstring is the message."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from trainyard.service.core import errors
from trainyard.service.core.errors import ServiceError, SpecError
from trainyard.service.core.jobstore import StoredReport

FACTS = dict.fromkeys(
    [
        "job",
        "name",
        "prefix",
        "count",
        "report",
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
    ],
    "x",
)


SIMPLE: list[Any] = [kind for kind in ServiceError.__subclasses__() if kind is not SpecError]


@pytest.mark.parametrize("kind", SIMPLE)
def test_every_error_says_a_whole_sentence_with_its_facts_filled_in(kind: Any) -> None:
    text = str(kind(command="x", state="x") if kind is errors.IllegalCommandError else kind(**FACTS))
    assert "{" not in text
    assert text.endswith((".", "?"))
    assert "\n" not in text


def test_a_refusal_names_its_report() -> None:
    report = StoredReport("d1", "{}", datetime.now(UTC), None)
    error = errors.RefusedError(report, summary="2 errors")
    assert str(error) == "The linter refuses the spec: 2 errors."
    assert error.facts["report_digest"] == "d1"
    assert str(errors.MalformedSpecError(report, problem="it is empty.")) == "The spec can not be read: it is empty."


def test_facts_are_kept_beside_the_message_and_braces_in_them_are_text() -> None:
    error = errors.UnknownJobError(job="{x}")
    assert error.facts == {"job": "{x}"}
    assert "{x}" in str(error)


def test_a_job_that_is_over_and_holds_its_slot_is_not_told_to_be_cancelled() -> None:
    told = str(errors.IllegalCommandError(command="delete", state=errors.HOLDING))
    assert told == "The job is still holding a slot and can not be deleted: its trainer is about to end; try again in a moment."
