"""Errors speak to people: the docstring is the message."""

from __future__ import annotations

import pytest

from trainyard.service.core import errors
from trainyard.service.core.errors import ServiceError

FACTS = dict.fromkeys(
    ["job", "prefix", "count", "report", "command", "state", "attempt", "field", "problem", "summary", "method", "seconds"], "x"
)


@pytest.mark.parametrize("kind", ServiceError.__subclasses__())
def test_every_error_says_a_whole_sentence_with_its_facts_filled_in(kind: type[ServiceError]) -> None:
    text = str(kind(**FACTS))
    assert text == kind(**FACTS).text()
    assert "{" not in text
    assert text.endswith((".", "?"))
    assert "\n" not in text


def test_facts_are_kept_beside_the_message_and_braces_in_them_are_text() -> None:
    error = errors.UnknownJobError(job="{x}")
    assert error.facts == {"job": "{x}"}
    assert "{x}" in str(error)
