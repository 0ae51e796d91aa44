"""What the editor is offered, the linter accepts; and no state of a text on the way is one that hints break on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("pygls")

from hypothesis import given, settings
from hypothesis import strategies as st
from lsprotocol import types

from trainyard.linter.engine.configuration import Configuration
from trainyard.linter.engine.lint import lint
from trainyard.linter.engine.report import Report
from trainyard.linter.lsp import tolerant
from trainyard.linter.lsp.actions import Fixer
from trainyard.linter.lsp.completion import Completer
from trainyard.linter.lsp.diagnostics import diagnostics
from trainyard.linter.lsp.hover import hover
from trainyard.linter.lsp.outline import Spot
from trainyard.linter.lsp.text import ClientText

EXAMPLES = Path(__file__).parents[4] / "examples"
GOOD = [(EXAMPLES / name / "good.trainspec.json").read_text(encoding="utf-8") for name in ("digits", "breast-cancer")]
RICH = json.dumps(
    {
        "version": "v1",
        "task": "classification",
        "dataset": {"type": "npz", "path": "a.npz", "split": {"validation": {"samples": 5}}, "facts": {"samples": {"at_least": 900}}},
        "augmentation": [{"type": "random_flip"}],
        "model": {"type": "sequential", "layers": [{"type": "conv2d", "filters": 4}, {"type": "dense", "units": 2}]},
        "loss": {"type": "sparse_categorical_crossentropy"},
        "metrics": ["accuracy", {"type": "auc"}],
        "optimizer": {"type": "sgd"},
        "scheduler": [{"type": "cosine", "warmup": {"epochs": 1}}, {"type": "step"}],
        "imbalance": {"type": "focal"},
        "callbacks": {"early_stopping": {"patience": 3}, "on_divergence": {"action": "fail"}},
        "$lint": [{"rule": "dataset-not-read", "reason": "none here"}],
    },
    ensure_ascii=False,
)
SPECS = [*GOOD, RICH]


def judged(text: str) -> Report:
    return lint(text, configuration=Configuration(partial=True))


def completer(text: str, *, fill_in: bool = False) -> Completer:
    return Completer(ClientText(text), tolerant.read(text), judged(text).findings, fill_in=fill_in)


def offered(text: str, offset: int) -> list[types.CompletionItem]:
    return list(completer(text).at(ClientText(text).position(offset)).items)


def taken(text: str, item: types.CompletionItem) -> tuple[str, int]:
    """Return the text after an item was taken, and where the cursor is then."""
    edit = item.text_edit
    assert isinstance(edit, types.TextEdit)
    client = ClientText(text)
    start, end = client.offset(edit.range.start), client.offset(edit.range.end)
    return text[:start] + edit.new_text + text[end:], start + len(edit.new_text)


def objects(text: str) -> Iterator[tuple[int, Spot]]:
    """Yield every place right behind an opening brace."""
    outline = tolerant.read(text)
    for offset in range(1, len(text)):
        spot = outline.spot(offset) if text[offset - 1] == "{" else None
        if spot is not None and spot.role == "key":
            yield offset, spot


def misplaced(text: str) -> set[str]:
    """Return the pointers of keys that are not known, or do nothing, where they stand."""
    return {finding.pointer for finding in judged(text).findings if finding.code in {"SPEC001", "SPEC005", "SPEC008"}}


@pytest.mark.parametrize("text", SPECS)
def test_every_key_that_is_offered_belongs_where_it_is_offered(text: str) -> None:
    assert misplaced(text) == set()
    count = 0
    for offset, _ in objects(text):
        for item in offered(text, offset):
            typed, cursor = taken(text, item)
            whole = (
                typed[: cursor - 1] + " null" + typed[cursor - 1 :]
                if typed[cursor - 1] == ","
                else typed[:cursor] + "null" + typed[cursor:]
            )
            json.loads(whole)
            assert misplaced(whole) == set(), item.label
            count += 1
    assert count > 50


@pytest.mark.parametrize("text", SPECS)
def test_every_word_that_is_offered_is_in_the_closed_list(text: str) -> None:
    count = 0
    for offset, spot in objects(text):
        for key in offered(text, offset):
            if key.label == "type" or spot.tokens[:1] == ("$lint",):
                continue
            typed, cursor = taken(text, key)
            cursor -= typed[cursor - 1] == ","
            for value in offered(typed, cursor):
                whole, _ = taken(typed, value)
                wrong = {finding.code for finding in judged(whole).findings if finding.code in {"SPEC003", "SPEC004"}}
                assert wrong == set(), (key.label, value.label)
                count += 1
    assert count > 50


@pytest.mark.parametrize(
    "marked,expected",
    [
        ('{"scheduler": {"type": "cosine", "t_max": {|}}}', ["epochs", "steps"]),
        ('{"scheduler": {"type": "cosine", "t_max": {"epochs": 5, |}}}', []),
        ('{"scheduler": {"type": "cosine", "t_max": {"epo|": 5}}}', ["epochs", "steps"]),
        ('{"dataset": {"facts": {"samples": {"train": 9, |}}}}', ["validation", "test"]),
        ('{"dataset": {"facts": {"samples": {"at_least": 9, |}}}}', ["exactly", "at_most"]),
    ],
)
def test_keys_that_exclude_each_other_are_not_offered_together(marked: str, expected: list[str]) -> None:
    before, _, after = marked.partition("|")
    assert [item.label for item in offered(before + after, len(before))] == expected


def test_keys_that_are_there_narrow_down_what_is_meant() -> None:
    text = '{"optimizer": {"momentum": 0.9, }}'
    labels = [item.label for item in offered(text, text.index("}}"))]
    assert "nesterov" in labels
    assert "beta_1" not in labels


def test_the_types_of_a_family_are_all_offered_and_all_accepted() -> None:
    for key in ("optimizer", "scheduler", "loss", "imbalance", "dataset", "model"):
        text = f'{{"{key}": {{"type": }}}}'
        items = offered(text, text.index("}}"))
        assert len(items) > 3
        for item in items:
            assert "SPEC004" not in {finding.code for finding in judged(taken(text, item)[0]).findings}


CUTS = st.tuples(st.sampled_from(SPECS), st.integers(0, 1400), st.integers(0, 30), st.text(alphabet='{}[]",: \na1é𝜂', max_size=4))


@settings(deadline=None, max_examples=150)
@given(CUTS, st.integers(0, 1600), st.booleans())
def test_in_any_state_of_a_text_every_question_has_an_answer(cut: tuple[str, int, int, str], place: int, fill_in: bool) -> None:
    text, start, length, put = cut
    text = text[:start] + put + text[start + length :]
    client, outline, report = ClientText(text), tolerant.read(text), judged(text)
    position = client.position(min(place, len(text)))
    shown = hover(outline, report.findings, client, position)
    assert shown is None or isinstance(shown.contents, types.MarkupContent)
    for item in Completer(client, outline, report.findings, fill_in=fill_in).at(position).items:
        edit = item.text_edit
        assert isinstance(edit, types.TextEdit)
        assert client.offset(edit.range.start) <= client.offset(position) <= client.offset(edit.range.end)
    found = diagnostics(report.findings, client)
    assert len(found) == len([finding for finding in report.findings if finding.suppressed is None])
    actions = Fixer("file:///a", client, report).actions(client.range(0, len(text)), None, lambda raw: judged(raw.decode(errors="replace")))
    assert all(action.edit is not None and action.edit.changes for action in actions)


def made(text: str, action: types.CodeAction) -> str:
    """Return the text after an action."""
    assert action.edit is not None
    assert action.edit.changes is not None
    client = ClientText(text)
    for edit in sorted(action.edit.changes["file:///a"], key=lambda edit: client.offset(edit.range.start), reverse=True):
        text = text[: client.offset(edit.range.start)] + edit.new_text + text[client.offset(edit.range.end) :]
    return text


@pytest.mark.parametrize(
    "text",
    [
        '{"versoin": "v1"}',
        '{"version": "v1",}',
        '{"version": "v1", "task": "clasification"}',
        '{"training": {"epochs": 10.0}}',
        '{"training": {"epochs": "10"}}',
        '\ufeff{"version": "v1"}',
        '{"experiment": {"name": "𝜂"} "version": "v1"}',
        "{'version': 'v1'}",
        '{"version": "v1", "version": "v1"}',
        '{"version": "v1"} // note',
    ],
)
def test_what_a_quick_fix_writes_mends_what_it_is_offered_for(text: str) -> None:
    report = judged(text)
    client = ClientText(text)
    finding = next(finding for finding in report.findings if finding.edits or finding.suggestion)
    shown = client.byte_range(finding.start.offset, finding.end.offset)
    action = Fixer("file:///a", client, report).actions(shown, ["quickfix"], lambda raw: judged(raw.decode()))[0]
    left = [other for other in judged(made(text, action)).findings if (other.code, other.message) == (finding.code, finding.message)]
    assert left == []
