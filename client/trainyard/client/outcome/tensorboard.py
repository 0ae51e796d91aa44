"""TensorBoard event files, written without TensorFlow: records of a length, a checksum, a protobuf message, a checksum.

The record format is TFRecord's (tensorflow/core/lib/io/record_writer.h), the messages are ``Event`` and ``Summary``
(tensorflow/core/util/event.proto, framework/summary.proto); of both only the four fields that a scalar needs. Training and
validation go into folders of their own, as Keras' callback does, so TensorBoard draws them over one another.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from trainyard.client.outcome.run import Run

_POLYNOMIAL = 0x82F63B78  # CRC-32C (Castagnoli), reflected
_MASK_DELTA = 0xA282EAD8
_VALIDATION = "val_"
_FILE_VERSION = "brain.Event:2"
_SECONDS_APART = 1.0


def write(run: Run, folder: Path) -> list[Path]:
    """Write the scalars of a run below ``folder``/train and ``folder``/validation; returns the files."""
    parts = {
        "train": [name for name in run.history.metrics if not name.startswith(_VALIDATION)],
        "validation": [name for name in run.history.metrics if name.startswith(_VALIDATION)],
    }
    written = []
    for part, names in parts.items():
        if names or part == "train":
            # TensorBoard reads what is called like this; the same run is the same file, so a second export replaces the first.
            path = folder / part / "events.out.tfevents.0.trainyard"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"".join(_records(run, names, with_rate=part == "train")))
            written.append(path)
    return written


def _records(run: Run, names: list[str], *, with_rate: bool) -> Iterator[bytes]:
    start = min((time.timestamp() for time in run.times.values()), default=0.0)
    yield _record(_double(1, start) + _bytes(3, _FILE_VERSION.encode()))
    for epoch in run.history:
        time = run.times[epoch.epoch].timestamp() if epoch.epoch in run.times else start + epoch.epoch * _SECONDS_APART
        values = [(f"epoch_{name.removeprefix(_VALIDATION)}", epoch.metrics[name]) for name in names if name in epoch.metrics]
        if with_rate:
            values.append(("epoch_learning_rate", epoch.learning_rate))
        summary = b"".join(_bytes(1, _bytes(1, tag.encode()) + _float(2, value)) for tag, value in values)
        yield _record(_double(1, time) + _varint(2, epoch.epoch) + _bytes(5, summary))


def _record(message: bytes) -> bytes:
    length = struct.pack("<Q", len(message))
    return length + struct.pack("<I", masked_crc32c(length)) + message + struct.pack("<I", masked_crc32c(message))


def masked_crc32c(data: bytes) -> int:
    """Return the checksum of TFRecord: CRC-32C, rotated and shifted so that a checksum of checksums stays sound."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


def _row(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
    return byte


_TABLE = tuple(_row(byte) for byte in range(256))


def _key(field: int, wire: int) -> bytes:
    return _number(field << 3 | wire)


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _varint(field: int, value: int) -> bytes:
    return _key(field, 0) + _number(value)


def _double(field: int, value: float) -> bytes:
    return _key(field, 1) + struct.pack("<d", value)


def _float(field: int, value: float) -> bytes:
    try:
        packed = struct.pack("<f", value)
    except OverflowError:
        packed = struct.pack("<f", float("inf") if value > 0 else float("-inf"))
    return _key(field, 5) + packed


def _bytes(field: int, value: bytes) -> bytes:
    return _key(field, 2) + _number(len(value)) + value
