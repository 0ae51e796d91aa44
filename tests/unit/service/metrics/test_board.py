"""What a scrape shows of jobs: counted once, bounded, and gone when their time is over."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from trainyard.service.core import journal
from trainyard.service.core.events import (
    CheckpointSaved,
    Diagnosis,
    EarlyStopped,
    Entry,
    EpochFinished,
    StateChanged,
    TrainerEnded,
    TrainerStarted,
    TrainerWord,
)
from trainyard.service.core.jobs import Change, Job, Prediction
from trainyard.service.core.reasons import Reason
from trainyard.service.core.states import Command, State
from trainyard.service.metrics import collector
from trainyard.service.metrics.board import LINGER_SECONDS, Board
from trainyard.service.metrics.calls import CallCounter
from trainyard.service.metrics.catalogue import ALL, FLEET, PER_JOB, Type
from trainyard.service.metrics.collector import JobCollector
from trainyard.service.metrics.instruments import DIAGNOSES, Instruments

MakeJob = Callable[[], Job]
Sample = tuple[str, tuple[tuple[str, str], ...]]


class Fleet:
    """A board with its registry and a clock that the test sets."""

    def __init__(self, limit: int = 50) -> None:
        self.now = 0.0
        self.registry = CollectorRegistry()
        self.instruments = Instruments(self.registry)
        self.board = Board(self.instruments, lambda: self.now)
        self.registry.register(JobCollector(self.board, limit, memory={"GPU-1": 80}))

    def scrape(self) -> dict[Sample, float]:
        text = generate_latest(self.registry).decode()
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}

    def value(self, name: str, **labels: str) -> float | None:
        return self.scrape().get((name, tuple(sorted(labels.items()))))

    def names(self) -> set[str]:
        return {name for name, _ in self.scrape()}


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


class Story:
    """One job that lives its life in front of a board."""

    def __init__(self, fleet: Fleet, job: Job, at: datetime) -> None:
        self.fleet, self.job, self.at = fleet, replace(job, last_seq=0), at
        born = Change(job, (journal._append(self.job, "created", at, _born()).events))
        self._tell(born)

    def _tell(self, change: Change) -> None:
        self.job = change.job
        self.fleet.board.committed(change)

    def give(self, command: Command, reason: Reason | None = None) -> Story:
        self._tell(journal.move(self.job, command, self.at, reason=reason))
        return self

    def say(self, *words: TrainerWord) -> Story:
        entries = [Entry(self.job.attempt, f"word/{self.job.last_seq}/{number}", self.at, word) for number, word in enumerate(words)]
        self._tell(journal.record(self.job, entries, {}, self.at))
        return self

    def run(self) -> Story:
        return self.give(Command.START).say(TrainerStarted("tensorflow", "3", "cpu", 10, 100, 2, 5))


def _born() -> StateChanged:
    return StateChanged(before=None, after=State.QUEUED)


def epoch(number: int, **of: float) -> EpochFinished:
    return EpochFinished(number, 5, of or {"loss": 0.5, "val_loss": 0.75, "accuracy": 0.9}, 0.001, 2.0, 50.0)


def test_a_scrape_exports_exactly_what_the_catalogue_lists(fleet: Fleet, make_job: MakeJob, noon: datetime) -> None:
    calls = CallCounter(fleet.instruments)
    calls.call_started("unary", "s", "m")
    calls.call_ended("unary", "s", "m", "OK", 0.1)
    calls.judged("warned", [("LR001", "warning")])
    fleet.instruments.build({"version": "1", "backend": "tensorflow", "python": "3"})
    waiting = Story(fleet, replace(make_job(), id="waits"), noon)
    assert waiting.job.state is State.QUEUED
    on_gpu = replace(make_job(), device="GPU-1", prediction=Prediction(6, 8))
    Story(fleet, on_gpu, noon).run().say(replace(epoch(1), device_memory_bytes=7))
    families = {family.name: family for family in fleet.registry.collect()}
    for row in ALL:
        family = families.pop(row.full_name.removesuffix("_total"))
        assert family.type == row.type.value
        assert family.samples, row.name
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(row.labels), row.name
    assert families == {}


def test_rows_follow_the_rules_of_names() -> None:
    assert len({row.full_name for row in ALL}) == len(ALL)
    for row in ALL:
        assert row.full_name.endswith("_total") == (row.type is Type.COUNTER), row.name
        assert not {"job", "instance", "le", "quantile"} & set(row.labels)
        assert row.meaning.endswith(".")
        assert bool(row.buckets) == (row.type is Type.HISTOGRAM)
        if row.unit:
            assert row.unit in row.full_name
    assert not any("job_id" in row.labels for row in FLEET)
    assert all(row.labels[0] == "job_id" for row in PER_JOB)


def test_counters_that_are_known_beforehand_begin_at_zero(fleet: Fleet) -> None:
    assert fleet.value("trainyard_jobs_finished_total", outcome="failed", reason="oom_device") == 0
    assert fleet.value("trainyard_lint_requests_total", result="rejected") == 0
    assert fleet.value("trainyard_jobs", state="running") == 0
    assert not any(name.endswith("_created") for name in fleet.names())


def test_the_first_finding_of_a_known_rule_is_a_step_from_zero(fleet: Fleet) -> None:
    calls = CallCounter(fleet.instruments)
    calls.known([("LR001", "warning")])
    assert fleet.value("trainyard_lint_findings_total", rule="LR001", severity="warning") == 0
    calls.judged("warned", [("LR001", "warning")])
    assert fleet.value("trainyard_lint_findings_total", rule="LR001", severity="warning") == 1


def test_a_job_is_counted_through_its_life(fleet: Fleet, make_job: MakeJob, noon: datetime) -> None:
    story = Story(fleet, make_job(), noon)
    assert fleet.value("trainyard_jobs", state="queued") == 1
    assert fleet.value("trainyard_queue_oldest_submit_timestamp_seconds") == noon.timestamp()
    story.at += timedelta(seconds=7)
    story.run().say(epoch(1), CheckpointSaved(1, "val_loss", 0.5, best=True, artifact="a"), epoch(2), EarlyStopped(2, 1, "val_loss", 1))
    assert fleet.value("trainyard_jobs", state="running") == 1
    assert fleet.value("trainyard_jobs", state="queued") == 0
    assert fleet.value("trainyard_queue_oldest_submit_timestamp_seconds") is None
    story.say(TrainerEnded(State.SUCCEEDED, Reason.EARLY_STOPPED, ""))
    counted = {
        "trainyard_jobs_submitted_total": 1.0,
        "trainyard_epochs_completed_total": 2.0,
        "trainyard_samples_processed_total": 200.0,
        "trainyard_queue_wait_seconds_sum": 7.0,
    }
    assert {name: fleet.value(name) for name in counted} == counted
    assert fleet.value("trainyard_jobs_finished_total", outcome="succeeded", reason="early_stopped") == 1
    assert fleet.value("trainyard_callback_actions_total", action="early_stopped") == 1
    assert all(fleet.value("trainyard_jobs", state=state.value) == 0 for state in State if not state.terminal)


def test_a_job_shows_its_last_epoch(fleet: Fleet, make_job: MakeJob, noon: datetime) -> None:
    Story(fleet, make_job(), noon).run().say(epoch(1), epoch(2, loss=math.nan, val_loss=1.0, accuracy=0.5, **{"Odd Name": 1.0}))
    job = {"job_id": "abcdefgh2345"}
    assert fleet.value("trainyard_job_epoch", **job) == 2
    assert math.isnan(fleet.value("trainyard_job_loss", split="train", **job) or 0)
    assert fleet.value("trainyard_job_loss", split="val", **job) == 1
    assert fleet.value("trainyard_job_metric_value", metric="accuracy", split="train", **job) == 0.5
    assert fleet.value("trainyard_job_nonfinite_epochs_total", **job) == 1
    assert fleet.value("trainyard_job_state", state="running", **job) == 1
    assert "Odd Name" not in generate_latest(fleet.registry).decode()


def test_metrics_of_a_job_are_bounded(fleet: Fleet, make_job: MakeJob, noon: datetime) -> None:
    Story(fleet, make_job(), noon).run().say(epoch(1, **{f"m{index}": 1.0 for index in range(40)}))
    assert sum(name == "trainyard_job_metric_value" for name, _ in fleet.scrape()) == 8


def test_texts_in_labels_are_short_and_printable(fleet: Fleet, make_job: MakeJob, noon: datetime) -> None:
    named = replace(make_job(), summary=replace(make_job().summary, experiment="a\nb\x1b" + "x" * 200))
    Story(fleet, named, noon).run()
    (labels,) = [dict(labels) for name, labels in fleet.scrape() if name == "trainyard_job_info"]
    assert labels["run_name"] == "a b " + "x" * 60


def test_a_finished_job_lingers_and_then_leaves_nothing(fleet: Fleet, make_job: MakeJob, noon: datetime) -> None:
    Story(fleet, make_job(), noon).run().say(epoch(1), TrainerEnded(State.SUCCEEDED, None, ""))
    fleet.now = LINGER_SECONDS - 1
    assert fleet.value("trainyard_job_epoch", job_id="abcdefgh2345") == 1
    fleet.now = LINGER_SECONDS + 1
    assert not any("job_id" in dict(labels) for _, labels in fleet.scrape())


def test_jobs_without_a_place_are_counted_and_running_ones_go_first(make_job: MakeJob, noon: datetime) -> None:
    fleet = Fleet(limit=2)
    for index in range(4):
        story = Story(fleet, replace(make_job(), id=f"job{index}", number=index), noon).run()
        if index == 3:
            story.say(TrainerEnded(State.SUCCEEDED, None, ""))
    shown = {dict(labels)["job_id"] for name, labels in fleet.scrape() if name == "trainyard_job_epoch"}
    assert shown == {"job2", "job1"}
    assert fleet.value("trainyard_jobs_not_exported") == 2
    assert fleet.value("trainyard_exported_jobs_limit") == 2


def test_ten_thousand_short_jobs_leave_series_and_memory_flat(fleet: Fleet, make_job: MakeJob, noon: datetime) -> None:
    blank = make_job()
    for index in range(10_000):
        fleet.now += 1
        Story(fleet, replace(blank, id=f"job{index}"), noon).give(Command.CANCEL).give(Command.CLEAR, Reason.USER)
    assert len(fleet.board._samples) <= LINGER_SECONDS + 2
    assert len(fleet.board._ended) <= LINGER_SECONDS + 2
    assert len(fleet.scrape()) < 2000
    assert fleet.value("trainyard_jobs_finished_total", outcome="cancelled", reason="user") == 10_000


def test_jobs_of_an_earlier_start_are_shown_and_not_counted_again(fleet: Fleet, make_job: MakeJob, noon: datetime) -> None:
    running = journal.move(make_job(), Command.START, noon).job
    fleet.board.seed([running])
    assert fleet.value("trainyard_jobs", state="starting") == 1
    assert fleet.value("trainyard_jobs_submitted_total") == 0
    assert fleet.value("trainyard_job_state", job_id=running.id, state="starting") == 1


def test_a_job_that_goes_on_after_a_pause_counts_its_time_from_there(fleet: Fleet, make_job: MakeJob, noon: datetime) -> None:
    job, queued, running = make_job().id, "trainyard_queue_oldest_submit_timestamp_seconds", "trainyard_job_running_timestamp_seconds"
    story = Story(fleet, make_job(), noon).run().say(epoch(1))
    assert fleet.value(running, job_id=job) == noon.timestamp()
    story.give(Command.PAUSE).give(Command.HOLD)
    assert fleet.value(running, job_id=job) is None
    story.at += timedelta(hours=3)
    story.give(Command.RESUME)
    assert fleet.value(queued) == story.at.timestamp()
    story.at += timedelta(minutes=1)
    story.run().say(epoch(2))
    assert fleet.value(running, job_id=job) == story.at.timestamp()
    assert fleet.value(queued) is None


def test_a_job_of_an_earlier_start_counts_its_time_from_its_last_event(fleet: Fleet, make_job: MakeJob, noon: datetime) -> None:
    fleet.board.seed([replace(make_job(), state=State.RUNNING, updated_at=noon + timedelta(hours=1))])
    assert fleet.value("trainyard_job_running_timestamp_seconds", job_id=make_job().id) == (noon + timedelta(hours=1)).timestamp()


def test_what_a_job_took_is_held_to_what_was_predicted(fleet: Fleet, make_job: MakeJob, noon: datetime) -> None:
    story = Story(fleet, replace(make_job(), prediction=Prediction(100, 300, seconds=10.0)), noon).run()
    story.say(replace(epoch(1), device_memory_bytes=300), replace(epoch(2), device_memory_bytes=100))
    story.at += timedelta(seconds=20)
    story.say(TrainerEnded(State.SUCCEEDED, Reason.COMPLETED, ""))
    assert fleet.value("trainyard_prediction_ratio_sum", kind="memory") == 1.5
    assert fleet.value("trainyard_prediction_ratio_sum", kind="time") == 2.0


def test_a_job_that_was_cut_short_says_nothing_of_the_predicted_time(fleet: Fleet, make_job: MakeJob, noon: datetime) -> None:
    story = Story(fleet, replace(make_job(), prediction=Prediction(seconds=10.0)), noon).run()
    story.say(epoch(1), TrainerEnded(State.SUCCEEDED, Reason.EARLY_STOPPED, ""))
    assert fleet.value("trainyard_prediction_ratio_count", kind="time") == 0
    assert fleet.value("trainyard_prediction_ratio_count", kind="memory") == 0


def test_diagnoses_are_counted_by_name_and_strange_names_together(fleet: Fleet, make_job: MakeJob, noon: datetime) -> None:
    Story(fleet, make_job(), noon).run().say(Diagnosis("plateau", 1, "", 0.5), Diagnosis("x" * 60, 1, "", 0.5))
    assert fleet.value("trainyard_diagnoses_total", diagnosis="plateau") == 1
    assert fleet.value("trainyard_diagnoses_total", diagnosis="other") == 1


def test_every_name_that_a_trainer_can_say_is_counted_under_it(repository: Path) -> None:
    trainer = repository / "service/trainyard/service/trainer"
    said = {name for path in sorted(trainer.rglob("*.py")) for name in _diagnoses_said(path.read_text(encoding="utf-8"))}
    guide = (repository / "docs/guide/resuming.md").read_text(encoding="utf-8")
    listed = guide.split("## What is noticed on the way")[1].split(": each is said")[0]
    assert said == set(DIAGNOSES) - {"other"} == set(re.findall(r"`([a-z-]+)`", listed))


def _diagnoses_said(source: str) -> Iterator[str]:
    """Yield the names of the diagnoses in a module: those that are said, and the keys of the table of findings."""
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    for function in functions:
        inner = list(ast.walk(function))
        calls = [node for node in inner if isinstance(node, ast.Call) and ast.unparse(node.func) == "wire.Diagnosis"]
        named = [call.args[0] for call in calls]
        named += [node.value for node in inner if calls and isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "name"]
        if function.returns is not None and ast.unparse(function.returns) == "dict[str, Finding | None]":
            named += [key for node in inner if isinstance(node, ast.Dict) for key in node.keys if key is not None]
        words = [word for node in named for word in ([node.body, node.orelse] if isinstance(node, ast.IfExp) else [node])]
        yield from (word.value for word in words if isinstance(word, ast.Constant) and isinstance(word.value, str))


def test_no_row_has_more_series_than_the_page_says(fleet: Fleet, make_job: MakeJob, noon: datetime) -> None:
    for reason in Reason:
        story = Story(fleet, make_job(), noon).run()
        if reason.outcome is State.CANCELLED:
            story.give(Command.CANCEL)
        story.say(*(Diagnosis(name, 1, "", 0.5) for name in (*DIAGNOSES, "new", "newer")))
        story.say(CheckpointSaved(1, "val_loss", 0.5, best=True, artifact="a"), EarlyStopped(2, 1, "val_loss", 1))
        story.say(TrainerEnded(reason.outcome, reason, ""))
    metrics = {"loss": 0.5, "val_loss": 0.5} | {f"{part}m{number}": 0.5 for number in range(20) for part in ("", "val_")}
    several = replace(make_job(), id="several", device="GPU-1,GPU-2", prediction=Prediction(6, 8))
    Story(fleet, several, noon).run().say(replace(epoch(1, **metrics), device_memory_bytes=7))
    shown = {family.name: family.samples for family in fleet.registry.collect()}
    for row in ALL:
        series = shown[row.full_name.removesuffix("_total")]
        if row.bound.isdecimal():
            assert len(series) <= int(row.bound), row.name
        elif row in PER_JOB:
            devices = 2 if row.bound == "1/GPU of a job" else 1
            of_one = [sample for sample in series if sample.labels["job_id"] == "several"]
            assert len(of_one) <= devices * int(row.bound.split("/")[0]), row.name


def test_memory_is_shown_beside_what_the_device_has_and_what_was_predicted(fleet: Fleet, make_job: MakeJob, noon: datetime) -> None:
    on_gpu = replace(make_job(), device="GPU-1", prediction=Prediction(6, 8))
    Story(fleet, on_gpu, noon).run().say(replace(epoch(1), device_memory_bytes=7))
    job = {"job_id": "abcdefgh2345"}
    assert fleet.value("trainyard_job_gpu_memory_used_bytes", device="GPU-1", **job) == 7
    assert fleet.value("trainyard_job_gpu_memory_limit_bytes", device="GPU-1", **job) == 80
    assert fleet.value("trainyard_job_predicted_memory_bytes", end="high", **job) == 8


def test_a_job_on_several_gpus_is_shown_on_each_of_them(fleet: Fleet, make_job: MakeJob, noon: datetime) -> None:
    Story(fleet, replace(make_job(), device="GPU-1,GPU-2"), noon).run().say(replace(epoch(1), device_memory_bytes=7))
    used = [fleet.value("trainyard_job_gpu_memory_used_bytes", device=name, job_id="abcdefgh2345") for name in ("GPU-1", "GPU-2")]
    assert used == [7, 7]
    assert fleet.value("trainyard_job_gpu_memory_limit_bytes", device="GPU-1", job_id="abcdefgh2345") == 80


def test_one_series_that_cannot_be_made_costs_no_other(
    fleet: Fleet, make_job: MakeJob, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    Story(fleet, make_job(), noon).run().say(epoch(1))
    monkeypatch.setitem(collector._ROWS, "job_loss", lambda _: 1 / 0)
    assert fleet.value("trainyard_job_epoch", job_id="abcdefgh2345") == 1
    assert fleet.value("trainyard_collect_errors_total") == 2
