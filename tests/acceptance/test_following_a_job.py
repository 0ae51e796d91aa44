"""A real job, followed through what happens to servers and terminals."""

from __future__ import annotations

import json
import random
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.conftest import WAIT_SECONDS, Machine, wait_until
from tests.integration.client.cutting import wire

from trainyard.client import Client, Patience
from trainyard.client.connection import LOOPBACK_OPTIONS
from trainyard.client.values.event import EpochFinished, Event

pytestmark = pytest.mark.keras


@pytest.fixture
def store(each_store: str) -> str:
    return each_store


def submit(machine: Machine, callbacks: dict[str, Any] | None = None, **changes: Any) -> str:
    spec = json.loads((machine.examples / "digits/good.trainspec.json").read_text())
    spec["training"].update(changes)
    spec["callbacks"].update(callbacks or {})
    done = machine.run("submit", "-", "--json", stdin=json.dumps(spec))
    assert done.returncode == 0, done.stdout + done.stderr
    job_id: str = json.loads(done.stdout)["id"]
    return job_id


def told(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_watcher_lives_through_a_restart_of_the_server_and_prints_each_epoch_once(machine: Machine) -> None:
    transcript, noise = machine.folder / "watched.jsonl", machine.folder / "noise.txt"
    with machine.serving() as first, transcript.open("wb") as output, noise.open("wb") as complaints:
        job_id = submit(machine, epochs=25)
        watcher = machine.start("watch", job_id, "--progress", "json", stdout=output, stderr=complaints)
        wait_until(lambda: '"epoch": 2' in transcript.read_text())
        assert first.end() == 0
        with machine.serving("--listen", first.listen, "--metrics", first.metrics):
            assert watcher.wait(WAIT_SECONDS) == 0
    lines = told(transcript)
    assert [line["epoch"] for line in lines if line["type"] == "epoch"] == list(range(1, 26))
    assert [line["seq"] for line in lines if "seq" in line] == list(range(1, 1 + sum("seq" in line for line in lines)))
    assert any(line["type"] == "reconnecting" for line in lines)
    assert not noise.read_text()
    assert not machine.processes()


def test_an_interrupted_watch_leaves_the_job_running_and_cancel_ends_it(machine: Machine) -> None:
    transcript = machine.folder / "watched.txt"
    with machine.serving():
        job_id = submit(machine, epochs=1000)
        with transcript.open("wb") as output:
            watcher = machine.start("submit", str(machine.examples / "breast-cancer/good.trainspec.json"), "--watch", stderr=output)
            wait_until(lambda: "queued" in transcript.read_text())
            watcher.send_signal(signal.SIGINT)
            assert watcher.wait(WAIT_SECONDS) == 130
        assert "still running; watch it: trainyard watch" in transcript.read_text()
        wait_until(lambda: json.loads(machine.run("show", job_id, "--json").stdout)["state"] == "running")
        assert machine.run("wait", job_id, "--timeout", "0.5").returncode == 124
        assert machine.run("cancel", job_id[:6], "@").returncode == 0
        waited = machine.run("wait", job_id, "@", "--json")
        assert waited.returncode == 7
        assert [json.loads(line)["state"] for line in waited.stdout.splitlines()] == ["cancelled", "cancelled"]
    assert not machine.processes()


def test_a_table_is_learnt_too_and_the_outcome_has_the_promised_shape(machine: Machine) -> None:
    with machine.serving():
        done = machine.run("submit", str(machine.examples / "breast-cancer/good.trainspec.json"), "--wait", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        job = json.loads(done.stdout)
        assert (job["state"], job["reason"]) in {("succeeded", "completed"), ("succeeded", "early_stopped")}
        assert job["best_metrics"]["val_accuracy"] > 0.9
        files = {artifact["name"]: Path(artifact["path"]) for artifact in job["artifacts"]}
        assert {"best.keras", "history.json", "evaluation.json"} <= set(files)
        epochs = json.loads(files["history.json"].read_text())["epochs"]
        assert [entry["epoch"] for entry in epochs] == list(range(1, job["epoch"] + 1))
        sent = machine.run("show", "@", "--spec")
        assert sent.stdout == (machine.examples / "breast-cancer/good.trainspec.json").read_text()
    assert not machine.processes()


FAST = (
    *(option for option in LOOPBACK_OPTIONS if "reconnect" not in option[0]),
    ("grpc.initial_reconnect_backoff_ms", 1),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 100),
)
CUTS, EPOCHS = 100, 150


@pytest.mark.parametrize("each_store", ["sqlite"], indirect=True)
def test_a_watcher_that_is_cut_a_hundred_times_sees_each_epoch_of_a_real_job_once_and_in_order(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainyard.client.connection.LOOPBACK_OPTIONS", FAST)
    chance = random.Random(7)
    allowances = iter([chance.choice([1, 40, 200, 400]) + chance.randrange(200) for _ in range(CUTS)])
    with machine.serving() as server:
        job_id = submit(machine, epochs=EPOCHS, callbacks={"early_stopping": {"monitor": "val_loss", "patience": EPOCHS - 1}})
        token = (machine.folder / "state/trainyard/token").read_text().strip()
        hasty = Patience(first_ceiling_seconds=0.001, last_ceiling_seconds=0.002)
        with (
            wire(int(server.listen.rpartition(":")[2]), lambda: next(allowances, None)) as line,
            Client(f"127.0.0.1:{line.port}", token=token) as client,
        ):
            events = [told for told in client.watch(job_id, patience=hasty) if isinstance(told, Event)]
    assert line.cuts == CUTS
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert [event.what.epoch for event in events if isinstance(event.what, EpochFinished)] == list(range(1, EPOCHS + 1))
