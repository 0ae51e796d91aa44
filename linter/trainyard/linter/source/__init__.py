"""Bytes to a document: strict JSON, its faults, and the place of every key and value. Knows nothing of specs.

document = Document.parse(raw)
document.value          the plain JSON value, or None where it cannot be used
document.faults         what is wrong with the text, each with its place
document.span(pointer)  where a key or value stands; computed when first asked
"""

from trainyard.linter.source.document import Document
from trainyard.linter.source.faults import Edit, Fault, Suggestion, Target
from trainyard.linter.source.limits import Limits
from trainyard.linter.source.places import Position, Span
from trainyard.linter.source.severity import Severity

__all__ = ["Document", "Edit", "Fault", "Limits", "Position", "Severity", "Span", "Suggestion", "Target"]
