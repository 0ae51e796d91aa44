"""Which changes are judged, and when: on a clock that the test winds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.importorskip("pygls")

from trainyard.linter.engine.configuration import Configuration
from trainyard.linter.engine.lint import lint
from trainyard.linter.lsp.addresses import is_spec, path_of
from trainyard.linter.lsp.ports import Verdict
from trainyard.linter.lsp.session import WINDOW_SECONDS, Open, Session
from trainyard.linter.lsp.text import ClientText

URI = "file:///a.trainspec.json"


class Timer:
    def __init__(self, at: float, call: Callable[[], None]) -> None:
        self.at = at
        self.call = call
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Desk:
    """A judge, a clock and an editor's screen in one."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Timer] = []
        self.judged: list[str] = []
        self.shown: list[int | None] = []
        self.told: list[str] = []
        self.forgotten = 0
        self.complaint: str | None = None
        self.session = Session(self, self._show, self.told.append, self._later)

    def judge(self, path: str, raw: bytes) -> Verdict:
        assert path == "/a.trainspec.json"
        self.judged.append(raw.decode())
        return Verdict(lint(raw, configuration=Configuration(partial=True)), self.complaint)

    def forget(self) -> None:
        self.forgotten += 1

    def wait(self, seconds: float) -> None:
        self.now += seconds
        for timer in [timer for timer in self.timers if timer.at <= self.now and not timer.is_cancelled]:
            self.timers.remove(timer)
            timer.call()

    def type(self, text: str, version: int) -> None:
        self.session.change(URI, ClientText(text), version)

    def open(self, text: str = "{}") -> None:
        self.session.open(URI, "json", ClientText(text), 1)

    def _show(self, document: Open) -> None:
        self.shown.append(document.version)

    def _later(self, seconds: float, call: Callable[[], None]) -> Timer:
        self.timers.append(Timer(self.now + seconds, call))
        return self.timers[-1]


def test_a_keystroke_is_judged_at_once() -> None:
    desk = Desk()
    desk.open()
    desk.type("{1", 2)
    assert desk.judged == ["{}", "{1"]


def test_the_changes_of_a_burst_share_one_judgement_at_the_end_of_the_window() -> None:
    desk = Desk()
    desk.open()
    for version in range(2, 10):
        desk.type(str(version), version)
    assert desk.shown == [1, 2]
    desk.wait(WINDOW_SECONDS)
    assert desk.shown == [1, 2, 9]
    desk.type("later", 10)
    assert desk.shown == [1, 2, 9]
    desk.wait(WINDOW_SECONDS)
    assert desk.shown == [1, 2, 9, 10]


def test_nothing_is_judged_twice() -> None:
    desk = Desk()
    desk.open()
    desk.type("a", 2)
    for _ in range(3):
        desk.wait(WINDOW_SECONDS)
        desk.session.find(URI)
    assert desk.judged == ["{}", "a"]


def test_who_asks_in_between_gets_the_verdict_on_the_newest_text() -> None:
    desk = Desk()
    desk.open()
    desk.type("{", 2)
    desk.type("[", 3)
    document = desk.session.find(URI)
    assert document is not None
    assert document.report is not None
    assert document.report.document.text == "["
    desk.wait(WINDOW_SECONDS)
    assert desk.judged == ["{}", "{", "["]


def test_a_closed_document_is_never_judged_again() -> None:
    desk = Desk()
    desk.open()
    desk.type("a", 2)
    desk.type("b", 3)
    assert desk.session.close(URI) is not None
    desk.wait(WINDOW_SECONDS)
    desk.type("c", 4)
    assert desk.judged == ["{}", "a"]
    assert desk.session.find(URI) is None
    assert desk.session.close(URI) is None


def test_a_complaint_is_told_once_until_settings_change() -> None:
    desk = Desk()
    desk.complaint = "unknown key"
    desk.open()
    desk.type("{1", 2)
    assert desk.told == ["unknown key"]
    desk.session.refresh()
    assert desk.told == ["unknown key"] * 2


def test_settings_are_read_anew_when_a_document_is_opened() -> None:
    desk = Desk()
    desk.open()
    assert desk.forgotten == 1


@pytest.mark.parametrize(
    "uri,language,expected",
    [
        (URI, "json", True),
        ("file:///a%2Etrainspec%2Ejson", "json", True),
        ("file:///package.json", "json", False),
        ("untitled:Untitled-1", "json", False),
        ("untitled:Untitled-1", "trainspec", True),
        ("git:/a.trainspec.json?ref", "jsonc", True),
        ("http://[", "json", False),
        ("http://[", "trainspec", True),
    ],
)
def test_only_specs_are_taken_in(uri: str, language: str, expected: bool) -> None:
    assert is_spec(uri, language) is expected


@pytest.mark.parametrize(
    "uri,path",
    [
        ("file:///home/me/a%20b.trainspec.json", "/home/me/a b.trainspec.json"),
        ("file:///C:/work/a.trainspec.json", "C:/work/a.trainspec.json"),
        ("file:///c%3A/work/a.trainspec.json", "c:/work/a.trainspec.json"),
        ("file://server/share/a.trainspec.json", "//server/share/a.trainspec.json"),
        ("untitled:Untitled-1", "Untitled-1"),
        ("", "untitled.trainspec.json"),
        ("http://[", "untitled.trainspec.json"),
        ("file:///a%00b", "untitled.trainspec.json"),
    ],
)
def test_the_path_that_settings_are_looked_up_for(uri: str, path: str) -> None:
    assert path_of(uri) == path
