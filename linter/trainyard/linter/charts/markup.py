"""Text of users inside a page: escaped, on one line, and without characters that could hide or turn what follows."""

from __future__ import annotations

from trainyard.linter.report.terminal import harmless

_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})


def escaped(text: str) -> str:
    """Return a text as content of an element or of a quoted attribute; it is valid in XML, too."""
    return harmless(text).translate(_ENTITIES)


def attribute(text: str) -> str:
    """Return a text as an id: letters, digits and hyphens of it, and nothing else."""
    return "".join(character if character.isascii() and character.isalnum() else "-" for character in text)
