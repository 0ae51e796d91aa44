"""What came of runs: read from folders, compared, drawn, written for other programs."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from tests.unit.client.conftest import JOB, NOON

from trainyard.client.errors import BadSettings
from trainyard.client.outcome import comparison, exports, pictures, tensorboard
from trainyard.client.outcome.page import page
from trainyard.client.outcome.run import Run, of_folder
from trainyard.client.values.event import EpochFinished
from trainyard.client.values.history import History

HOSTILE = "<script>alert('x')</script>"


@pytest.fixture
def make_run(make_epoch: Callable[..., EpochFinished]) -> Callable[..., Run]:
    def make(losses: list[float], **changes: Any) -> Run:
        epochs = tuple(
            make_epoch(epoch=place, metrics={"loss": loss, "val_loss": loss + 1, "val_accuracy": 1 - loss}, learning_rate=0.1 / place)
            for place, loss in enumerate(losses, 1)
        )
        times = {epoch.epoch: NOON + timedelta(seconds=epoch.epoch) for epoch in epochs}
        return Run(**{"name": "a run", "history": History(JOB.id, epochs), "best_epoch": 2, "job": JOB, "times": times, **changes})

    return make


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    run = tmp_path / "digits"
    (run / "artifacts").mkdir(parents=True)
    history = {
        "epochs": [{"epoch": 1, "loss": 2.0, "val_loss": math.nan, "learning_rate": 0.1}, {"epoch": 2, "loss": 1.0, "val_loss": 0.5}]
    }
    (run / "artifacts/history.json").write_text(json.dumps(history))
    evaluation = {"part": "test", "epoch": 2, "accuracy": 0.75, "classes": ["a", HOSTILE], "confusion_matrix": [[3, 1], [0, 4]]}
    (run / "artifacts/evaluation.json").write_text(json.dumps(evaluation))
    memory = {"unit": "bytes", "predicted": {"low": 100, "high": 200}, "actual": 150, "comparable": True}
    (run / "artifacts/prediction.json").write_text(json.dumps({"memory": memory, "profile": None}))
    return run


def test_a_run_folder_is_read_without_a_server(folder: Path) -> None:
    run = of_folder(folder)
    assert (run.name, run.best_epoch, len(run.history), run.history.column("loss")) == ("digits", 2, 2, [2.0, 1.0])
    assert of_folder(folder / "artifacts").history.epochs == run.history.epochs or math.isnan(run.history.column("val_loss")[0])


@pytest.mark.parametrize("content", ["", "[]", '{"epochs": 3}', '{"epochs": [3]}', "[" * 100_000])
def test_a_folder_that_is_no_run_is_refused_in_words(tmp_path: Path, content: str) -> None:
    with pytest.raises(BadSettings, match="no run folder"):
        of_folder(tmp_path)
    (tmp_path / "history.json").write_text(content)
    with pytest.raises(BadSettings, match="is no"):
        of_folder(tmp_path)


def test_the_page_is_well_formed_holds_everything_and_no_markup_of_others(folder: Path) -> None:
    text = page(of_folder(folder))
    ET.fromstring(text.partition("\n")[2])  # noqa: S314 - our own page
    for words in ("Curves", "Confusion matrix", "Predicted and so", "as predicted", "epoch 2", "&lt;script&gt;"):
        assert words in text
    assert "<script" not in text
    assert "http://www.w3.org" not in text.replace('xmlns="http://www.w3.org/2000/svg"', "")


def test_a_page_of_a_job_that_has_not_begun_is_a_page(make_run: Callable[..., Run]) -> None:
    assert "No epoch has ended" in page(make_run([], best_epoch=0, job=JOB._replace(epoch=0)))


def test_several_runs_lie_over_one_another_with_the_best_named_first(make_run: Callable[..., Run]) -> None:
    runs = [make_run([3.0, 2.0], name="first"), make_run([1.0, 0.5, 0.7], name="second")]
    loss, accuracy = pictures.charts(runs, [])
    assert [series.name for series in loss.series] == ["first", "second"]
    assert loss.summary == "Best first: second 1.5 in epoch 2, first 3 in epoch 2."
    assert accuracy.y.label == "val_accuracy"
    assert [chart.y.label for chart in pictures.charts(runs, ["loss", "learning_rate"])] == ["loss", "learning_rate"]


def test_one_run_shows_each_metric_with_its_validation_and_what_was_kept(make_run: Callable[..., Run]) -> None:
    charts = pictures.charts([make_run([3.0, math.nan, 1.0])], [])
    assert [(chart.y.label, len(chart.series)) for chart in charts] == [("loss", 2), ("accuracy", 1)]
    assert charts[0].series[0].points[1] == (2.0, None)


def test_a_comparison_tells_what_differs_and_stars_the_best(make_run: Callable[..., Run]) -> None:
    specs = [{"training": {"epochs": 5, "batch": 32}, "optimizer": {"type": kind}} for kind in ("adam", "sgd")]
    runs = [make_run([1.0, 0.5], spec=specs[0]), make_run([1.0, 0.75], spec=specs[1])]
    compared = comparison.compare(runs)
    assert compared.names == ("a run (1)", "a run (2)")
    assert compared.specs == (comparison.Row("optimizer.type", ("adam", "sgd")),)
    best = dict(comparison.tables(compared))["Best of each metric"]
    assert best.rows[0] == ("loss", "*0.5000", "0.7500")
    assert dict(comparison.document(compared))["best"]["val_accuracy"] == [0.5, 0.25]


def test_csv_holds_every_number_exactly_and_leaves_gaps_empty(make_run: Callable[..., Run]) -> None:
    lines = exports.as_csv(make_run([0.1, math.nan])).splitlines()
    assert lines[0] == "epoch,loss,val_loss,val_accuracy,learning_rate,seconds,samples_per_second,device_memory_bytes"
    assert lines[1].split(",")[:3] == ["1", "0.1", "1.1"]
    assert lines[2].startswith("2,,,,")


def test_json_holds_times_and_no_number_that_json_has_no_word_for(make_run: Callable[..., Run]) -> None:
    told = json.loads(exports.as_json(make_run([0.1, math.inf])), parse_constant=pytest.fail)
    assert told["epochs"][1]["metrics"]["loss"] == "Infinity"
    assert told["epochs"][0]["time"] == "2026-03-01T12:00:01.000Z"


def test_openmetrics_has_the_names_of_the_server_and_a_time_for_each_sample(make_run: Callable[..., Run]) -> None:
    text = exports.as_openmetrics(make_run([0.5, math.nan], job=JOB._replace(experiment='a "b"\n')))
    assert text.endswith("# EOF\n")
    assert 'trainyard_job_loss{job="trainyard",instance="export",job_id="0jb4kq7t2m",split="train"} 0.5 1772366401.000' in text
    assert 'trainyard_job_loss{job="trainyard",instance="export",job_id="0jb4kq7t2m",split="train"} NaN 1772366402.000' in text
    assert 'run_name="a \\"b\\"\\n"' in text
    with pytest.raises(BadSettings, match="times"):
        exports.as_openmetrics(make_run([0.5], times={}))


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool of Prometheus is not installed")
def test_prometheus_takes_the_run_in_and_gives_it_back(make_run: Callable[..., Run], tmp_path: Path) -> None:
    (tmp_path / "run.om").write_text(exports.as_openmetrics(make_run([0.5, 0.25, 0.125])))
    promtool = str(shutil.which("promtool"))
    subprocess.run([promtool, "tsdb", "create-blocks-from", "openmetrics", "run.om", "data"], cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "data/wal").mkdir()
    back = subprocess.run(
        [promtool, "tsdb", "dump", "--match", 'trainyard_job_loss{split="train"}', "data"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert [line.rpartition("} ")[2].split() for line in back.stdout.splitlines()] == [
        ["0.5", "1772366401000"],
        ["0.25", "1772366402000"],
        ["0.125", "1772366403000"],
    ]


def test_the_checksum_is_crc_32c_as_rfc_3720_tells_it() -> None:
    def unmasked(value: int) -> int:
        turned = (value - 0xA282EAD8) & 0xFFFFFFFF
        return (turned >> 17 | turned << 15) & 0xFFFFFFFF

    assert unmasked(tensorboard.masked_crc32c(b"123456789")) == 0xE3069283
    assert unmasked(tensorboard.masked_crc32c(bytes(32))) == 0x8A9136AA


def test_tensorboard_files_are_whole_records_train_and_validation_apart(make_run: Callable[..., Run], tmp_path: Path) -> None:
    files = tensorboard.write(make_run([0.5, 1e300, math.nan]), tmp_path)
    assert [str(path.relative_to(tmp_path)).split("/")[0] for path in files] == ["train", "validation"]
    raw, messages = files[0].read_bytes(), []
    while raw:
        length = int.from_bytes(raw[:8], "little")
        assert int.from_bytes(raw[8:12], "little") == tensorboard.masked_crc32c(raw[:8])
        messages.append(raw[12 : 12 + length])
        assert int.from_bytes(raw[12 + length : 16 + length], "little") == tensorboard.masked_crc32c(messages[-1])
        raw = raw[16 + length :]
    assert b"brain.Event:2" in messages[0]
    assert [b"epoch_loss" in message for message in messages] == [False, True, True, True]
