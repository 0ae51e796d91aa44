"""Mending never loses what was written: keys move with their values, and where two would meet, both stay and it is told."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from trainyard.linter.engine import edits
from trainyard.linter.engine.fixes import Mended, mend
from trainyard.linter.engine.lint import lint
from trainyard.linter.engine.report import Report
from trainyard.linter.rules.case import Case
from trainyard.linter.rules.rule import Rule, Violation
from trainyard.linter.source import Severity, Suggestion
from trainyard.linter.spec.aliases import KEYS
from trainyard.linter.spec.homes import homes_by_key

WithRules = Callable[..., None]
Pairs = list[tuple[str, Any]]


def mended(source: str, *, unsafe: bool = True) -> Mended:
    return mend(source.encode(), lint, unsafe=unsafe)


def after(source: str) -> Any:
    return json.loads(mended(source).raw)


# -- moves


@pytest.mark.parametrize(
    "source,expected",
    [
        ('{"epochs":3,"batch_size":16}', {"training": {"epochs": 3, "batch_size": 16}, "version": "v1"}),
        ('{"name":"houses","seed":3}', {"experiment": {"name": "houses", "seed": 3}, "version": "v1"}),
        ('{"epochs":3,"training":{"batch_size":16}}', {"training": {"epochs": 3, "batch_size": 16}, "version": "v1"}),
        ('{"lr":0.5,"optimizer":"adam"}', {"optimizer": {"type": "adam", "learning_rate": 0.5}, "version": "v1"}),
        (
            '{"training":{"epochs":3,"early_stopping":{"patience":4}}}',
            {"training": {"epochs": 3}, "callbacks": {"early_stopping": {"patience": 4}}, "version": "v1"},
        ),
    ],
)
def test_misplaced_keys_move_to_their_homes_with_their_values(source: str, expected: Any, with_rules: WithRules) -> None:
    with_rules()
    assert after(source) == expected


def test_a_key_in_the_wrong_place_keeps_how_its_value_was_written(with_rules: WithRules) -> None:
    with_rules()
    source = '{\n  "version": "v1",\n  "lr": 1.50e-3,\n  "epochs": 3\n}'
    expected = '{\n  "version": "v1",\n  "optimizer": { "learning_rate": 1.50e-3 },\n  "training": { "epochs": 3 }\n}'
    assert mended(source).raw.decode() == expected


@pytest.mark.parametrize(
    "source",
    [
        '{"version":"v1","epochs":3,"training":{"epochs":5}}',
        '{"version":"v1","lr":3,"learning_rate":4,"optimizer":{"type":"adam","learning_rate":5}}',
        '{"version":"v1","training":{"epochs":3,"epochs":5}}',
        '{"version":"v1","training":{"epochs":3},"training":{"batch_size":5}}',
        '{"version":"v1","epochs":3,"$lint":[],"$lint":[1]}',
    ],
)
def test_two_values_for_one_place_both_stay_and_it_is_told(source: str, with_rules: WithRules) -> None:
    with_rules()
    outcome = mended(source)
    assert outcome.raw.decode() == source
    assert not any(finding.fixed for finding in outcome.report.findings)
    assert any("remove one of them" in found.message or "keep one of them" in found.message for found in outcome.report.findings)


def test_of_two_keys_for_one_free_place_one_moves_and_the_other_stays(with_rules: WithRules) -> None:
    with_rules()
    outcome = mended('{"version":"v1","lr":3,"learning_rate":4,"optimizer":{"type":"adam"}}')
    assert sorted(value for _, value in leaves(outcome.raw.decode()) if isinstance(value, int)) == [3, 4]
    assert any("remove one of them" in found.message for found in outcome.report.findings)


# -- any spec

_KEYS = sorted({*KEYS, *homes_by_key(), "epoch", "batchsize", "learning-rate", "optimzer", "trainng", "losss", "lables"})
_SECTIONS = ("", "dataset", "model", "optimizer", "training", "callbacks", "experiment", "regularization", "scheduler")
_VALUES = st.one_of(
    st.integers(-2, 999),
    st.sampled_from(
        [0.5, 1e-3, True, None, "adam", "16", "0.5", "10%", "mse", "x", "yes", [3], [8, 8], {"patience": 3}, {"epochs": 2}, {}]
    ),
    st.dictionaries(st.sampled_from(_KEYS), st.integers(0, 99), max_size=2),
)
_BASE: dict[str, Any] = {
    "version": "v1",
    "task": "regression",
    "dataset": {"type": "csv", "path": "a.csv", "target": "y"},
    "model": {"type": "mlp", "hidden": [8]},
    "optimizer": {"type": "adam"},
    "training": {"epochs": 33},
    "callbacks": {},
}


@st.composite
def specs(draw: st.DrawFn) -> str:
    """Draw the text of a spec with keys where they do not belong, some of them twice."""
    members: dict[str, Pairs] = {
        name: list(value.items()) if isinstance(value, dict) else [("", value)] for name, value in _BASE.items() if draw(st.integers(0, 3))
    }
    top: Pairs = []
    for key, value in draw(st.lists(st.tuples(st.sampled_from(_KEYS), _VALUES), max_size=6)):
        section = draw(st.sampled_from(_SECTIONS))
        (members[section] if isinstance(_BASE.get(section), dict) and section in members else top).append((key, value))
    pairs = [*((name, held[0][1] if held and held[0][0] == "" else _Pairs(held)) for name, held in members.items()), *top]
    return _text(draw(st.permutations(pairs)), draw(st.booleans()))


class _Pairs(list[tuple[str, Any]]):
    """The members of an object, where a key may come twice."""


def _text(pairs: Pairs, over_lines: bool, indent: str = "") -> str:
    def value_of(value: Any) -> str:
        return _text(value, over_lines, indent + "  ") if isinstance(value, _Pairs) else json.dumps(value)

    between, end = (f"\n{indent}  ", f"\n{indent}") if over_lines and pairs else ("", "")
    return "{" + ",".join(f"{between}{json.dumps(key)}: {value_of(value)}" for key, value in pairs) + end + "}"


def leaves(text: str) -> Iterator[tuple[str, Any]]:
    """Yield (key, value) of everything in a JSON text that is no object or list; a member written twice alike counts once."""

    def walk(key: str, value: Any) -> Iterator[tuple[str, Any]]:
        if isinstance(value, _Pairs):
            for name, member in {(name, repr(member)): (name, member) for name, member in value}.values():
                yield from walk(name, member)
        elif isinstance(value, list):
            for element in value:
                yield from walk(key, element)
        else:
            yield key, value

    yield from walk("", json.loads(text, object_pairs_hook=_Pairs))


def counted(values: Any) -> Counter[str]:
    return Counter(repr(value) for value in values)


class Watching:
    """Judges, and remembers every value that a suggestion offered to replace."""

    def __init__(self) -> None:
        self.replaced: Counter[str] = Counter()

    def __call__(self, raw: bytes) -> Report:
        report = lint(raw)
        for finding in report.findings:
            wanted = finding.suggestion
            if wanted is not None and finding.target == "value" and wanted.pointer in report.document.places:
                old = json.dumps(edits.value_at(report.document.value, wanted.pointer))
                self.replaced += counted(value for _, value in leaves(old))
        return report


def lost(source: str, judge: Watching) -> Counter[str]:
    outcome = mend(source.encode(), judge, unsafe=True)
    before, now = (counted(value for _, value in leaves(text)) for text in (source, outcome.raw.decode()))
    assert mend(outcome.raw, lint, unsafe=True).raw == outcome.raw, "mending twice is not mending once"
    return before - now - judge.replaced


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(source=specs())
@example(source='{"epochs":3,"batch_size":16,"lr":0.01,"seed":7,"name":"houses"}')
@example(source='{"epochs":3,"lr":1,"lr":2,"version":"v1"}')
@example(source='{"trainng":{"batch_size":4},"epochs":3,"training":{"epochs":5}}')
def test_no_value_is_lost_by_mending_but_those_that_a_suggestion_replaced(source: str, with_rules: WithRules) -> None:
    with_rules()
    assert not lost(source, Watching())


@settings(deadline=None, max_examples=60)
@given(source=specs())
@example(source='{"task":"regression","dataset":{"type":"csv","path":"a.csv","target":"y"},"model":{"type":"mlp","hidden":[8]},"l1":0}')
def test_no_value_is_lost_when_the_rules_have_their_say_too(source: str) -> None:
    assert not lost(source, Watching())


# -- what is told

_MISPLACED: dict[str, Any] = {
    "epochs": 3,
    "bs": 16,
    "lr": 0.5,
    "seed": 7,
    "name": "houses",
    "clipnorm": 1.5,
    "accumulationsteps": 2,
    "numclasses": 5,
    "precision": "float32",
    "delimiter": ";",
}


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=st.lists(st.sampled_from(sorted(_MISPLACED)), unique=True), base=st.sets(st.sampled_from(sorted(_BASE))))
def test_as_many_are_told_to_be_mended_as_were_changed(chosen: list[str], base: set[str], with_rules: WithRules) -> None:
    with_rules()
    source = json.dumps({**{key: _MISPLACED[key] for key in chosen}, **{key: _BASE[key] for key in sorted(base)}}, indent=1)
    outcome = mended(source)
    was, is_now = (dict(_paths(json.loads(text))) for text in (source, outcome.raw))
    gone, new = was.keys() - is_now.keys(), is_now.keys() - was.keys()
    changed = [path for path in was.keys() & is_now.keys() if was[path] != is_now[path]]
    assert sum(finding.fixed for finding in outcome.report.findings) == max(len(gone), len(new)) + len(changed)


def _paths(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, member in value.items():
            yield from _paths(member, f"{path}/{key}")
    elif not isinstance(value, dict):
        yield path, value


class Fewer(Rule):
    """Wants half the epochs, again and again."""

    code, name, severity, reads = "FEW001", "fewer", Severity.WARNING, ("/training/epochs",)

    def check(self, case: Case) -> Iterator[Violation]:
        epochs = case.spec.training.epochs
        if epochs > 4:
            yield Violation("/training/epochs", f"{epochs} are many", suggestion=Suggestion("/training/epochs", epochs // 2))


class Many(Rule):
    """Speaks of many epochs and has nothing to suggest."""

    code, name, severity, reads = "MNY001", "many", Severity.INFO, ("/training/epochs",)

    def check(self, case: Case) -> Iterator[Violation]:
        if case.spec.training.epochs > 4:
            yield Violation("/training/epochs", "many epochs")


def test_what_was_mended_is_told_at_its_place_in_the_text_as_it_was(text: Callable[..., str], with_rules: WithRules) -> None:
    with_rules(Fewer())
    source = "\ufeff" + text(experiment={"name": "x"}, training={"epochs": 33, "batch_size": 8}).replace(
        "{\n", '{\n  "seed": 1,\n', 1
    ).replace("}\n}", "},\n}")
    fixed = [finding for finding in mended(source).report.findings if finding.fixed]
    assert {"FEW001", "SPEC001"} < {finding.code for finding in fixed}
    for finding in fixed:
        line = source.splitlines()[finding.start.line - 1]
        assert finding.pointer.rpartition("/")[2] in line or finding.code.startswith("JSON")


def test_what_goes_away_by_itself_is_not_told_as_mended_nor_is_a_change_told_twice(text: Callable[..., str], with_rules: WithRules) -> None:
    with_rules(Fewer(), Many())
    outcome = mended(text(training={"epochs": 33}))
    assert json.loads(outcome.raw)["training"]["epochs"] == 4
    assert [(finding.code, finding.message) for finding in outcome.report.findings if finding.fixed] == [("FEW001", "33 are many")]
