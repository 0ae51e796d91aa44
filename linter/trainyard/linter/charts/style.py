"""The style sheets of pages and pictures, as text: colours, type and spacing live in ``styles/*.css``."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def sheet(*names: str) -> str:
    """Return style sheets by name (``theme``, ``picture``, ``page``), one after the other."""
    return "".join((Path(__file__).parent / "styles" / f"{name}.css").read_text(encoding="utf-8") for name in names)
