"""Several folders at once, plugins of a folder, files that vanish, and edits told by their ranges."""

from __future__ import annotations

import json
from typing import Any

import pytest

Editor = Any
GOOD: dict[str, Any] = {
    "version": "v1",
    "experiment": {"name": "🚂 𝜂"},
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
PLUGIN = '''
from trainyard.linter.rules.rule import Rule, Violation
from trainyard.linter.source import Severity, Suggestion

print("what a plugin prints must not get between the messages")


class NameTooLong(Rule):
    """A name is too long for our dashboards."""

    code, name, severity = "{code}", "name-too-long", Severity.WARNING
    reads = ("/experiment/name",)

    def check(self, case):
        if len(case.spec.experiment.name) > {most}:
            yield Violation("/experiment/name", "too long; write {{}}".format("x"), suggestion=Suggestion("/experiment/name", "x"))


RULES = (NameTooLong(),)
'''


def written(**sections: Any) -> str:
    return json.dumps({**GOOD, **sections}, indent=2, ensure_ascii=False) + "\n"


def codes(diagnostics: list[dict[str, Any]]) -> list[str]:
    return [diagnostic["code"] for diagnostic in diagnostics]


@pytest.fixture
def two(editor: Editor) -> Editor:
    for name, code, most in (("one", "HOUSE001", 2), ("two", "HOUSE002", 100)):
        folder = editor.folder / name
        folder.mkdir()
        (folder / "trainlint.toml").write_text('plugins = ["./house.py"]\n', encoding="utf-8")
        (folder / "house.py").write_text(PLUGIN.format(code=code, most=most), encoding="utf-8")
    editor.start()
    return editor


def test_each_folder_has_its_own_plugins_even_with_the_same_names(two: Editor) -> None:
    assert codes(two.open(written(), "one/a.trainspec.json")) == ["HOUSE001"]
    assert codes(two.open(written(), "two/a.trainspec.json")) == []
    assert codes(two.open(written(experiment={"name": "x" * 200}), "two/b.trainspec.json")) == ["HOUSE002"]
    assert codes(two.open(written(), "elsewhere.trainspec.json")) == []


def test_a_rule_of_the_house_is_underlined_explained_and_mended(two: Editor) -> None:
    text = written()
    (diagnostic,) = two.open(text, "one/a.trainspec.json")
    assert two.text_at(text, diagnostic["range"]) == '"🚂 𝜂"'
    start = diagnostic["range"]["start"]
    hover = two.at("hover", start["line"], start["character"] + 1, "one/a.trainspec.json")
    assert "A name is too long for our dashboards." in hover["contents"]["value"]
    context = {"diagnostics": [diagnostic]}
    document = {"uri": two.uri("one/a.trainspec.json")}
    actions = two.request("textDocument/codeAction", {"textDocument": document, "range": diagnostic["range"], "context": context})
    mending = next(action for action in actions if "accept" not in action["title"].lower() and action["kind"] == "quickfix")
    assert json.loads(two.mended(text, mending, "one/a.trainspec.json"))["experiment"]["name"] == "x"


def test_a_plugin_that_is_mended_counts_from_the_next_save_on(two: Editor) -> None:
    name = "one/a.trainspec.json"
    (two.folder / "one/house.py").write_text("def broken(:\n", encoding="utf-8")
    assert codes(two.open(written(), name)) == []
    told = next(message for message in two.said if message.get("method") == "window/showMessage")
    assert "./house.py cannot be imported: SyntaxError" in told["params"]["message"]
    (two.folder / "one/house.py").write_text(PLUGIN.format(code="HOUSE003", most=1), encoding="utf-8")
    two.notify("textDocument/didSave", {"textDocument": {"uri": two.uri(name)}})
    assert codes(two.diagnostics(1, name)) == ["HOUSE003"]


def test_edits_told_by_ranges_land_right_behind_characters_of_two_units(editor: Editor) -> None:
    editor.start()
    text = written()
    assert editor.open(text) == []
    line = next(number for number, content in enumerate(text.split("\n")) if "🚂" in content)
    column = len(text.split("\n")[line].partition("𝜂")[0].encode("utf-16-le")) // 2 + 2
    place = {"start": {"line": line, "character": column}, "end": {"line": line, "character": column + 1}}
    document = {"uri": editor.uri(), "version": 2}
    change = {"range": place, "text": '", "sead": "3"'}
    editor.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})
    changed = text.replace('𝜂"', '𝜂", "sead": "3"')
    (diagnostic,) = editor.diagnostics(2)
    assert (diagnostic["code"], editor.text_at(changed, diagnostic["range"])) == ("SPEC001", '"sead"')


def test_a_file_that_is_deleted_while_it_is_open_goes_on_being_judged(editor: Editor) -> None:
    editor.start()
    path = editor.folder / "a.trainspec.json"
    path.write_text(written(), encoding="utf-8")
    assert editor.open(written()) == []
    path.unlink()
    editor.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": path.as_uri(), "type": 3}]})
    assert editor.diagnostics(1) == []
    editor.change(written(training={"epoch": 3}), 2)
    assert codes(editor.diagnostics(2)) == ["SPEC001"]
    editor.notify("textDocument/didClose", {"textDocument": {"uri": editor.uri()}})
    assert editor.diagnostics(None) == []
