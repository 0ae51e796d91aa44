"""Reading a spool piece by piece: nothing is lost, nothing is doubled, nothing stops the reader."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainyard.service import wire
from trainyard.service.executor import spool
from trainyard.service.executor.spool import Piece

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def line(number: int) -> bytes:
    return wire.encode(wire.Line(1, NOON.timestamp(), wire.Diagnosis("x", number, "said", 0.5)))


def read_all(path: Path) -> tuple[list[str], int, int]:
    """Read to the end, piece by piece: keys, junk lines, and the offset where it stopped."""
    keys: list[str] = []
    junk = offset = 0
    while True:
        piece = spool.read(path, offset, NOON)
        assert piece.start == offset
        keys += [entry.key for entry in piece.entries]
        junk, offset = junk + piece.junk, piece.end
        if not piece.more:
            return keys, junk, offset


def test_half_a_line_is_left_for_later(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    whole = line(1) + line(2)
    path.write_bytes(whole[:-5])
    first = spool.read(path, 0, NOON)
    assert ([entry.key for entry in first.entries], first.end, first.more) == (["diagnosis/x/1"], len(line(1)), False)
    path.write_bytes(whole)
    second = spool.read(path, first.end, NOON)
    assert ([entry.key for entry in second.entries], second.end) == (["diagnosis/x/2"], len(whole))


def test_junk_between_lines_is_counted_and_skipped(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(line(1) + b"not json\n\xff\xfe\n\n{}\n[1]\n" + line(2))
    assert read_all(path) == (["diagnosis/x/1", "diagnosis/x/2"], 4, path.stat().st_size)


def test_a_line_without_end_is_thrown_away_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(line(1) + b"x" * (3 * spool.PIECE_BYTES) + b"\n" + line(2))
    keys, junk, offset = read_all(path)
    assert keys == ["diagnosis/x/1", "diagnosis/x/2"]
    assert junk > 1
    assert offset == path.stat().st_size


def test_a_flood_is_read_in_bounded_pieces(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(line(number) for number in range(3000)))
    piece = spool.read(path, 0, NOON)
    assert len(piece.entries) == spool.PIECE_LINES
    assert piece.more
    assert read_all(path)[0] == [f"diagnosis/x/{number}" for number in range(3000)]


@pytest.mark.parametrize("make", [Path.exists, os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/etc/hostname")])
def test_what_is_no_file_says_nothing_and_makes_nobody_wait(tmp_path: Path, make: Callable[[Path], object]) -> None:
    path = tmp_path / "events.jsonl"
    make(path)
    assert spool.read(path, 0, NOON) == Piece(0, 0, (), 0, more=False)


def test_an_offset_beyond_the_end_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(line(1))
    assert spool.read(path, 10_000, NOON).end == 10_000


@settings(max_examples=50)
@given(
    st.lists(st.one_of(st.integers(0, 9).map(line), st.binary(max_size=40).map(lambda raw: raw.replace(b"\n", b"") + b"\n")), max_size=30),
    st.data(),
)
def test_however_a_spool_grows_each_line_is_read_once(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("spool") / "events.jsonl"
    whole = b"".join(lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    keys: list[str] = []
    offset = 0
    for cut in [*cuts, len(whole)]:
        path.write_bytes(whole[:cut])
        piece = spool.read(path, offset, NOON)
        keys += [entry.key for entry in piece.entries]
        offset = piece.end
    assert offset == len(whole)
    assert keys == read_all(path)[0]
