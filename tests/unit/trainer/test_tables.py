from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as arrow_parquet
import pytest

from trainyard.linter import facts
from trainyard.linter import spec as language
from trainyard.linter.spec.model.dataset import Csv
from trainyard.linter.spec.model.spec import Spec
from trainyard.service.trainer.data import reading
from trainyard.service.trainer.data.samples import Samples
from trainyard.service.trainer.failures import DataError

ROWS = "size,weight,colour,label\n1,2.5,red,yes\n2,3.5,blue,no\n3,4.5,red,no\n"


@pytest.fixture
def read(typed: Any, tmp_path: Path) -> Any:
    def read_text(text: str, *, task: str = "classification", **changes: Any) -> Samples:
        (tmp_path / "t.csv").write_text(text, encoding="utf-8")
        dataset = {"features": ["size", "weight"], "input_shape": None, "facts": {"classes": None}, **changes}
        spec: Spec = typed(dataset=dataset, task=task)
        return reading.read(spec.dataset, task, tmp_path)

    return read_text


def test_features_are_numbers_and_labels_are_sorted_names(read: Any) -> None:
    samples = read(ROWS)

    assert samples.inputs.dtype == np.float32
    assert samples.inputs.tolist() == [[1, 2.5], [2, 3.5], [3, 4.5]]
    assert samples.classes == ("no", "yes")
    assert samples.targets.tolist() == [1, 0, 0]


def test_whole_numbers_as_labels_are_sorted_by_value(read: Any) -> None:
    samples = read("size,weight,label\n1,1,10\n2,2,9\n3,3,10\n")

    assert samples.classes == ("9", "10")
    assert samples.targets.tolist() == [1, 0, 1]


LABELS = {
    "numbers before words": ["10", "9", "a", "b", "2.5x"],
    "numbers as they are written": ["1.0", "2", "01", "1"],
    "spaces around": [" b", "a ", "b", "a"],
    "no label": ["a", "b", "NA", "?", "none", "a"],
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_are_numbered_and_named_as_the_linter_does(read: Any, tmp_path: Path, name: str) -> None:
    text = "size, weight,label\n" + "".join(f"{place},1,{label}\n" for place, label in enumerate(LABELS[name]))
    samples = read(text, bad_records="skip")
    found = facts.read(typed_csv(), tmp_path, 10.0)

    assert found.class_names == samples.classes
    assert found.class_counts == tuple(np.bincount(samples.targets).tolist())


def typed_csv() -> Csv:
    written = {"type": "csv", "path": "t.csv", "target": "label", "features": ["size", "weight"]}
    spec = {"version": "v1", "task": "classification", "dataset": written, "model": {"type": "mlp", "hidden": []}}
    made: Csv = language.typed(language.resolve(spec)).dataset  # type: ignore[assignment] # a csv was written
    return made


def test_several_one_hot_columns_are_classes(read: Any) -> None:
    samples = read("size,weight,x,y\n1,2,1,0\n2,3,0,1\n3,4,1,0\n", target=["x", "y"])

    assert samples.targets.tolist() == [0, 1, 0]
    assert samples.classes == ("x", "y")


def test_a_categorical_column_becomes_one_input_per_value(read: Any) -> None:
    samples = read(ROWS, features=["colour", "size"], categorical=["colour"])

    assert samples.inputs.tolist() == [[0, 1, 1], [1, 0, 2], [0, 1, 3]]
    assert samples.columns[0].categories == ("blue", "red")


def test_without_a_list_every_column_but_target_and_group_is_a_feature(read: Any) -> None:
    text = "size,who,label\n1,p,a\n2,q,b\n"
    samples = read(text, features=None, split={"method": "group", "group": "who"})

    assert [column.name for column in samples.columns] == ["size"]
    assert samples.groups == ("p", "q")


@pytest.mark.parametrize("hole", ["", "nan", "inf", "NA"])
def test_a_hole_in_a_number_column_names_the_row_and_the_column(read: Any, hole: str) -> None:
    with pytest.raises(DataError, match=r'1 of the rows .* \(row 3: column "weight" is no finite number\)'):
        read(f"size,weight,label\n1,2,a\n2,{hole},b\n3,4,a\n")


def test_one_stray_word_makes_a_bad_row_and_not_a_text_column(read: Any) -> None:
    samples = read("size,weight,label\n1,2,a\n2,much,b\n3,4,a\n4,5,b\n", bad_records="skip")

    assert samples.inputs.tolist() == [[1, 2], [3, 4], [4, 5]]
    assert [record.name for record in samples.bad] == ["row 3"]


def test_rows_after_a_broken_line_keep_their_numbers(read: Any) -> None:
    text = "size,weight,label\n1,2,a\n2,3\n3,,b\n4,5,b\n"
    samples = read(text, bad_records="skip")

    assert [(record.name, record.why) for record in samples.bad] == [
        ("row 3", "has 2 cells instead of 3"),
        ("row 4", 'column "weight" is no finite number'),
    ]
    assert samples.inputs.tolist() == [[1, 2], [4, 5]]


def test_an_empty_label_is_a_bad_row(read: Any) -> None:
    with pytest.raises(DataError, match='row 2: column "label" is an empty label'):
        read("size,weight,label\n1,2,\n2,3,b\n3,4,a\n")


def test_a_text_column_is_pointed_to_categorical(read: Any) -> None:
    with pytest.raises(DataError, match=r'Column "colour" holds text .* list it in dataset\.categorical'):
        read(ROWS, features=["size", "colour"])


def test_a_column_that_is_missing_is_named_with_those_that_are_there(read: Any) -> None:
    with pytest.raises(DataError, match='no column "height"; it has: size, weight, colour, label'):
        read(ROWS, features=["height"])


def test_fractions_as_labels_are_pointed_to_regression(read: Any) -> None:
    with pytest.raises(DataError, match="the task is regression"):
        read("size,weight,label\n1,2,0.5\n2,3,0.25\n")


def test_one_class_is_nothing_to_learn(read: Any) -> None:
    with pytest.raises(DataError, match='All samples are of one class, "a"'):
        read("size,weight,label\n1,2,a\n2,3,a\n")


def test_a_regression_target_is_a_column_of_numbers(read: Any) -> None:
    samples = read("size,weight,label\n1,2,0.5\n2,3,0.25\n", task="regression")

    assert samples.targets.tolist() == [[0.5], [0.25]]
    assert samples.classes == ()


def test_several_flags_are_a_multilabel_target(read: Any) -> None:
    text = "size,weight,x,y\n1,2,1,0\n2,3,1,1\n"
    samples = read(text, task="multilabel", target=["x", "y"])

    assert samples.targets.tolist() == [[1, 0], [1, 1]]
    assert samples.classes == ("x", "y")


def test_a_table_of_another_width_than_the_spec_says_is_refused(read: Any) -> None:
    with pytest.raises(DataError, match=r"input_shape is \[7\], but a sample has the shape \[2\]"):
        read(ROWS, input_shape=[7])


@pytest.mark.parametrize("text", ["", "size,weight,label\n", "\x00\x01\x02", "size,size,label\n1,2,a\n"])
def test_what_is_no_table_is_a_sentence(read: Any, text: str) -> None:
    with pytest.raises(DataError):
        read(text)


def test_parquet_reads_as_csv_does(typed: Any, tmp_path: Path) -> None:
    table = pa.table({"size": [1.0, None, 3.0], "colour": ["red", "blue", "red"], "label": ["b", "a", "a"]})
    arrow_parquet.write_table(table, tmp_path / "t.parquet")
    written = {"type": "parquet", "path": "t.parquet", "target": "label", "categorical": ["colour"], "bad_records": "skip"}

    samples = reading.read(typed(dataset=written).dataset, "classification", tmp_path)

    assert samples.inputs[:].tolist() == [[1, 0, 1], [3, 0, 1]]
    assert [record.name for record in samples.bad] == ["row 2"]
    assert samples.targets.tolist() == [1, 0]
