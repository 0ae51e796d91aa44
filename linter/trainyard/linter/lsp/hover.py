"""What stands under the cursor: the findings there with their reasons, and what the language says about the field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lsprotocol import types

from trainyard.linter.lsp import markdown, vocabulary

if TYPE_CHECKING:
    from trainyard.linter.engine.findings import Finding
    from trainyard.linter.lsp.outline import Outline, Under
    from trainyard.linter.lsp.text import ClientText
    from trainyard.linter.rules.plugin import Plugin


def hover(
    outline: Outline, findings: Sequence[Finding], text: ClientText, position: types.Position, plugins: tuple[Plugin, ...] = ()
) -> types.Hover | None:
    """Return what there is to say about a position, or None; ``plugins`` are those whose rules may have spoken."""
    offset = text.offset(position)
    here = [finding for finding in findings if finding.suppressed is None and _covers(finding, text, offset)]
    under = outline.under(offset)
    parts = [_explained(finding, plugins) for finding in here] + (_described(under, outline, plugins) if under is not None else [])
    if not parts:
        return None
    place = text.range(under.start, under.end) if under is not None else text.byte_range(here[0].start.offset, here[0].end.offset)
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, "\n\n---\n\n".join(parts)), place)


def _covers(finding: Finding, text: ClientText, offset: int) -> bool:
    return text.from_byte(finding.start.offset) <= offset <= text.from_byte(finding.end.offset)


def _explained(finding: Finding, plugins: tuple[Plugin, ...]) -> str:
    from trainyard.linter.engine import catalogue

    entry = catalogue.find(finding.code, plugins)
    return finding.message if entry is None else markdown.of_rule(entry, finding.severity)


def _described(under: Under, outline: Outline, plugins: tuple[Plugin, ...]) -> list[str]:
    tokens, document = under.tokens, outline.value
    parts = []
    if tokens[0] == "$lint" and tokens[-1] == "rule" and not under.is_key:
        parts += _accepted_rule(outline.text[under.start : under.end], plugins)
    member = vocabulary.member(tokens[:-1], document) if tokens[-1] == "type" and not under.is_key else None
    if member is not None:
        parts.append(markdown.of_choice(member))
    field = vocabulary.field(tokens, document)
    return [*parts, markdown.of_field(field)] if field is not None else parts


def _accepted_rule(written: str, plugins: tuple[Plugin, ...]) -> list[str]:
    from trainyard.linter.engine import catalogue

    entry = catalogue.find(written.strip('"'), plugins)
    return [] if entry is None else [markdown.of_rule(entry)]
