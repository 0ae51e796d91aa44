"""The files that TensorBoard reads, written without TensorFlow, so that every backend has them.

A record is its length, the length's checksum, the event and its checksum, all little-endian (TensorFlow's
``tsl/lib/io/record_writer.h``); an event is a protocol buffer of few fields (``tsl/protobuf/event.proto``). Numbers are kept as
``simple_value``, which every version of TensorBoard shows.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_POLYNOMIAL = 0x82F63B78
_MASK_DELTA = 0xA282EAD8
_VERSION = b"brain.Event:2"
_START = 1
# Wire types of protocol buffers.
_VARINT, _DOUBLE, _BYTES, _FLOAT = 0, 1, 2, 5


class EventFile:
    """Appends to a new file in ``folder``; ``at`` is seconds since the epoch, here and below.

    ``first_step`` makes readers forget what earlier files say of it and of later steps.
    """

    def __init__(self, folder: Path, at: float, first_step: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"events.out.tfevents.{at:017.6f}.trainyard"
        start = _field(7, _BYTES, _field(1, _VARINT, _START))
        self._append(_event(at, 0, _field(3, _BYTES, _VERSION)), _event(at, first_step, start))

    def add(self, at: float, step: int, values: Mapping[str, float]) -> None:
        """Append the values of a step, by tag; raises OSError when the disk is full."""
        entries = [_field(1, _BYTES, _field(1, _BYTES, tag.encode()) + _field(2, _FLOAT, value)) for tag, value in values.items()]
        self._append(_event(at, step, _field(5, _BYTES, b"".join(entries))))

    def _append(self, *events: bytes) -> None:
        with self._path.open("ab") as file:
            file.write(b"".join(_record(event) for event in events))


def _event(at: float, step: int, what: bytes) -> bytes:
    return _field(1, _DOUBLE, at) + _field(2, _VARINT, step) + what


def _field(number: int, kind: int, value: float | bytes) -> bytes:
    key = _varint(number << 3 | kind)
    if isinstance(value, bytes):
        return key + _varint(len(value)) + value
    if kind == _VARINT:
        return key + _varint(int(value))
    return key + struct.pack("<d" if kind == _DOUBLE else "<f", value)


def _varint(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)


def _record(event: bytes) -> bytes:
    length = struct.pack("<Q", len(event))
    return length + _checksum(length) + event + _checksum(event)


def _checksum(content: bytes) -> bytes:
    """Return the masked CRC-32C: a rotation and an offset, so that a checksum of checksums is one, too."""
    table, crc = _table(), 0xFFFFFFFF
    for byte in content:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF)


@cache
def _table() -> tuple[int, ...]:
    made = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ _POLYNOMIAL if crc & 1 else crc >> 1
        made.append(crc)
    return tuple(made)
