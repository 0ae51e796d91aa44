"""Texts that may come from outside, made short enough to travel in an error: sizes count in bytes, as on the wire."""

from __future__ import annotations


def cut(text: str, longest_bytes: int) -> str:
    """Return ``text`` in at most so many bytes of UTF-8; what was cut off is shown by an ellipsis."""
    raw = text.encode("utf-8", "replace")
    if len(raw) <= longest_bytes:
        return raw.decode()
    return raw[: longest_bytes - 3].decode("utf-8", "ignore") + "…"
