"""The documents that an editor has open, each with the newest verdict on it.

A judgement costs about a millisecond, so a keystroke is judged at once. Pasting and replacing everywhere send changes
in bursts: those that come within one window after a judgement share the next one. Whoever asks for the verdict in
between gets it on the newest text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from trainyard.linter.engine.configuration import MAX_BYTES
from trainyard.linter.lsp import tolerant
from trainyard.linter.lsp.addresses import is_spec, path_of
from trainyard.linter.lsp.text import ClientText

if TYPE_CHECKING:
    from trainyard.linter.engine.report import Report
    from trainyard.linter.lsp.outline import Outline
    from trainyard.linter.lsp.ports import Judge
    from trainyard.linter.rules.plugin import Plugin

# Shorter than anybody notices, and than a fast typist's keystrokes are apart.
WINDOW_SECONDS = 0.05


class Handle(Protocol):
    """Something that is to happen later."""

    def cancel(self) -> None:
        """See to it that it does not happen."""


class Open:
    """One open document."""

    __slots__ = ("_outline", "is_stale", "report", "text", "uri", "version", "window")

    def __init__(self, uri: str, text: ClientText, version: int | None) -> None:
        self.uri = uri
        self.text = text
        self.version = version
        self.report: Report | None = None
        self.is_stale = True
        self.window: Handle | None = None
        self._outline: Outline | None = None

    def write(self, text: ClientText, version: int | None) -> None:
        """Replace the text."""
        self.text, self.version, self._outline, self.is_stale = text, version, None, True

    @property
    def path(self) -> str:
        """The path that settings are looked up for."""
        return path_of(self.uri)

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        """The plugins that judged the text."""
        return self.report.configuration.plugins if self.report is not None else ()

    @property
    def outline(self) -> Outline:
        """What the text says so far; nothing for one that is too large to be judged."""
        if self._outline is None:
            limit = self.report.document.limits.bytes if self.report is not None else MAX_BYTES
            self._outline = tolerant.read(self.text.text if len(self.text.raw) <= limit else "")
        return self._outline


class Session:
    """Keeps the verdicts current and hands each new one on.

    Args:
        judge: judges a text.
        publish: is told of every new verdict.
        complain: is told once what is wrong with the settings.
        later: calls a function after some seconds.
    """

    def __init__(
        self,
        judge: Judge,
        publish: Callable[[Open], None],
        complain: Callable[[str], None],
        later: Callable[[float, Callable[[], None]], Handle],
    ) -> None:
        self._judge = judge
        self._publish = publish
        self._complain = complain
        self._later = later
        self._open: dict[str, Open] = {}
        self._complaints: set[str] = set()

    def open(self, uri: str, language: str, text: ClientText, version: int | None) -> None:
        """Take a document in and judge it; one that is no spec is left alone."""
        if not is_spec(uri, language):
            return
        self._judge.forget()
        document = self._open[uri] = Open(uri, text, version)
        self._settle(document)

    def change(self, uri: str, text: ClientText, version: int | None) -> None:
        """Take a new text of a document; it is judged at once, or when the window ends that is open."""
        document = self._open.get(uri)
        if document is not None:
            document.write(text, version)
            if document.window is None:
                self._settle(document)
                document.window = self._later(WINDOW_SECONDS, lambda: self._end_window(document))

    def close(self, uri: str) -> Open | None:
        """Forget a document; return what is forgotten."""
        document = self._open.pop(uri, None)
        if document is not None and document.window is not None:
            document.window.cancel()
        return document

    def find(self, uri: str) -> Open | None:
        """Return an open document with the verdict on its newest text."""
        document = self._open.get(uri)
        if document is not None and document.is_stale:
            self._settle(document)
        return document

    def find_stale(self, uri: str) -> Open | None:
        """Return an open document; its verdict may be on an older text."""
        return self._open.get(uri)

    def refresh(self) -> None:
        """Judge everything anew: settings may have changed."""
        self._judge.forget()
        self._complaints.clear()
        for document in self._open.values():
            self._settle(document)

    def rejudge(self, document: Open, raw: bytes) -> Report | None:
        """Return the verdict on another text of a document."""
        return self._judge.judge(document.path, raw).report

    def _end_window(self, document: Open) -> None:
        document.window = None
        if document.is_stale:
            self._settle(document)
            document.window = self._later(WINDOW_SECONDS, lambda: self._end_window(document))

    def _settle(self, document: Open) -> None:
        verdict = self._judge.judge(document.path, document.text.raw)
        document.report, document.is_stale = verdict.report, False
        if verdict.complaint is not None and verdict.complaint not in self._complaints:
            self._complaints.add(verdict.complaint)
            self._complain(verdict.complaint)
        self._publish(document)
