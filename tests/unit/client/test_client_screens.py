from __future__ import annotations

import io
import os
from collections.abc import Callable

import pytest

from trainyard.client.commands.jobs import STATES, USUAL, row
from trainyard.client.commands.monitoring import MODES
from trainyard.client.commands.tables import table
from trainyard.client.screen import folding, phrases, port
from trainyard.client.screen.plain import Plain
from trainyard.client.values import event as kinds
from trainyard.client.values.event import EpochFinished, Event, Happening, Progress
from trainyard.client.values.job import Job, JobState

MakeEvent = Callable[..., Event]


class Terminal(io.StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize(
    "mode,terminal,term,decided",
    [
        ("auto", True, "xterm", "tty"),
        ("auto", True, "dumb", "plain"),
        ("auto", False, "xterm", "plain"),
        ("plain", True, "xterm", "plain"),
        ("json", True, "xterm", "json"),
    ],
)
def test_auto_suits_the_stream_and_a_wish_is_granted(mode: str, terminal: bool, term: str, decided: str) -> None:
    assert port.decide(mode, Terminal(terminal), {"TERM": term}) == decided


@pytest.mark.parametrize(
    "value,written",
    [
        (0.0, "0.0000"),
        (0.98437, "0.9844"),
        (12.5, "12.5000"),
        (0.0004, "0.0004"),
        (2e-7, "2e-07"),
        (123456.0, "1.23e+05"),
        (float("nan"), "nan"),
    ],
)
def test_a_metric_is_written_with_four_places(value: float, written: str) -> None:
    assert phrases.number(value) == written


def test_an_epoch_fits_a_narrow_terminal_by_leaving_out_what_tells_least(make_epoch: Callable[..., EpochFinished]) -> None:
    names = ("loss", "val_loss", "accuracy", "val_accuracy", "f1", "val_f1")
    epoch = make_epoch(metrics=dict.fromkeys(names, 0.5))
    assert len(phrases.epoch(epoch)) > 80 >= len(phrases.epoch(epoch, 80))
    assert phrases.epoch(epoch, 80) == "epoch  3/25  loss 0.5000  val_loss 0.5000  val_accuracy 0.5000  lr 0.002  1.4 s"
    assert phrases.epoch(epoch, 1) == "epoch  3/25  loss 0.5000  val_loss 0.5000  lr 0.002  1.4 s"


def test_metrics_begin_with_the_loss_and_stand_beside_their_validation() -> None:
    metrics = {"accuracy": 0.5, "loss": 2.0, "unweighted_loss": 3.0, "val_accuracy": 0.25, "val_loss": 4.0, "val_unweighted_loss": 3.0}
    assert phrases.metrics(metrics) == "loss 2.0000  val_loss 4.0000  accuracy 0.5000  val_accuracy 0.2500"


@pytest.mark.parametrize(
    "seconds,written", [(0.42, "0.4 s"), (9.96, "10 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (7620, "2 h 07 min")]
)
def test_a_time_span_is_written_as_people_say_it(seconds: float, written: str) -> None:
    assert phrases.duration(seconds) == written


@pytest.mark.parametrize(
    "count,written", [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_468_006, "1.4 MiB"), (1024**3 - 1, "1.0 GiB")]
)
def test_a_size_is_written_in_binary_units(count: int, written: str) -> None:
    assert phrases.size(count) == written


@pytest.mark.parametrize("ahead,place", [(1, "2nd"), (2, "3rd"), (3, "4th"), (10, "11th"), (20, "21st"), (111, "112th")])
def test_a_queued_job_knows_its_place(make_job: Callable[..., Job], ahead: int, place: str) -> None:
    assert phrases.standing(make_job(state=JobState.QUEUED, queue_position=ahead)) == f"queued, {place} in line"


def test_an_outcome_names_the_best_epoch_and_where_the_model_lies(make_job: Callable[..., Job]) -> None:
    assert phrases.outcome(make_job()) == [
        "0jb4kq7t2m  digits-small-cnn  succeeded (early stopped)",
        "  best epoch 10/25: loss 0.2500  val_loss 0.1250  val_accuracy 0.9844",
        "  files: best.keras 1.4 MiB",
        "  in /runs/",
    ]


def test_a_failure_says_why(make_job: Callable[..., Job]) -> None:
    failed = make_job(state=JobState.FAILED, reason="data", message="digits/images: no such folder", best_epoch=0, artifacts=())
    assert phrases.outcome(failed) == ["0jb4kq7t2m  digits-small-cnn  failed (data)", "  digits/images: no such folder"]


def test_plain_writes_one_line_an_epoch_and_nothing_for_checkpoints(
    make_job: Callable[..., Job], make_event: MakeEvent, make_epoch: Callable[..., EpochFinished]
) -> None:
    stream = io.StringIO()
    screen = Plain(stream)
    happenings: list[Happening] = [
        kinds.StateChanged(JobState.QUEUED, JobState.STARTING, "", ""),
        make_epoch(metrics={"loss": 0.5, "val_loss": 0.25}),
        kinds.CheckpointSaved(3, "val_loss", 0.25, True, "best.keras"),
        kinds.LearningRateChanged(3, 0.002, 0.001, "reduce_on_plateau"),
        kinds.EarlyStopped(18, 10, "val_loss", 8),
        kinds.Diagnosis("overfitting", 4, "add dropout", 0.5),
        kinds.EpochRevised(make_epoch(), 5),
        kinds.StateChanged(JobState.RUNNING, JobState.FAILED, "oom_device", "batch 4096 does not fit"),
    ]
    screen.begin(make_job(state=JobState.QUEUED, queue_position=2))
    for happening in happenings:
        screen.show(make_event(happening))
    screen.show(Progress("j", 1, 1, 2, {}))
    screen.reconnecting(2)
    screen.reconnected(2)
    screen.close()
    assert stream.getvalue().splitlines() == [
        "digits-small-cnn  0jb4kq7t2m  queued, 3rd in line",
        "starting",
        "epoch  3/25  loss 0.5000  val_loss 0.2500  lr 0.002  1.4 s",
        "after epoch 3: learning rate 0.002 -> 0.001 (reduce on plateau)",
        "stopped early after epoch 18: no better val_loss for 8 epochs; best epoch 10",
        "noticed in epoch 4: overfitting: add dropout",
        "epoch  3/25  loss 0.5000  lr 0.002  1.4 s  (again, after a resume)",
        "failed (oom device): batch 4096 does not fit",
        "reconnecting (2)",
        "reconnected (2)",
    ]


class _Narrow(io.StringIO):
    """A terminal of so many cells."""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return 1


def test_no_line_on_a_terminal_is_broken_inside_a_word(
    make_event: MakeEvent, make_epoch: Callable[..., EpochFinished], make_job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("loss", "accuracy", "f1", "precision", "recall", "top_k_categorical_accuracy")
    scores = {f"{part}{name}": 0.5 for name in names for part in ("", "val_")}
    whole = phrases.outcome(make_job(best_metrics=scores))
    words = {f"{name} 0.5000" for name in scores}
    for cells in (48, 72, 100):
        monkeypatch.setattr(os, "get_terminal_size", lambda _, cells=cells: os.terminal_size((cells, 24)))
        stream = _Narrow()
        screen = Plain(stream)
        screen.show(make_event(make_epoch(metrics=scores)))
        screen.show(make_event(kinds.Diagnosis("overfitting", 4, "the validation loss rises; " * 6, 0.5)))
        folded = [piece for line in whole for piece in folding.folded(line, cells)]
        assert max(map(len, [*stream.getvalue().splitlines(), *folded])) <= cells
        told = "  ".join(line.strip() for line in folded)
        assert all(word in told for word in words)
        assert " ".join(told.split()) == " ".join(" ".join(whole).split())


def test_what_goes_into_a_pipe_stays_on_its_line() -> None:
    assert folding.folded("word " * 90, folding.cells_of(io.StringIO())) == ["word " * 90]


def test_a_silence_gets_one_sign_of_life_a_minute(make_event: MakeEvent, make_epoch: Callable[..., EpochFinished]) -> None:
    stream = io.StringIO()
    screen = Plain(stream)
    screen.show(make_event(make_epoch()))
    for silent in (1.0, 59.0, 60.0, 61.0, 119.0, 121.0, 1.0, 59.0, 60.5):
        screen.idle(silent)
    assert stream.getvalue().splitlines()[1:] == [
        "still watching: no news for 1 min 00 s, last epoch 3/25",
        "still watching: no news for 2 min 01 s, last epoch 3/25",
        "still watching: no news for 1 min 00 s, last epoch 3/25",
    ]


def test_the_choices_that_are_written_out_for_help_are_the_real_ones() -> None:
    assert set(STATES) == {state.value for state in JobState} - {"unspecified"}
    assert MODES == port.MODES


def test_the_table_shows_the_most_telling_metric_and_ends_no_line_in_blanks(make_job: Callable[..., Job]) -> None:
    jobs = [
        make_job(),
        make_job(id="x", state=JobState.QUEUED, reason="", epoch=0, epochs_planned=0, metrics={}, best_metrics={}, created=None),
    ]
    lines = table([("ID", "NAME", "STATE", "EPOCH", "BEST", "CREATED"), *(row(job, tuple(USUAL.split(","))) for job in jobs)]).splitlines()
    assert lines[1] == "0jb4kq7t2m  digits-small-cnn  succeeded (early stopped)  18/25  val_accuracy 0.9844  2026-03-01 12:00"
    assert len({line.index(word) for line, word in zip(lines, ("STATE", "succeeded", "queued"), strict=True)}) == 1
    assert all(line == line.rstrip() for line in lines)
