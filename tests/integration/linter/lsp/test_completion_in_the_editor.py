"""Completion over the wire: what is offered at the cursor, and what the text is once it is taken."""

from __future__ import annotations

import json
from typing import Any

import pytest

Editor = Any
SNIPPETS = {"textDocument": {"completion": {"completionItem": {"snippetSupport": True}}}}


def completed(editor: Editor, marked: str, **capabilities: Any) -> tuple[str, list[dict[str, Any]]]:
    """Open a text whose cursor is marked with a bar; return the text and what is offered there."""
    editor.start(**capabilities)
    before, _, after = marked.partition("|")
    text = before + after
    editor.open(text)
    line = before.count("\n")
    character = len(before.rpartition("\n")[2].encode("utf-16-le")) // 2
    return text, editor.at("completion", line, character)["items"]


def labels(items: list[dict[str, Any]]) -> list[str]:
    return [item["label"] for item in sorted(items, key=lambda item: item["sortText"])]


def taken(editor: Editor, text: str, items: list[dict[str, Any]], label: str) -> str:
    """Return the text after an item is taken."""
    item = next(item for item in items if item["label"] == label)
    done: str = editor.edited(text, [item["textEdit"], *item.get("additionalTextEdits", [])])
    return done


def test_keys_of_the_object_at_the_cursor_are_offered_required_ones_first(editor: Editor) -> None:
    _, items = completed(editor, '{"version": "v1", |}')
    assert labels(items)[:3] == ["task", "dataset", "model"]
    assert "version" not in labels(items)
    assert items[0]["detail"] == "required"


def test_the_type_decides_which_keys_are_offered(editor: Editor) -> None:
    _, items = completed(editor, '{"optimizer": {"type": "sgd", "|"}}')
    assert {"momentum", "nesterov"} <= set(labels(items))
    assert not {"beta_1", "type"} & set(labels(items))


def test_the_type_may_stand_behind_the_cursor(editor: Editor) -> None:
    _, items = completed(editor, '{"optimizer": {"|", "type": "sgd"}}')
    assert "momentum" in labels(items)
    assert "beta_1" not in labels(items)


@pytest.mark.parametrize(
    "marked,expected",
    [
        ('{"optimizer": {"type": |', ["adam", "adamw", "sgd"]),
        ('{"optimizer": {"type": "a|', ["adam", "adamw", "sgd"]),
        ('{"optimizer": {"type": a|, "learning_rate": 1', ["adam", "adamw", "sgd"]),
        ('{"task": "|"', ["classification", "multilabel", "regression"]),
        ('{"model": {"type": "cnn", "blocks": [{"padding": "|"}]', ["same", "valid"]),
        ('{"augmentation": [{"type": |', ["random_flip", "random_rotation"]),
        ('{"metrics": ["|', ["accuracy"]),
        ('{"metrics": ["f1", |]}', ["accuracy"]),
        ('{"scheduler": [{"type": "cosine"}, {"type": "|', ["constant", "reduce_on_plateau"]),
        ('{"callbacks": {"tensorboard": |}}', ["false", "true", "null"]),
        ('{"training": {"epochs": 3, /* a note */ "precision": "|"', ["float32", "mixed_float16"]),
    ],
)
def test_values_are_offered_in_whatever_state_the_text_is(marked: str, expected: list[str], editor: Editor) -> None:
    _, items = completed(editor, marked)
    assert labels(items)[: len(expected)] == expected


def test_members_of_a_family_are_offered_with_the_keys_that_they_need(editor: Editor) -> None:
    text, items = completed(editor, '{"dataset": |}', **SNIPPETS)
    csv = next(item for item in items if item["label"] == "csv")
    assert csv["insertTextFormat"] == 2
    assert taken(editor, text, items, "csv") == '{"dataset": { "type": "csv", "path": $1, "target": $2 }}'
    assert csv["documentation"]["value"]


def test_an_editor_without_snippets_gets_plain_text(editor: Editor) -> None:
    text, items = completed(editor, '{"dataset": |}')
    assert {item["insertTextFormat"] for item in items} == {1}
    assert taken(editor, text, items, "csv") == '{"dataset": {"type": "csv"}}'


@pytest.mark.parametrize(
    "marked,label,expected",
    [
        ('{"ta|"}', "task", '{"task": }'),
        ('{"ta|}', "task", '{"task": }'),
        ("{ta|}", "task", '{"task": }'),
        ('{"ta|": "regression"}', "task", '{"task": "regression"}'),
        ('{"version": "v1"\n |\n}', "task", '{"version": "v1",\n "task": \n}'),
        ('{| "version": "v1"}', "task", '{"task": , "version": "v1"}'),
        ('{"task":|}', "regression", '{"task": "regression"}'),
        ('{"task": "reg|ression", "version": "v1"}', "regression", '{"task": "regression", "version": "v1"}'),
        ('{"task": |\n "version": "v1"}', "regression", '{"task": "regression",\n "version": "v1"}'),
        ('{"metrics": ["f1" |]}', "accuracy", '{"metrics": ["f1", "accuracy"]}'),
        ('{"experiment": {"name": "𝜂 👩‍🔬"}, "ta|"}', "task", '{"experiment": {"name": "𝜂 👩‍🔬"}, "task": }'),
    ],
)
def test_what_is_taken_fits_in_with_quotes_colon_and_commas(marked: str, label: str, expected: str, editor: Editor) -> None:
    text, items = completed(editor, marked)
    assert taken(editor, text, items, label).replace('f1" , ', 'f1", ') == expected


def test_a_key_starts_with_its_default_or_its_words(editor: Editor) -> None:
    text, items = completed(editor, '{"model": {"type": "cnn", |}}', **SNIPPETS)
    assert taken(editor, text, items, "activation").startswith('{"model": {"type": "cnn", "activation": ${1|"relu",')
    assert taken(editor, text, items, "head").endswith('"head": { $1 }}}')
    assert taken(editor, text, items, "blocks").endswith('"blocks": [$1]}}')


def test_the_text_that_is_replaced_matches_what_editors_filter_by(editor: Editor) -> None:
    text, items = completed(editor, '{"optimizer": {"lear|"}}')
    item = next(item for item in items if item["label"] == "learning_rate")
    replaced = editor.text_at(text, item["textEdit"]["range"])
    assert replaced == '"lear"'
    assert item["filterText"].startswith(replaced[:-1])


def test_rules_and_places_are_offered_for_suppressions(editor: Editor) -> None:
    marked = json.dumps({"optimizer": {"type": "adam", "learning_rate": 0.5}, "dataset": {"type": "csv", "path": "a", "target": "b"}})
    marked = marked[:-1] + ', "model": {"type": "mlp", "hidden": [8]}, "$lint": [{"rule": "|"}]}'
    text, items = completed(editor, marked)
    assert "learning-rate-too-high" in labels(items)
    assert labels(items)[0] in {diagnostic["data"]["name"] for diagnostic in editor.open(text)}


@pytest.mark.parametrize("marked", ["|", "[|", '"|"', "{{|", '{"task" |}', '{"nothing": {"of": "|"}}', "{" * 200 + "|", '{"a": "\\|"}'])
def test_where_nothing_fits_nothing_is_offered(marked: str, editor: Editor) -> None:
    assert completed(editor, marked)[1] == []
