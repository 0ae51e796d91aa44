"""jsonschema-rs decides alone: it must decide as the reference implementation does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsonschema

from trainyard.linter.spec import bundle
from trainyard.linter.spec.validity import validator

_SPECS = 2600


def test_both_validators_give_the_same_verdict_on_thousands_of_specs(writer: Callable[[int], Any]) -> None:
    reference, judge = jsonschema.Draft202012Validator(bundle.schema()), validator()
    verdicts = {True: 0, False: 0}
    for seed in range(_SPECS):
        author = writer(seed)
        written = author.spec()
        for spec in (written, author.broken(written)):
            verdict = judge.is_valid(spec)
            assert verdict == reference.is_valid(spec), (seed, spec)
            verdicts[verdict] += 1
    assert sum(verdicts.values()) >= 5000
    assert min(verdicts.values()) >= 1000, verdicts


def test_what_the_writer_writes_is_a_spec(writer: Callable[[int], Any]) -> None:
    judge = validator()
    refused = [seed for seed in range(300) if not judge.is_valid(writer(seed).spec())]
    assert not refused


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(bundle.schema())
