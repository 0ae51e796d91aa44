"""Findings, hover and fixes as an editor gets them over the wire."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

Editor = Any
GOOD: dict[str, Any] = {
    "version": "v1",
    "task": "classification",
    "dataset": {
        "type": "csv",
        "path": "flowers.csv",
        "target": "kind",
        "facts": {"samples": 3000, "classes": ["a", "b", "c"], "class_counts": {"a": 1000, "b": 1000, "c": 1000}},
    },
    "model": {"type": "mlp", "hidden": [32], "dropout": 0.2},
    "optimizer": {"type": "adam", "learning_rate": 0.001},
    "training": {"epochs": 60, "batch_size": 32},
}


def written(**sections: Any) -> str:
    return json.dumps({**GOOD, **sections}, indent=2, ensure_ascii=False) + "\n"


FAST = {"type": "adam", "learning_rate": 0.5}


def found(diagnostics: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(diagnostic["code"], diagnostic["severity"]) for diagnostic in diagnostics]


def test_a_good_spec_has_nothing_underlined(editor: Editor) -> None:
    editor.start()
    assert editor.open(written()) == []


def test_each_finding_covers_exactly_what_is_wrong(editor: Editor) -> None:
    editor.start()
    text = written(optimizer=FAST, training={"epoch": 60})
    rate, key = editor.open(text)
    assert found([rate, key]) == [("LR001", 2), ("SPEC001", 1)]
    assert editor.text_at(text, rate["range"]) == "0.5"
    assert editor.text_at(text, key["range"]) == '"epoch"'
    assert rate["source"] == "trainlint"
    assert rate["data"] == {"name": "learning-rate-too-high", "pointer": "/optimizer/learning_rate"}
    assert "write 0.00" in rate["message"]


def test_an_info_is_shown_as_information(editor: Editor) -> None:
    editor.start()
    (editor.folder / "trainlint.toml").write_text('severity = { LR001 = "info" }\n', encoding="utf-8")
    assert found(editor.open(written(optimizer=FAST))) == [("LR001", 3)]


def test_what_has_no_effect_is_faded(editor: Editor) -> None:
    editor.start()
    (faded,) = editor.open(written(optimizer={"type": "adam", "learning_rate": 0.001, "momentum": 0.9}))
    assert (faded["code"], faded["tags"]) == ("SPEC008", [1])


def test_what_the_author_accepts_is_not_shown(editor: Editor) -> None:
    editor.start()
    accepted = [{"rule": "learning-rate-too-high", "pointer": "/optimizer/learning_rate", "reason": "a range test"}]
    assert editor.open(written(optimizer=FAST, **{"$lint": accepted})) == []


def test_missing_sections_are_no_fault_while_one_writes(editor: Editor) -> None:
    editor.start()
    assert editor.open('{"version": "v1"}') == []
    editor.change('{"version": "v1", "model": {"type": "cnn"}, "optimizer": {"learning_rate": 0.5}}', 2)
    (tag,) = editor.diagnostics(2)
    assert "type" in tag["message"]


def test_a_change_is_judged_and_closing_clears(editor: Editor) -> None:
    editor.start()
    editor.open(written())
    editor.change(written(optimizer={"type": "adam", "learning_rate": "fast"}), 2)
    assert found(editor.diagnostics(2)) == [("SPEC003", 1)]
    editor.change(written(), 3)
    assert editor.diagnostics(3) == []
    editor.change(written(task=7), 4)
    editor.notify("textDocument/didClose", {"textDocument": {"uri": editor.uri()}})
    assert editor.diagnostics(None) == []
    assert editor.at("hover", 1, 4) is None
    late = [message for message in editor.said if message.get("params", {}).get("version") == 4]
    assert late == []


def test_changes_in_one_burst_share_a_judgement(editor: Editor) -> None:
    editor.start()
    editor.open(written())
    for version in range(2, 42):
        editor.change(written(training={"epochs": version, "batch_size": 32}), version)
    editor.diagnostics(41)
    between = [message for message in editor.said if message.get("method") == "textDocument/publishDiagnostics"]
    assert len(between) < 20


@pytest.mark.parametrize("encoding,character", [("utf-8", 1 + 4), ("utf-16", 1 + 2), ("utf-32", 1 + 1)])
def test_columns_are_in_the_unit_that_the_editor_prefers(encoding: str, character: int, editor: Editor) -> None:
    capabilities = editor.start(general={"positionEncodings": [encoding]})
    assert capabilities["positionEncoding"] == encoding
    # The key {"𝜂": …}: one code point, two UTF-16 units, four bytes.
    (unknown,) = editor.open('{\n"𝜂": 1}')
    assert unknown["range"] == {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": character + 1}}


def test_wide_characters_before_a_finding_shift_nothing(editor: Editor) -> None:
    editor.start()
    wide = {"experiment": {"name": "ünï 𝜂 日本 👩‍🔬"}, **GOOD, "optimizer": {**FAST, "momentun": 1}}
    text = json.dumps(wide, ensure_ascii=False)
    for diagnostic, wrong in zip(editor.open(text), ["0.5", '"momentun"'], strict=True):
        assert editor.text_at(text, diagnostic["range"]) == wrong


def test_a_line_separator_inside_a_string_begins_no_line(editor: Editor) -> None:
    editor.start()
    text = '{"experiment": {"name": "one\u2028two\u0085three"},\n "task": 7}'
    (wrong,) = editor.open(text)
    assert wrong["range"]["start"] == {"line": 1, "character": 9}
    editor.change(text.replace("7", "8"), 2)
    assert editor.diagnostics(2)[0]["range"]["start"] == {"line": 1, "character": 9}


def test_windows_line_ends_and_a_byte_order_mark_shift_nothing(editor: Editor) -> None:
    editor.start()
    text = '\ufeff{"version": "v1",\r\n  "task": 7}'
    mark, wrong = editor.open(text)
    assert mark["range"] == {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}}
    assert wrong["range"] == {"start": {"line": 1, "character": 10}, "end": {"line": 1, "character": 11}}


def test_hover_tells_what_a_field_is(editor: Editor) -> None:
    editor.start()
    text = written()
    editor.open(text)
    line = next(number for number, line in enumerate(text.split("\n")) if "learning_rate" in line)
    shown = editor.at("hover", line, text.split("\n")[line].index("learning_rate"))
    assert shown["contents"]["kind"] == "markdown"
    assert "Size of an update before any schedule." in shown["contents"]["value"]
    assert "usual: 0.0001 to 0.01" in shown["contents"]["value"]
    assert editor.text_at(text, shown["range"]) == '"learning_rate"'


def test_hover_on_a_type_tells_what_was_picked_and_what_else_there_is(editor: Editor) -> None:
    editor.start()
    text = '{"optimizer": {"type": "adamw"}}'
    editor.open(text)
    shown = editor.at("hover", 0, text.index("adamw"))["contents"]["value"]
    assert "**AdamW**" in shown
    assert '"sgd"' in shown


def test_hover_on_a_finding_explains_its_rule(editor: Editor) -> None:
    editor.start()
    text = written(optimizer=FAST)
    (rate,) = editor.open(text)
    start = rate["range"]["start"]
    shown = editor.at("hover", start["line"], start["character"])["contents"]["value"]
    assert "LR001" in shown
    assert "*Why it fails:*" in shown
    assert "*When to ignore:*" in shown
    assert "Learning rate" in shown


def test_hover_works_in_text_that_is_no_json_yet(editor: Editor) -> None:
    editor.start()
    text = '{"optimizer": {"type": "adam",\n "learning_rate": \n'
    editor.open(text)
    assert "Size of an update" in editor.at("hover", 1, 5)["contents"]["value"]
    assert editor.at("hover", 0, 0) is None


def test_a_misspelt_key_is_renamed_in_place(editor: Editor) -> None:
    editor.start()
    text = written(training={"epoch": 60, "batch_size": 32})
    (unknown,) = editor.open(text)
    (action,) = editor.actions(unknown, only=["quickfix"])
    assert (action["title"], action["isPreferred"]) == ('Rename to "epochs"', True)
    assert action["diagnostics"] == [unknown]
    assert editor.mended(text, action) == text.replace('"epoch"', '"epochs"')


def test_a_key_in_the_wrong_place_is_moved_with_its_value(editor: Editor) -> None:
    editor.start()
    text = written(seed=5, experiment={"name": "x"})
    (unknown,) = editor.open(text)
    (action,) = editor.actions(unknown, only=["quickfix"])
    assert action["title"] == 'Move to "experiment.seed"'
    assert json.loads(editor.mended(text, action))["experiment"] == {"name": "x", "seed": 5}


def test_what_a_rule_suggests_is_written_on_demand(editor: Editor) -> None:
    editor.start()
    text = written(experiment={"name": "𝜂"}, optimizer=FAST)
    (rate,) = editor.open(text)
    write, accept = editor.actions(rate, only=["quickfix"])
    assert write["title"].startswith("Write 0.00")
    assert "isPreferred" not in write
    editor.change(editor.mended(text, write), 2)
    assert editor.diagnostics(2) == []
    assert accept["title"] == "Accept LR001 here, with a reason in $lint"


@pytest.mark.parametrize(
    "before",
    [
        {},
        {"$lint": [{"rule": "dataset-not-read", "reason": "CI has no data"}]},
        {"$lint": []},
    ],
)
def test_accepting_a_finding_leaves_only_the_reason_to_write(before: dict[str, Any], editor: Editor) -> None:
    editor.start()
    text = written(optimizer=FAST, **before)
    rate = next(diagnostic for diagnostic in editor.open(text) if diagnostic["code"] == "LR001")
    accept = next(action for action in editor.actions(rate) if action["title"].startswith("Accept"))
    mended = editor.mended(text, accept)
    editor.change(mended, 2)
    left = {diagnostic["code"]: diagnostic for diagnostic in editor.diagnostics(2)}
    assert set(left) == {"LR001", "SPEC005"}
    reason = left["SPEC005"]
    assert editor.text_at(mended, reason["range"]) == '""'
    editor.change(mended.replace('"reason": ""', '"reason": "a range test"'), 3)
    assert editor.diagnostics(3) == []


def test_fixing_everything_makes_safe_fixes_only(editor: Editor) -> None:
    editor.start()
    text = '{"version": "v1", "optimizer": {"type": "adam", "learning_rate": 0.5}, "training": {"epoch": 10.0,},}'
    editor.open(text)
    (action,) = editor.actions(only=["source.fixAll"])
    assert action["kind"] == "source.fixAll.trainlint"
    mended = json.loads(editor.mended(text, action))
    assert mended["training"] == {"epochs": 10}
    assert mended["optimizer"]["learning_rate"] == 0.5


def test_kinds_that_are_not_asked_for_are_not_offered(editor: Editor) -> None:
    editor.start()
    (unknown,) = editor.open(written(training={"epoch": 60}))
    assert editor.actions(unknown, only=["refactor"]) == []
    assert {action["kind"] for action in editor.actions(unknown)} == {"quickfix", "source.fixAll.trainlint"}


def test_the_configuration_above_the_document_is_honoured(editor: Editor) -> None:
    below = editor.folder / "team"
    below.mkdir()
    (below / "pyproject.toml").write_text('[tool.trainlint]\nignore = ["LR001"]\n', encoding="utf-8")
    editor.start()
    text = written(optimizer=FAST)
    assert found(editor.open(text)) == [("LR001", 2)]
    assert editor.open(text, "team/b.trainspec.json") == []


def test_excluded_files_and_baselines_count(editor: Editor, tmp_path: Path) -> None:
    (tmp_path / "trainlint.toml").write_text('exclude = ["legacy/**"]\nbaseline = "known.json"\n', encoding="utf-8")
    known = {"path": "a.trainspec.json", "rule": "LR001", "pointer": "/optimizer/learning_rate"}
    (tmp_path / "known.json").write_text(json.dumps({"version": 1, "findings": [known]}), encoding="utf-8")
    editor.start()
    text = written(optimizer=FAST)
    assert editor.open(text) == []
    assert editor.open(text, "legacy/b.trainspec.json") == []
    assert found(editor.open(text, "c.trainspec.json")) == [("LR001", 2)]


def test_a_saved_configuration_counts_at_once(editor: Editor) -> None:
    editor.start(workspace={"didChangeWatchedFiles": {"dynamicRegistration": True}})
    asked = editor.wait(lambda message: message.get("method") == "client/registerCapability")
    patterns = [watcher["globPattern"] for watcher in asked["params"]["registrations"][0]["registerOptions"]["watchers"]]
    assert "**/trainlint.toml" in patterns
    editor.server.send(id=asked["id"], result=None)
    assert found(editor.open(written(optimizer=FAST))) == [("LR001", 2)]
    file = editor.folder / "trainlint.toml"
    file.write_text('ignore = ["LR"]\n', encoding="utf-8")
    editor.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": file.as_uri(), "type": 1}]})
    assert editor.diagnostics(1) == []


def test_a_broken_configuration_is_told_once_and_judging_goes_on(editor: Editor) -> None:
    (editor.folder / "trainlint.toml").write_text('igmore = ["LR001"]\n', encoding="utf-8")
    editor.start()
    assert found(editor.open(written(optimizer=FAST))) == [("LR001", 2)]
    editor.change(written(), 2)
    assert editor.diagnostics(2) == []
    told = [message["params"] for message in editor.said if message.get("method") == "window/showMessage"]
    assert [message["type"] for message in told] == [1]
    assert "did you mean 'ignore'" in told[0]["message"]


def test_data_is_never_read_while_somebody_types(editor: Editor) -> None:
    (editor.folder / "trainlint.toml").write_text('data-root = "no/such/folder"\n', encoding="utf-8")
    editor.start()
    assert editor.open(written()) == []
    assert all(message.get("method") != "window/showMessage" for message in editor.said)


def test_a_new_document_without_a_file_is_judged(editor: Editor) -> None:
    editor.start()
    item = {"uri": "untitled:Untitled-1", "languageId": "trainspec", "version": 1, "text": '{"task": 7}'}
    editor.notify("textDocument/didOpen", {"textDocument": item})
    shown = editor.wait(lambda message: message.get("params", {}).get("uri") == "untitled:Untitled-1")
    assert [diagnostic["code"] for diagnostic in shown["params"]["diagnostics"]] == ["SPEC004"]


def test_json_that_is_no_spec_is_left_alone(editor: Editor) -> None:
    editor.start()
    item = {"uri": editor.uri("package.json"), "languageId": "json", "version": 1, "text": "{"}
    editor.notify("textDocument/didOpen", {"textDocument": item})
    assert editor.at("hover", 0, 0, "package.json") is None
    assert editor.said == []
