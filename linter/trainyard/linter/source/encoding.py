"""Bytes that are not plain UTF-8 of a fair size: what they are, and what to do about it."""

from __future__ import annotations

from trainyard.linter.source import traps
from trainyard.linter.source.faults import Edit, Fault
from trainyard.linter.source.places import Lines, Position, Span

_START = Position(1, 1, 0)
_BOM = b"\xef\xbb\xbf"
# The longer marks first: UTF-32 LE begins like UTF-16 LE.
_MARKS = ((b"\xff\xfe\x00\x00", "UTF-32"), (b"\x00\x00\xfe\xff", "UTF-32"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))


def decode(raw: bytes, max_bytes: int) -> tuple[str, int, list[Fault], bool]:
    """Return text, bytes before it, faults, and whether the text is worth parsing."""
    if len(raw) > max_bytes:
        return raw[:max_bytes].decode(errors="replace"), 0, [_too_large(max_bytes)], False
    wide = _wide_encoding(raw)
    if wide:
        fault = traps.NOT_UTF8.fault(f"file is {wide}, JSON is UTF-8; save it as UTF-8", span=Span(_START, _START))
        return raw.decode(errors="replace"), 0, [fault], False
    before = len(_BOM) if raw.startswith(_BOM) else 0
    faults = [_byte_order_mark()] if before else []
    try:
        return raw[before:].decode(), before, faults, True
    except UnicodeDecodeError as error:
        faults.append(_not_utf8(raw, before, error))
        return raw[before:].decode(errors="replace"), before, faults, False


def _too_large(max_bytes: int) -> Fault:
    return traps.FILE_TOO_LARGE.fault(
        f"file is larger than the limit of {max_bytes:,} bytes; a spec is a few kilobytes, data belongs beside it",
        span=Span(_START, _START),
    )


def _byte_order_mark() -> Fault:
    return traps.BYTE_ORDER_MARK.fault(
        "file begins with a byte order mark, which strict JSON readers refuse; save it as UTF-8 without BOM",
        span=Span(_START, Position(1, 1, len(_BOM))),
        edits=(Edit(0, len(_BOM), b""),),
        safe=True,
    )


def _not_utf8(raw: bytes, before: int, error: UnicodeDecodeError) -> Fault:
    valid = raw[before : before + error.start].decode()
    start = Lines(valid, before).position(len(valid))
    return traps.NOT_UTF8.fault(
        f"byte 0x{error.object[error.start]:02x} is not UTF-8 (Latin-1 or Windows-1252, perhaps); save the file as UTF-8",
        span=Span(start, Position(start.line, start.column + 1, start.offset + 1)),
    )


def _wide_encoding(raw: bytes) -> str | None:
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return name
    # Without a mark: JSON begins with two ASCII characters, so zero bytes tell the width (RFC 4627, section 3).
    if b"\0" not in raw[:4]:
        return None
    return "UTF-32" if raw[:4].count(0) == 3 else "UTF-16"
