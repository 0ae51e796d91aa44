"""Accepting a finding in ``$lint``: which rules and pointers can be named, and the edit that adds an entry."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from trainyard.linter.engine import edits
from trainyard.linter.engine.findings import Edit, Suggestion
from trainyard.linter.lsp.vocabulary import Choice

if TYPE_CHECKING:
    from trainyard.linter.engine.findings import Finding
    from trainyard.linter.rules.plugin import Plugin
    from trainyard.linter.source.document import Document

# Faults of text and schema, and our own findings, cannot be accepted.
_NEVER = ("JSON", "SPEC", "LINT")
_INDENT = re.compile(r"\n[ \t]*\Z")


def choices(tokens: Sequence[str], document: object, findings: Sequence[Finding], plugins: tuple[Plugin, ...] = ()) -> list[Choice]:
    """Return the rules, or the pointers of what was found, that an entry can name; nothing for other keys."""
    open_ = [finding for finding in findings if can_accept(finding)]
    if tokens[-1] == "rule":
        from trainyard.linter.engine import catalogue

        found = {finding.name for finding in open_}
        entries = [entry for entry in catalogue.catalogue(plugins) if entry.kind == "rule"]
        entries.sort(key=lambda entry: entry.name not in found)
        return [Choice(entry.name, f"{entry.code} ({entry.severity.label})", entry.summary) for entry in entries]
    if tokens[-1] == "pointer":
        rule = _rule(document, tokens)
        named = [finding for finding in open_ if rule in {finding.name, finding.code}] or open_
        return [Choice(pointer, "a finding") for pointer in dict.fromkeys(finding.pointer for finding in named)]
    return []


def can_accept(finding: Finding) -> bool:
    """Tell whether an entry of ``$lint`` may name this finding."""
    return finding.suppressed is None and not finding.code.startswith(_NEVER)


def acceptance(document: Document, finding: Finding) -> tuple[Edit, ...]:
    """Return the edits that accept a finding. The reason is left empty, which the linter demands to be filled in."""
    entry = {"rule": finding.name, "pointer": finding.pointer, "reason": ""}
    written = document.value.get("$lint") if document.value is not None else None
    last = f"/$lint/{len(written) - 1}" if isinstance(written, list) and written else None
    if last is None or last not in document.places:
        return edits.of_finding(document, finding._replace(suggestion=Suggestion("/$lint", [entry]), target="value", edits=()))
    place = document.places[last]
    indent = _INDENT.search(document.text[: place.start])
    text = f",{indent.group() if indent else ' '}{json.dumps(entry, ensure_ascii=False)}"
    span = document.lines.span(place.end, place.end)
    return (Edit(span.start.offset, span.end.offset, text.encode()),)


def _rule(document: object, tokens: Sequence[str]) -> object:
    try:
        return document["$lint"][int(tokens[1])]["rule"]  # type: ignore[index]  # whatever is not there has no rule
    except (KeyError, IndexError, TypeError, ValueError):
        return None
