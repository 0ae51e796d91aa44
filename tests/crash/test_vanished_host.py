"""A host disappears with its trainer alive, by the real clock: two servers on one PostgreSQL, a shared folder of runs, short limits.

The trainer saves its place and ends after the orphan limit; the other server begins after lease and orphan limit, not before; nobody
ever sees two trainers of the job. A host that comes back finds that the job is not its own any more. The same on a virtual clock, a
thousand times: tests/integration/service/executor/test_two_servers.py.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from sqlalchemy import make_url

from trainyard.service.executor import processes
from trainyard.service.store import open_store
from trainyard.v1 import job_pb2
from trainyard.v1 import training_service_pb2 as pb
from trainyard.v1.training_service_pb2_grpc import TrainingServiceStub

SERVE = Path(__file__).parents[1] / "integration/service/serve_with_fakes.py"
LEASE_SECONDS, ORPHAN_SECONDS = 3.0, 3.0
# What a busy machine may add to a moment that nobody waits for.
BUSY_SECONDS = 20.0
SPEC = {
    "version": "v1",
    "experiment": {"name": "obedient"},
    "task": "classification",
    "dataset": {"type": "csv", "path": "table.csv", "target": "label", "input_shape": [2], "scaling": "standardize"},
    "model": {"type": "mlp", "hidden": [8], "dropout": 0.1},
    "optimizer": {"type": "adam", "learning_rate": 0.001},
    "training": {"epochs": 4, "batch_size": 8},
}


class Host:
    """A server with a home and a boot of its own; store and run folders are shared."""

    def __init__(self, folder: Path, name: str, store: str) -> None:
        self.folder, self.ready, self.log = folder, folder / f"{name}.json", folder / f"{name}.log"
        command = [
            *(sys.executable, str(SERVE), "--home", str(folder / name), "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"),
            *("--data-root", str(folder / "data"), "--runs", str(folder / "runs"), "--slots", "1", "--device", "cpu", "--store", store),
            *("--ready-file", str(self.ready), "--orphan-minutes", str(ORPHAN_SECONDS / 60), "--no-standby"),
        ]
        kept = {key: os.environ[key] for key in ("PATH", "PYTHONPATH", "VIRTUAL_ENV") if key in os.environ}
        user = {"HOME": str(folder), "XDG_STATE_HOME": str(folder / "state"), "MAX_ATTEMPTS": "3"}
        environment = {**kept, **user, "LEASE_SECONDS": str(LEASE_SECONDS), "BOOT_ID": f"boot-of-{name}"}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        until(self.ready.exists, 60.0)
        self._channel = grpc.insecure_channel(json.loads(self.ready.read_text())["listen"])

    def call(self, method: str, request: Any) -> Any:
        token = (self.folder / "state/trainyard/token").read_text().strip()
        return getattr(TrainingServiceStub(self._channel), method)(request, timeout=20, metadata=(("authorization", f"Bearer {token}"),))

    def submit(self, name: str) -> str:
        spec = json.dumps({**SPEC, "experiment": {"name": name}}).encode()
        return str(self.call("CreateJob", pb.CreateJobRequest(spec=spec)).job.id)

    def job(self, job_id: str) -> job_pb2.Job:
        found: job_pb2.Job = self.call("GetJob", pb.GetJobRequest(id=job_id)).job
        return found

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def close(self) -> None:
        self._channel.close()
        self.process.kill()
        self.process.wait()


class Census:
    """Counts the trainers of a run again and again, as nobody on a single host could; keeps when each was seen first and last."""

    def __init__(self, run: Path) -> None:
        self._run = str(run)
        self.seen: dict[int, tuple[float, float]] = {}
        self.most = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._count, daemon=True)
        self._thread.start()

    def now(self) -> list[int]:
        return [found.pid for found in processes.everybody() if self._run in processes.arguments(found.pid)]

    def close(self) -> None:
        self._done.set()
        self._thread.join(10)

    def _count(self) -> None:
        while not self._done.wait(0.02):
            living = self.now()
            self.most = max(self.most, len(living))
            self.seen |= {pid: (self.seen.get(pid, (time.time(), 0.0))[0], time.time()) for pid in living}


def until(condition: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


@pytest.fixture
def start(tmp_path: Path, postgresql_schema: str) -> Iterator[Callable[[str], Host]]:
    (tmp_path / "data").mkdir()
    rows = [f"{index % 7},{index % 5},{'ab'[index % 2]}" for index in range(80)]
    (tmp_path / "data/table.csv").write_text("\n".join(["x,y,label", *rows]) + "\n")
    hosts: list[Host] = []

    def begin(name: str) -> Host:
        hosts.append(Host(tmp_path, name, postgresql_schema))
        return hosts[-1]

    yield begin
    for host in hosts:
        host.close()
    for run in (tmp_path / "runs").glob("*"):
        (run / "go").touch()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["for-good", "for-a-while"])
def test_a_host_that_disappears_with_its_trainer_alive_is_followed_by_another_and_never_doubled(
    start: Callable[[str], Host], tmp_path: Path, postgresql_schema: str, how: signal.Signals
) -> None:
    gone = start("gone")
    job_id = gone.submit("obedient")
    run = tmp_path / "runs" / job_id
    census = Census(run)
    until(lambda: gone.job(job_id).epoch == 1, 30.0)
    here = start("here")
    (first,) = census.now()
    assert census.now() == [first]

    gone.signal(how)
    vanished = time.time()
    until(lambda: census.now() != [first], ORPHAN_SECONDS + BUSY_SECONDS)
    last_sign = (run / "heartbeat").stat().st_mtime
    assert last_sign <= vanished
    assert json.loads((run / "bundle/manifest.json").read_text())["head"]["epoch"] == 1
    assert b"no server was seen" in (run / "events.jsonl").read_bytes()
    until(lambda: here.job(job_id).attempt == 2 and here.job(job_id).state == job_pb2.JOB_STATE_RUNNING, 60.0)
    (second,) = census.now()

    if how is signal.SIGSTOP:
        gone.signal(signal.SIGCONT)
        until(lambda: b"job-lost-to-another-node" in gone.log.read_bytes(), BUSY_SECONDS)
        until(lambda: not Path(f"/proc/{first}").exists(), BUSY_SECONDS)  # not even as a zombie of its
        mine = gone.submit("good")  # it goes on as a server, with a slot that is free again
        until(lambda: gone.job(mine).state == job_pb2.JOB_STATE_SUCCEEDED, 30.0)
        assert census.now() == [second]
    (run / "go").touch()
    until(lambda: here.job(job_id).state == job_pb2.JOB_STATE_SUCCEEDED, 30.0)
    census.close()

    ended, began = census.seen[first][1], census.seen[second][0]
    assert census.most == 1
    assert not (run / "doubled").exists()
    assert ended >= last_sign + ORPHAN_SECONDS - 0.2
    assert began >= last_sign + LEASE_SECONDS + ORPHAN_SECONDS - 0.2
    store = open_store(make_url(postgresql_schema))
    epochs = [event.key for event in store.epochs(job_id, 0, 99)]
    job, events = store.job(job_id), store.events(job_id, 0, 999)
    store.close()
    assert epochs == [f"epoch/0/{number}" for number in range(1, 5)]
    assert [event.seq for event in events] == list(range(1, job.last_seq + 1))
    assert (job.attempt, job.losses) == (2, 0)
    assert b"job-taken-over" in here.log.read_bytes()
