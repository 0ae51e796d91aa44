"""Whatever a spec holds, the linter answers: no crash of any rule, a bounded report, the same one twice."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from trainyard.linter import Configuration, lint
from trainyard.linter.engine.configuration import RULESETS
from trainyard.linter.engine.fixes import mend

EXAMPLES = Path(__file__).parents[3] / "examples"
SPECS = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(EXAMPLES.glob("*/*.trainspec.json"))]
SCHEMA = json.loads((Path(__file__).parents[3] / "linter/trainyard/linter/spec/schema/v1.json").read_text(encoding="utf-8"))


def _examples(node: Any) -> list[Any]:
    """Return every example value that the language itself gives, by the key it is given for."""
    found = []
    if isinstance(node, dict):
        for key, member in node.get("properties", {}).items() if isinstance(node.get("properties"), dict) else ():
            found += [(key, example) for example in member.get("examples", ())] if isinstance(member, dict) else []
        for member in node.values():
            found += _examples(member)
    elif isinstance(node, list):
        for element in node:
            found += _examples(element)
    return found


GIVEN_BY_THE_LANGUAGE = sorted(_examples(SCHEMA), key=repr)
NUMBERS = st.sampled_from([0, -1, 1, 2, 7, 10.0, 0.5, -0.0, 1e-300, 1e300, 2**53 - 1, -(2**53) + 1, 1e-9, 65536])
WORDS = st.sampled_from(["", "none", "adam", "val_loss", "relu", "softmax", "0", "007", "a/b~c", "漢字", "\u202e", "x" * 300])
VALUES = st.one_of(
    NUMBERS, WORDS, st.none(), st.booleans(), st.lists(NUMBERS, max_size=3), st.just({}), st.dictionaries(WORDS, NUMBERS, max_size=2)
)


def _places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [place]
    for key, member in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found += _places(member, (*place, key))
    return found


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """A spec that was good, with a few members replaced, removed or added."""
    spec: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(SPECS)))
    for _ in range(draw(st.integers(0, 5))):
        *above, key = draw(st.sampled_from([place for place in _places(spec) if place]))
        owner: Any = spec
        for step in above:
            owner = owner[step]
        action = draw(st.sampled_from(["replace", "remove", "add", "example"]))
        if action == "remove":
            del owner[key]
        elif action == "replace" or not isinstance(owner, dict):
            owner[key] = draw(VALUES)
        elif action == "add":
            owner[draw(WORDS)] = draw(VALUES)
        else:
            name, example = draw(st.sampled_from(GIVEN_BY_THE_LANGUAGE))
            owner[name] = copy.deepcopy(example)
    return spec


@settings(deadline=None, max_examples=400)
@given(mutated(), st.sampled_from(RULESETS), st.booleans())
def test_no_rule_crashes_on_any_spec(spec: dict[str, Any], ruleset: str, partial: bool) -> None:
    source = json.dumps(spec)
    configuration = Configuration(ruleset=ruleset, partial=partial)
    report = lint(source, configuration=configuration)
    assert [crash.traceback for crash in report.crashes] == []
    assert len(report.findings) <= 200  # promised, whatever the constant says
    assert report.to_json("x") == lint(source, configuration=configuration).to_json("x")
    for finding in report.findings:
        assert 0 <= finding.start.offset <= finding.end.offset <= len(source.encode())


@settings(deadline=None, max_examples=100)
@given(mutated())
def test_fixing_any_spec_ends_and_never_adds_an_error(spec: dict[str, Any]) -> None:
    raw = json.dumps(spec, indent=2).encode()
    before = lint(raw)
    outcome = mend(raw, lint)
    assert outcome.report.crashes == ()
    assert before.document.value is None or outcome.report.document.value is not None
    errors = [
        sum(finding.severity.label == "error" and not finding.fixed for finding in report.findings) for report in (before, outcome.report)
    ]
    uncovered = any(finding.fixed for finding in outcome.report.findings)
    assert errors[1] <= errors[0] or uncovered
    mend(raw, lint, unsafe=True)


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=300))
def test_any_bytes_are_answered(raw: bytes) -> None:
    report = lint(raw)
    assert report.crashes == ()
    assert not report.passed


def test_keys_that_look_like_numbers_keep_their_place() -> None:
    spec = copy.deepcopy(SPECS[0])
    spec["dataset"]["facts"] = {"class_counts": {"0": "many", "007": "few", "7": 1}}
    pointers = [finding.pointer for finding in lint(json.dumps(spec)).findings if finding.name == "wrong-type"]
    assert pointers == ["/dataset/facts/class_counts/0", "/dataset/facts/class_counts/007"]


def test_a_count_that_no_reader_holds_exactly_is_an_error_and_the_rest_is_judged() -> None:
    spec = copy.deepcopy(SPECS[0])
    spec["experiment"]["seed"] = 1e300
    report = lint(json.dumps(spec))
    assert [finding.pointer for finding in report.findings if finding.severity.label == "error"] == ["/experiment/seed"]
    assert report.to_json("x")["files"][0]["digest"] is None
