"""Data that means harm or is merely broken: a problem in words, in bounded time and memory, never an exception."""

from __future__ import annotations

import os
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from trainyard.linter.facts import Facts, Trouble, read
from trainyard.linter.spec.model.dataset import Csv, ImageDirectory, Npz, Parquet, Split
from trainyard.linter.spec.model.dataset import Facts as Declared

PLAIN = Split(None, None, "stratified", None, 0)
UNKNOWN = Declared(*[None] * len(Declared._fields))
REST = ("fail", 100)
IMAGES = ImageDirectory("image_directory", "set", None, "unit", PLAIN, UNKNOWN, "bilinear", *REST)
CSV = Csv("csv", "t.csv", "y", None, (), ",", None, "none", PLAIN, UNKNOWN, *REST)
NPZ = Npz("npz", "t.npz", "x", "y", None, "none", PLAIN, UNKNOWN, *REST)
PARQUET = Parquet("parquet", "t.parquet", "y", None, (), None, "none", PLAIN, UNKNOWN, *REST)
MEBIBYTE = 1024**2


def troubles(facts: Facts) -> list[Trouble]:
    return [problem.trouble for problem in facts.problems]


def npy(shape: str, dtype: str = "<f8", body: bytes = b"") -> bytes:
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + body


def archive(root: Path, **arrays: bytes) -> Path:
    with zipfile.ZipFile(root / "t.npz", "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in arrays.items():
            file.writestr(f"{name}.npy", content)
    return root


@pytest.fixture
def peak() -> Iterator[Callable[[], float]]:
    """Mebibytes that Python held at most since the start of the test."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1] / MEBIBYTE
    tracemalloc.stop()


@pytest.mark.parametrize(
    "shape, told",
    [
        ("(-1, 4)", "no array has"),
        ("(9007199254740993, 4)", "no array has"),
        ("(1000000, 1000000)", "cut short"),
        ("(1000,)", "cut short"),
        ("('a', 2)", "no NumPy array"),
        ("(2.5, 2)", "no NumPy array"),
        ("7", "no NumPy array"),
        ("__import__('os').getcwd()", "no NumPy array"),
    ],
)
def test_a_shape_that_cannot_be_is_a_problem_in_words(tmp_path: Path, shape: str, told: str) -> None:
    facts = read(NPZ, archive(tmp_path, x=npy(shape), y=npy("(3,)", body=bytes(24))), 5)
    assert troubles(facts) == [Trouble.UNREADABLE]
    assert told in facts.problems[0].message


def test_a_zip_bomb_is_unpacked_piece_by_piece(tmp_path: Path, peak: Callable[[], float]) -> None:
    rows, width = 256, 8 * 1024
    archive(tmp_path, x=npy(f"({rows}, {width})", body=bytes(8 * rows * width)), y=npy(f"({rows},)", "|u1", body=bytes(rows)))
    assert (tmp_path / "t.npz").stat().st_size < MEBIBYTE / 8
    tracemalloc.reset_peak()
    facts = read(NPZ, tmp_path, 60)
    assert (facts.samples, facts.input_range) == (rows, (0.0, 0.0))
    assert peak() < 8


def test_reading_an_archive_ends_when_the_time_is_up(tmp_path: Path) -> None:
    archive(tmp_path, x=npy("(1000, 8192)", body=bytes(8 * 1000 * 8192)), y=npy("(1000,)", "|u1", body=bytes(1000)))
    ticks = iter(range(10**9))
    facts = read(NPZ, tmp_path, 8, clock=lambda: float(next(ticks)))
    assert (facts.complete, facts.samples, facts.input_range) == (False, 1000, None)


def test_an_archive_with_a_wrong_checksum_or_an_unknown_compression_is_a_problem(tmp_path: Path) -> None:
    archive(tmp_path, x=npy("(3,)", body=bytes(24)), y=npy("(3,)", body=bytes(24)))
    raw = bytearray((tmp_path / "t.npz").read_bytes())
    place = raw.index(b"PK\x01\x02")
    for offset, value in ((10, 99), (16, raw[place + 16] ^ 255)):
        broken = bytearray(raw)
        broken[place + offset] = value
        (tmp_path / "t.npz").write_bytes(broken)
        facts = read(NPZ, tmp_path, 5)
        assert troubles(facts) in ([Trouble.UNREADABLE], []), offset


def test_pickles_are_refused_however_the_type_is_written(tmp_path: Path) -> None:
    for dtype in ("|O", "O", "<O8", "=O"):
        facts = read(NPZ, archive(tmp_path, x=npy("(1,)", dtype, b"cos\nsystem\n(S'touch owned'\ntR."), y=npy("(1,)", body=bytes(8))), 5)
        assert "objects" in facts.problems[0].message


def test_a_member_that_names_another_place_is_only_a_name(tmp_path: Path) -> None:
    archive(tmp_path, **{"../../x": npy("(1,)", body=bytes(8))})
    assert troubles(read(NPZ, tmp_path, 5)) == [Trouble.MISSING_FIELD]


@pytest.mark.parametrize(
    "content, told",
    [
        (b"a,y\n1,\x002\n", "NUL"),
        (b"a,y\n\xff\xfe\x00\x01,3\n", "UTF-8"),
        (bytes(range(256)) * 40, "cannot be read"),
        (b'a,y\n"' + b"x" * 300_000 + b'",1\n', "field larger"),
    ],
)
def test_a_table_that_is_no_text_is_a_problem_in_words(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    facts = read(CSV, tmp_path, 5)
    assert troubles(facts) == [Trouble.UNREADABLE]
    assert told in facts.problems[0].message


def test_a_table_of_one_line_of_a_hundred_megabytes_is_not_read_into_memory(tmp_path: Path, peak: Callable[[], float]) -> None:
    with (tmp_path / "t.csv").open("wb") as file:
        file.write(b"a,y\n")
        file.truncate(100 * MEBIBYTE)
        file.seek(4)
        file.writelines(b"1" * MEBIBYTE for _ in range(100))
    tracemalloc.reset_peak()
    facts = read(CSV, tmp_path, 60)
    assert troubles(facts) == [Trouble.UNREADABLE]
    assert "characters" in facts.problems[0].message
    assert peak() < 80


def test_infinity_and_numbers_that_only_python_reads_are_no_numbers(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b,y\n1,1_0,0\ninf,2,1\n-Infinity,3,0\n", encoding="utf-8")
    first, second, _ = read(CSV, tmp_path, 5).columns
    assert (first.missing, first.minimum, first.maximum) == (2, 1.0, 1.0)
    assert second.kind == "text"


def test_a_table_that_is_a_parquet_only_by_name_is_a_problem(tmp_path: Path) -> None:
    for content in (b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1", os.urandom(500)):
        (tmp_path / "t.parquet").write_bytes(content)
        assert troubles(read(PARQUET, tmp_path, 5)) == [Trouble.UNREADABLE]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("ant", "bee"):
        (tmp_path / "set" / name).mkdir(parents=True)
        Image.new("L", (4, 4)).save(tmp_path / "set" / name / "1.png")
    return tmp_path


def test_links_in_a_circle_end(folder: Path) -> None:
    (folder / "set/ant/self").symlink_to("self")
    (folder / "set/ant/there").symlink_to("back")
    (folder / "set/ant/back").symlink_to("there")
    (folder / "set/round").symlink_to("round")
    (folder / "set/bee/up").symlink_to("..")
    (folder / "set/bee/dangling.png").symlink_to("nothing.png")
    facts = read(IMAGES, folder, 5)
    assert facts.class_names == ("ant", "bee")
    assert facts.class_counts[0] == 1


def test_a_class_folder_that_may_not_be_read_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    def refused(path: Any) -> Any:
        if str(path).rstrip("/").endswith("bee"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refused)
    facts = read(IMAGES, folder, 5)
    assert [(problem.trouble, problem.path) for problem in facts.problems] == [(Trouble.UNREADABLE, "set/bee")]
    assert str(folder) not in facts.problems[0].message
    assert not facts.complete


def test_a_hundred_thousand_files_are_counted_within_some_yardsticks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cost: Callable[[Callable[[], object]], float]
) -> None:
    for name in ("ant", "bee"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for index in range(2000):
            (tmp_path / "set" / name / f"{index}.png").touch()
    monkeypatch.setattr("trainyard.linter.facts.images._SAMPLE", 0)
    # 4,000 files stand for 100,000: counting is linear.
    assert cost(lambda: read(IMAGES, tmp_path, 60)) * 25 < 60
    assert read(IMAGES, tmp_path, 60).samples == 4000


def test_an_image_that_would_unpack_to_gigabytes_is_not_unpacked(folder: Path, peak: Callable[[], float]) -> None:
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    (folder / "set/ant/bomb.png").write_bytes(bomb)
    facts = read(IMAGES, folder, 5)
    assert [problem.path for problem in facts.problems] == ["set/ant/bomb.png"]
    assert peak() < 64


def test_names_that_are_no_text_are_counted_and_shown(folder: Path) -> None:
    place = os.fsencode(folder / "set" / "ant") + b"/\xff\xfe.png"
    with open(place, "wb") as file:  # noqa: PTH123 -- a name that is no text
        file.write(b"no image")
    facts = read(IMAGES, folder, 5)
    assert facts.class_counts == (2, 1)
    assert troubles(facts) == [Trouble.UNREADABLE]


def test_a_header_as_wide_as_a_file_is_answered(tmp_path: Path) -> None:
    names = ",".join(f"c{index}" for index in range(20_000))
    (tmp_path / "t.csv").write_text(f"{names},y\n" + ",".join(["1"] * 20_001) + "\n", encoding="utf-8")
    facts = read(CSV, tmp_path, 20)
    assert facts.input_shape == (20_000,)


def test_arrays_of_complex_numbers_texts_and_dates_are_told_apart_from_numbers(tmp_path: Path) -> None:
    for values in (np.asarray(["a", "b"]), np.asarray([1j, 2j]), np.asarray(["2020-01-01", "2021-01-01"], dtype="datetime64[D]")):
        np.savez(tmp_path / "t.npz", x=values, y=np.asarray([0, 1]))
        facts = read(NPZ, tmp_path, 5)
        assert [problem.trouble for problem in facts.problems] == [Trouble.WRONG_KIND]
        assert "not numbers" in facts.problems[0].message
