"""Paths as code hosts want them: relative to the repository, with forward slashes."""

from __future__ import annotations

import os


def within(path: str, root: str) -> str:
    """Return ``path`` relative to ``root`` with forward slashes; as it is when it is no path or lies elsewhere."""
    if path.startswith("<"):
        return path
    absolute, base = os.path.realpath(path), os.path.realpath(root)
    inside = absolute.startswith(base.rstrip(os.sep) + os.sep)
    return (os.path.relpath(absolute, base) if inside else path).replace(os.sep, "/")
