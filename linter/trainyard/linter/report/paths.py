"""Paths as code hosts want them: relative to the repository, with forward slashes, and as addresses."""

from __future__ import annotations

import os
import re
from urllib.parse import quote

_DRIVE = re.compile(r"^[A-Za-z]:/")


def within(path: str, root: str) -> str:
    """Return ``path`` relative to ``root`` with forward slashes; as it is when it is no path or lies elsewhere."""
    if path.startswith("<"):
        return path
    absolute, base = os.path.realpath(path), os.path.realpath(root)
    inside = absolute.startswith(base.rstrip(os.sep) + os.sep)
    return (os.path.relpath(absolute, base) if inside else path).replace(os.sep, "/")


def legible(path: str) -> str:
    """Return a path that every reader of UTF-8 can take: bytes of a file name that are no UTF-8 become U+FFFD."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace") if not path.isascii() else path


def address(path: str) -> str:
    """Return a path with forward slashes as an RFC 3986 reference: relative as it is, absolute as a ``file`` URI.

    Bytes of a file name that are no UTF-8 are kept as they are.
    """
    if _DRIVE.match(path):
        return "file:///" + path[:2] + quote(path[2:], errors="surrogateescape")
    return ("file://" if path.startswith("/") else "") + quote(path, errors="surrogateescape")
