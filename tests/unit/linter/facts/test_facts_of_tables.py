"""Tables and archives: what is counted, and that broken files are problems and no tracebacks."""

from __future__ import annotations

import pickle
import sys
import zipfile
from itertools import count
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainyard.linter.facts import Trouble, read
from trainyard.linter.spec.model.dataset import Csv, Npz, Parquet, Split
from trainyard.linter.spec.model.dataset import Facts as Declared

PLAIN = Split(None, None, "random", None, 0)
UNKNOWN = Declared(*[None] * len(Declared._fields))


def table(target: str | tuple[str, ...] = "label", features: tuple[str, ...] | None = None, categorical: tuple[str, ...] = ()) -> Csv:
    return Csv("csv", "t.csv", target, features, categorical, ",", None, "none", PLAIN, UNKNOWN, "fail", 100)


def archive(features: str = "x", target: str = "y") -> Npz:
    return Npz("npz", "t.npz", features, target, None, "none", PLAIN, UNKNOWN, "fail", 100)


def parquet(target: str = "label") -> Parquet:
    return Parquet("parquet", "t.parquet", target, None, (), None, "none", PLAIN, UNKNOWN, "fail", 100)


def test_a_table_is_counted_column_by_column(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b,kind,label\n1,-2.5,red,yes\n3,,blue,no\n2,7,red,yes\n", encoding="utf-8-sig")
    facts = read(table(categorical=("kind",)), tmp_path, 5)
    assert facts.samples == 3
    assert dict(zip(facts.class_names, facts.class_counts, strict=True)) == {"no": 1, "yes": 2}
    assert facts.input_shape == (4,)
    assert facts.input_range == (-2.5, 7.0)
    assert [(column.name, column.kind, column.missing) for column in facts.columns] == [
        ("a", "number", 0),
        ("b", "number", 1),
        ("kind", "text", 0),
        ("label", "text", 0),
    ]


def test_number_labels_are_classes_in_order_of_value(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,label\n1,10\n1,9\n1,10\n")
    facts = read(table(), tmp_path, 5)
    assert (facts.class_names, facts.class_counts) == (("9", "10"), (1, 2))
    assert facts.target_range == (9.0, 10.0)


def test_a_target_with_very_many_values_is_no_list_of_classes(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,label\n" + "".join(f"1,{index}\n" for index in range(1500)))
    assert read(table(), tmp_path, 5).class_names == ()


def test_a_missing_column_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    (problem,) = read(table(), tmp_path, 5).problems
    assert problem.trouble is Trouble.MISSING_FIELD
    assert "'label'" in problem.message
    assert "a, b" in problem.message


def test_rows_of_the_wrong_length_are_named_and_not_counted(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,label\n1,x\n1,x,3\n\n2,y\n")
    facts = read(table(), tmp_path, 5)
    assert facts.samples == 2
    assert "Row 3" in facts.problems[0].message


def test_a_table_that_takes_too_long_is_not_half_counted(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,label\n" + "1,x\n" * 1000)
    clock = count().__next__
    facts = read(table(), tmp_path, 1, clock=lambda: float(clock()))
    assert facts.samples is None
    assert facts.class_counts == ()
    assert not facts.complete


@pytest.mark.parametrize("raw", [b"", b"a,label\n", b"\xff\xfe\x00", b"a,label\n\xe9,1\n", b'a,label\n"' + b"x" * 200_000 + b'",1\n'])
def test_a_file_that_is_no_table_is_a_problem(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "t.csv").write_bytes(raw)
    facts = read(table(), tmp_path, 5)
    assert facts.problems
    assert facts.samples is None


def test_an_archive_tells_shape_range_and_labels(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", x=np.arange(24, dtype=np.uint8).reshape(4, 3, 2), y=np.array([0, 2, 2, 0], dtype=">i8"))
    facts = read(archive(), tmp_path, 5)
    assert (facts.samples, facts.input_shape, facts.input_range) == (4, (3, 2), (0.0, 23.0))
    assert (facts.class_names, facts.class_counts, facts.label_encoding) == (("0", "2"), (2, 2), "integer")


def test_one_hot_rows_are_counted_by_column_and_other_rows_are_not_classes(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "t.npz", x=np.zeros((3, 2)), y=np.array([[1, 0], [0, 1], [0, 1]], dtype=np.float32))
    facts = read(archive(), tmp_path, 5)
    assert (facts.class_counts, facts.label_encoding) == ((1, 2), "one_hot")
    np.savez(tmp_path / "t.npz", x=np.zeros((3, 2)), y=np.array([[1, 1], [0, 1], [0, 0]]))
    assert read(archive(), tmp_path, 5).label_encoding == "multi_hot"
    np.savez(tmp_path / "t.npz", x=np.zeros((3, 2)), y=np.array([0.5, 1.5, 2.0]))
    facts = read(archive(), tmp_path, 5)
    assert (facts.class_counts, facts.label_encoding, facts.target_range) == ((), "value", (0.5, 2.0))


def test_an_array_of_objects_is_refused_and_never_unpickled(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return (sys.exit, ("unpickled",))

    with zipfile.ZipFile(tmp_path / "t.npz", "w") as file:
        header = b"{'descr': '|O', 'fortran_order': False, 'shape': (2,), }".ljust(118) + b"\n"
        npy = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + pickle.dumps([Bomb(), Bomb()])
        file.writestr("x.npy", npy)
        file.writestr("y.npy", npy)
    (problem,) = read(archive(), tmp_path, 5).problems
    assert "objects" in problem.message


def test_an_archive_that_lacks_an_array_names_those_that_it_has(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", images=np.zeros(3), y=np.zeros(3))
    (problem,) = read(archive(), tmp_path, 5).problems
    assert problem.trouble is Trouble.MISSING_FIELD
    assert "images, y" in problem.message


def test_arrays_of_different_lengths_do_not_belong_together(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", x=np.zeros(3), y=np.zeros(4))
    assert "must agree" in read(archive(), tmp_path, 5).problems[0].message


def test_a_header_that_lies_about_its_size_is_not_believed(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.npz", "w") as file:
        for name in ("x", "y"):
            header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 1000000000000), }".ljust(118) + b"\n"
            file.writestr(f"{name}.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    (problem,) = read(archive(), tmp_path, 5).problems
    assert problem.trouble is Trouble.UNREADABLE
    assert "cut short" in problem.message


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_make_the_readers_raise(tmp_path: Path, raw: bytes) -> None:
    for suffix in ("csv", "npz", "parquet"):
        (tmp_path / f"t.{suffix}").write_bytes(raw)
    for asked in (table(), archive(), parquet()):
        assert read(asked, tmp_path, 5).problems


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=200))
def test_no_array_header_makes_the_reader_raise(tmp_path: Path, raw: bytes) -> None:
    with zipfile.ZipFile(tmp_path / "t.npz", "w") as file:
        file.writestr("x.npy", b"\x93NUMPY\x01\x00" + raw)
        file.writestr("y.npy", b"\x93NUMPY\x02\x00" + raw)
    read(archive(), tmp_path, 5)


def test_a_parquet_table_tells_rows_types_ranges_and_labels(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1.5, None, 3.0], "b": [1, 2, 3], "label": ["x", "y", "x"]}), tmp_path / "t.parquet")
    facts = read(parquet(), tmp_path, 5)
    assert (facts.samples, facts.input_shape, facts.input_range) == (3, (2,), (1.0, 3.0))
    assert (facts.class_names, facts.class_counts) == (("x", "y"), (2, 1))
    assert [(column.kind, column.missing) for column in facts.columns] == [("number", 1), ("number", 0), ("text", 0)]


def test_without_pyarrow_a_parquet_table_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.parquet").touch()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (problem,) = read(parquet(), tmp_path, 5).problems
    assert problem.trouble is Trouble.LIBRARY
    assert "trainyard[data]" in problem.message
