"""Path patterns as people write them in configurations: ``*`` within a folder, ``**`` across folders."""

from __future__ import annotations

import re
from functools import cache

_PIECES = re.compile(r"\*\*/|\*\*|\*|\?|\[[^]]+\]|[^*?[]+|\[")


def matches(pattern: str, path: str) -> bool:
    """Tell whether ``path`` (relative, forward slashes) matches.

    A pattern without a slash matches the file name in any folder; one that ends in a slash, or names a
    folder, matches everything below it.
    """
    return _compiled(pattern).match(path) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    anchored = pattern.strip("/")
    prefix = "" if "/" in pattern.rstrip("/") else "(?:.*/)?"
    body = "".join(_translated(piece) for piece in _PIECES.findall(anchored))
    return re.compile(f"{prefix}{body}(?:/.*)?\\Z", re.DOTALL)


def _translated(piece: str) -> str:
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if piece in known:
        return known[piece]
    if piece.startswith("[") and piece.endswith("]"):
        inner = piece[1:-1].replace("\\", "\\\\")
        return f"[^{inner[1:]}]" if inner.startswith("!") else f"[{inner}]"
    return re.escape(piece)
