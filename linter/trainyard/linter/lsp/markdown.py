"""What the language and the rules say about themselves, in Markdown for hover and completion."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from trainyard.linter.lsp import vocabulary

if TYPE_CHECKING:
    from trainyard.linter.engine.catalogue import Described
    from trainyard.linter.lsp.vocabulary import Choice
    from trainyard.linter.source.severity import Severity
    from trainyard.linter.spec.reference import Field

_LONGEST = 80
# What an author wants to know at the place itself; `explain` prints the rest.
_HEADINGS = frozenset({"Why it fails", "What to do", "When to ignore"})


def of_field(field: Field) -> str:
    """Return what the schema says about a field."""
    lines = [f"**{field.title}** · `{field.key}`"]
    lines += [field.description] if field.description else []
    return "\n\n".join([*lines, "\n".join(f"- {fact}" for fact in _facts(field))])


def of_choice(choice: Choice) -> str:
    """Return what the schema says about a value that can be written."""
    default = "The default." if choice.is_default else ""
    title = f"**{choice.title}**" if choice.title and choice.description else ""
    return "\n\n".join(part for part in (title, choice.description, default) if part)


def of_rule(entry: Described, severity: Severity | None = None) -> str:
    """Return why a rule says what it says; what it said is shown by the editor itself."""
    heading = f"**{(severity or entry.severity).label} {entry.code}** · {entry.name}"
    sections = [f"*{section.heading}:* {_joined(section.text)}" for section in entry.sections if section.heading in _HEADINGS]
    return "\n\n".join([heading, entry.summary, *sections])


def shown(value: Any) -> str:
    """Return a JSON value in one line, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _facts(field: Field) -> list[str]:
    facts = [", ".join(field.types) + (f", in {field.unit}" if field.unit else "")] if field.types else []
    if field.allowed is not None:
        facts.append("one of " + ", ".join(f"`{shown(value)}`" for value in field.allowed))
    if field.required:
        facts.append("required")
    elif field.derived is not None:
        facts.append(f"default: {field.derived}")
    elif vocabulary.has_default(field):
        facts.append(f"default: `{shown(field.default)}`")
    if field.usual_range is not None:
        low, high = field.usual_range
        facts.append(f"usual: {low:g} to {high:g}")
    examples = [example for example in field.examples if example != field.default]
    if examples and field.allowed is None:
        facts.append("for instance " + ", ".join(f"`{shown(example)}`" for example in examples))
    return facts


def _joined(text: str) -> str:
    return " ".join(text.split())
