"""What can be written at the cursor, from the schema. Works in text that is no JSON yet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lsprotocol import types

from trainyard.linter.lsp import markdown, snippets, vocabulary
from trainyard.linter.lsp.vocabulary import Choice

if TYPE_CHECKING:
    from trainyard.linter.engine.findings import Finding
    from trainyard.linter.lsp.outline import Outline, Spot
    from trainyard.linter.lsp.text import ClientText
    from trainyard.linter.rules.plugin import Plugin
    from trainyard.linter.spec.reference import Field

_NEXT = re.compile(r"\s*+(?:(?://|\#)[^\n\r]*\s*+)*+(.?)", re.DOTALL)


class Completer:
    """Completes one version of a document.

    Args:
        text: the document.
        outline: what it says so far.
        findings: what the linter said about it last; suppressions can name those.
        fill_in: whether the editor knows snippets.
        plugins: whose rules suppressions can name besides ours.
    """

    def __init__(
        self, text: ClientText, outline: Outline, findings: Sequence[Finding], *, fill_in: bool, plugins: tuple[Plugin, ...] = ()
    ) -> None:
        self._plugins = plugins
        self._text = text
        self._outline = outline
        self._findings = findings
        self._fill_in = fill_in

    def at(self, position: types.Position) -> types.CompletionList:
        """Return what can be written at a position."""
        spot = self._outline.spot(self._text.offset(position))
        items = [] if spot is None else list(self._keys(spot) if spot.role == "key" else self._values(spot))
        for rank, item in enumerate(items):
            item.sort_text = f"{rank:03}"
        return types.CompletionList(is_incomplete=False, items=items)

    def _keys(self, spot: Spot) -> Iterator[types.CompletionItem]:
        for field in vocabulary.keys(spot.tokens, self._outline.value, spot.taken, spot.key):
            written = json.dumps(field.key) if spot.has_colon else snippets.member(field, fill_in=self._fill_in)
            comma = "" if spot.has_colon else self._comma(spot)
            yield self._item(
                spot,
                field.key,
                written + comma,
                kind=types.CompletionItemKind.Property,
                detail=_detail(field),
                documentation=markdown.of_field(field),
                is_snippet=self._fill_in and not spot.has_colon,
            )

    def _values(self, spot: Spot) -> Iterator[types.CompletionItem]:
        for choice in self._choices(spot):
            yield self._item(
                spot,
                _label(choice),
                snippets.value(choice, fill_in=self._fill_in) + self._comma(spot),
                kind=_kind(choice),
                detail=choice.title,
                documentation=markdown.of_choice(choice),
                is_snippet=self._fill_in,
                preselect=choice.is_default,
            )

    def _choices(self, spot: Spot) -> Sequence[Choice]:
        if spot.tokens[0] == "$lint":
            from trainyard.linter.lsp import accepting

            known = accepting.choices(spot.tokens, self._outline.value, self._findings, self._plugins)
            if known:
                return known
        return vocabulary.values(spot.tokens, self._outline.value)

    def _comma(self, spot: Spot) -> str:
        """Return the comma that has to follow, because something does and none is there."""
        following = _NEXT.match(self._outline.text, spot.end)
        return "," if following is not None and following.group(1) not in {"", ",", "}", "]", ":"} else ""

    def _item(
        self,
        spot: Spot,
        label: str,
        written: str,
        *,
        kind: types.CompletionItemKind,
        detail: str,
        documentation: str,
        is_snippet: bool,
        preselect: bool = False,
    ) -> types.CompletionItem:
        before = self._outline.text[spot.start - 1 : spot.start]
        is_quoted = self._outline.text[spot.start : spot.start + 1] == '"' and spot.end > spot.start
        return types.CompletionItem(
            label=label,
            kind=kind,
            detail=detail or None,
            documentation=types.MarkupContent(types.MarkupKind.Markdown, documentation) if documentation else None,
            filter_text=json.dumps(label) if is_quoted else label,
            insert_text_format=types.InsertTextFormat.Snippet if is_snippet else types.InsertTextFormat.PlainText,
            text_edit=types.TextEdit(self._text.range(spot.start, spot.end), (" " if before == ":" else "") + written),
            additional_text_edits=self._missing_comma(spot),
            preselect=preselect or None,
        )

    def _missing_comma(self, spot: Spot) -> list[types.TextEdit] | None:
        return None if spot.after is None else [types.TextEdit(self._text.range(spot.after, spot.after), ",")]


def _detail(field: Field) -> str:
    if field.required:
        return "required"
    if field.derived is not None:
        return "default: follows from other fields"
    return f"default: {markdown.shown(field.default)}" if vocabulary.has_default(field) else ""


def _label(choice: Choice) -> str:
    if isinstance(choice.value, str):
        return choice.value
    if isinstance(choice.value, dict) and list(choice.value) == ["type"]:
        return str(choice.value["type"])
    return markdown.shown(choice.value)


def _kind(choice: Choice) -> types.CompletionItemKind:
    if isinstance(choice.value, dict):
        return types.CompletionItemKind.Struct
    return types.CompletionItemKind.EnumMember if isinstance(choice.value, str) else types.CompletionItemKind.Value
