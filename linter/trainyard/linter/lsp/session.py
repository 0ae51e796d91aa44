"""The documents that an editor has open, each with the newest verdict on it.

A judgement costs about a millisecond, but typing sends several changes in a row and a busy editor sends them
in bursts: all changes within one window share a judgement. Whoever asks for the verdict in between gets it at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

from trainyard.linter.lsp import tolerant
from trainyard.linter.lsp.text import ClientText

if TYPE_CHECKING:
    from trainyard.linter.engine.report import Report
    from trainyard.linter.lsp.outline import Outline
    from trainyard.linter.lsp.ports import Judge

SUFFIX = ".trainspec.json"
LANGUAGE = "trainspec"
# Shorter than a reader notices; longer than the changes of one keystroke are apart.
WINDOW_SECONDS = 0.05


class Handle(Protocol):
    """Something that is to happen later."""

    def cancel(self) -> None:
        """See to it that it does not happen."""


class Open:
    """One open document."""

    __slots__ = ("_outline", "pending", "report", "text", "uri", "version")

    def __init__(self, uri: str, text: ClientText, version: int | None) -> None:
        self.uri = uri
        self.text = text
        self.version = version
        self.report: Report | None = None
        self.pending: Handle | None = None
        self._outline: Outline | None = None

    def write(self, text: ClientText, version: int | None) -> None:
        """Replace the text."""
        self.text, self.version, self._outline = text, version, None

    @property
    def path(self) -> str:
        """The path that settings are looked up for; a name in the working directory for what has none."""
        parts = urlsplit(self.uri)
        path = unquote(parts.path)
        if parts.scheme != "file":
            return path.rpartition("/")[2] or f"untitled{SUFFIX}"
        is_drive = len(path) > 2 and path[0] == "/" and path[2] == ":"
        return path[1:] if is_drive else f"//{parts.netloc}{path}" if parts.netloc else path

    @property
    def outline(self) -> Outline:
        """What the text says so far."""
        if self._outline is None:
            self._outline = tolerant.read(self.text.text)
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
        """Take a new text of a document; it is judged when the window ends."""
        document = self._open.get(uri)
        if document is None:
            return
        document.write(text, version)
        if document.pending is None:
            document.pending = self._later(WINDOW_SECONDS, lambda: self._settle(document))

    def close(self, uri: str) -> Open | None:
        """Forget a document; return what is forgotten."""
        document = self._open.pop(uri, None)
        if document is not None and document.pending is not None:
            document.pending.cancel()
        return document

    def find(self, uri: str) -> Open | None:
        """Return an open document with the verdict on its newest text."""
        document = self._open.get(uri)
        if document is not None and document.pending is not None:
            document.pending.cancel()
            self._settle(document)
        return document

    def refresh(self) -> None:
        """Judge everything anew: settings may have changed."""
        self._judge.forget()
        self._complaints.clear()
        for document in self._open.values():
            self._settle(document)

    def rejudge(self, document: Open, raw: bytes) -> Report | None:
        """Return the verdict on another text of a document."""
        return self._judge.judge(document.path, raw).report

    def _settle(self, document: Open) -> None:
        document.pending = None
        verdict = self._judge.judge(document.path, document.text.raw)
        document.report = verdict.report
        if verdict.complaint is not None and verdict.complaint not in self._complaints:
            self._complaints.add(verdict.complaint)
            self._complain(verdict.complaint)
        self._publish(document)


def is_spec(uri: str, language: str) -> bool:
    """Tell whether a document is ours: editors attach servers by language, and not every JSON file is a spec."""
    return language == LANGUAGE or unquote(urlsplit(uri).path).endswith(SUFFIX)
