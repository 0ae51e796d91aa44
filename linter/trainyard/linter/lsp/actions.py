"""What an editor offers to do about findings: the same edits that ``check --fix`` makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from lsprotocol import types

from trainyard.linter.engine import edits, fixes
from trainyard.linter.lsp import accepting, markdown
from trainyard.linter.lsp.diagnostics import diagnostics

if TYPE_CHECKING:
    from trainyard.linter.engine.findings import Edit, Finding
    from trainyard.linter.engine.report import Report
    from trainyard.linter.lsp.text import ClientText

FIX_ALL = f"{types.CodeActionKind.SourceFixAll.value}.trainlint"
KINDS = [types.CodeActionKind.QuickFix, FIX_ALL]


class Fixer:
    """Offers fixes for one version of a document.

    Args:
        uri: the document's address.
        text: the document.
        report: what the linter says about it.
    """

    def __init__(self, uri: str, text: ClientText, report: Report) -> None:
        self._uri = uri
        self._text = text
        self._report = report

    def actions(self, chosen: types.Range, only: Sequence[str] | None, judge: Callable[[bytes], Report]) -> list[types.CodeAction]:
        """Return what can be done about the findings that touch a range.

        Args:
            chosen: the range.
            only: the kinds that are asked for; all when None.
            judge: the linter; asked again after every round of fixes.
        """
        found: list[types.CodeAction] = []
        if _wanted(types.CodeActionKind.QuickFix.value, only):
            start, end = self._text.offset(chosen.start), self._text.offset(chosen.end)
            touched = [finding for finding in self._report.findings if finding.suppressed is None and self._touches(finding, start, end)]
            found += [action for finding in touched for action in self._mending(finding)]
            found += [action for finding in touched for action in self._accepting(finding)]
        if _wanted(FIX_ALL, only):
            found += self._everything(judge)
        return found

    def _touches(self, finding: Finding, start: int, end: int) -> bool:
        return self._text.from_byte(finding.start.offset) <= end and start <= self._text.from_byte(finding.end.offset)

    def _mending(self, finding: Finding) -> Iterator[types.CodeAction]:
        wanted = edits.of_finding(self._report.document, finding) if finding.edits or self._report.document.value is not None else ()
        if wanted:
            moves = edits.is_move(self._report.document, finding)
            yield self._action(_title(finding, wanted, self._text, moves=moves), wanted, finding, is_preferred=finding.safe)

    def _accepting(self, finding: Finding) -> Iterator[types.CodeAction]:
        if self._report.document.value is not None and accepting.can_accept(finding):
            wanted = accepting.acceptance(self._report.document, finding)
            if wanted:
                yield self._action(f"Accept {finding.code} here, with a reason in $lint", wanted, finding)

    def _everything(self, judge: Callable[[bytes], Report]) -> Iterator[types.CodeAction]:
        raw = self._text.raw
        mended = fixes.mend(raw, judge).raw
        if mended != raw:
            edit = self._edit([types.TextEdit(*_difference(self._text, mended))])
            yield types.CodeAction("Mend everything that has a safe fix", kind=FIX_ALL, edit=edit)

    def _action(self, title: str, wanted: Sequence[Edit], finding: Finding, *, is_preferred: bool = False) -> types.CodeAction:
        written = [
            types.TextEdit(self._text.byte_range(edit.start, edit.end), edit.replacement.decode(errors="replace")) for edit in wanted
        ]
        return types.CodeAction(
            title,
            kind=types.CodeActionKind.QuickFix,
            diagnostics=diagnostics([finding], self._text),
            edit=self._edit(written),
            is_preferred=is_preferred or None,
        )

    def _edit(self, written: list[types.TextEdit]) -> types.WorkspaceEdit:
        return types.WorkspaceEdit(changes={self._uri: written})


def _wanted(kind: str, only: Sequence[str] | None) -> bool:
    return only is None or any(kind == asked or kind.startswith(f"{asked}.") for asked in map(_name, only))


def _name(kind: str) -> str:
    return str(getattr(kind, "value", kind))


def _title(finding: Finding, wanted: Sequence[Edit], text: ClientText, *, moves: bool) -> str:
    suggestion = finding.suggestion
    if finding.edits or suggestion is None:
        return _edit_title(wanted[0], text)
    if moves:
        is_in_place = len(wanted) == 1 and wanted[0].end == finding.end.offset
        return f'{"Rename" if is_in_place else "Move"} to "{_dotted(suggestion.pointer, whole=not is_in_place)}"'
    place = f" at {suggestion.pointer}" if suggestion.pointer != finding.pointer else ""
    return f"Write {markdown.shown(suggestion.value)}{place}"


def _dotted(pointer: str, *, whole: bool) -> str:
    """Return the path of a member, or its key alone."""
    return ".".join(pointer.split("/")[1:]) if whole else pointer.rpartition("/")[2]


def _edit_title(edit: Edit, text: ClientText) -> str:
    old = text.raw[edit.start : edit.end].decode(errors="replace").strip()
    new = edit.replacement.decode(errors="replace").strip()
    if not new:
        return f"Delete {_cut(old)}"
    return f"Write {_cut(new)}" if not old else f"Write {_cut(new)} instead of {_cut(old)}"


def _cut(text: str) -> str:
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return (line if len(line) <= 40 else line[:39] + "…") or "the byte order mark"


def _difference(text: ClientText, mended: bytes) -> tuple[types.Range, str]:
    """Return the one replacement that turns the document into ``mended``, as small as it can be."""
    old, new = text.text, mended.decode(errors="surrogatepass")
    shortest = min(len(old), len(new))
    start = next((index for index in range(shortest) if old[index] != new[index]), shortest)
    kept = next((index for index in range(shortest - start) if old[-1 - index] != new[-1 - index]), shortest - start)
    return text.range(start, len(old) - kept), new[start : len(new) - kept]
