"""A real server for measurements: the program itself on a fresh home, with trainers that start no Keras, and what is put into it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc

from trainyard.service import wire
from trainyard.service.executor import processes
from trainyard.service.wire import RunFolder
from trainyard.v1 import training_service_pb2 as pb
from trainyard.v1.training_service_pb2_grpc import TrainingServiceStub

ROOT = Path(__file__).parents[2]
SERVE = ROOT / "tests/integration/service/serve_with_fakes.py"
# A trainer that has said its first epoch and then costs nothing: measurements are of the server.
STILL = "still"


class Served:
    """A server program that answers."""

    def __init__(self, folder: Path, slots: int = 1) -> None:
        self.folder, self.home = folder, folder / "home"
        self._ready, self._slots = folder / "ready.json", slots
        (folder / "data").mkdir(exist_ok=True)
        rows = [f"{index % 7},{index % 5},{'ab'[index % 2]}" for index in range(80)]
        (folder / "data" / "table.csv").write_text("\n".join(["x,y,label", *rows]) + "\n")
        self.process: subprocess.Popen[bytes] | None = None
        self.listen, self.metrics = "", ""

    def start(self) -> Served:
        self._ready.unlink(missing_ok=True)
        command = [
            *(sys.executable, str(SERVE), "--home", str(self.home), "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"),
            *("--data-root", str(self.folder / "data"), "--slots", str(self._slots), "--device", "cpu"),
            *("--ready-file", str(self._ready), "--no-standby"),
        ]
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "VIRTUAL_ENV") if name in os.environ}
        environment = {**kept, "HOME": str(self.folder), "XDG_STATE_HOME": str(self.folder / "state"), "FORGET_MEMORY": "1"}
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        deadline = time.monotonic() + 120
        while not self._ready.exists():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError((self.folder / "server.log").read_text()[-2000:])
            time.sleep(0.005)
        told = json.loads(self._ready.read_text())
        self.listen, self.metrics = told["listen"], told["metrics"]
        return self

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        token = (self.folder / "state" / "trainyard" / "token").read_text().strip()
        return (("authorization", f"Bearer {token}"),)

    @property
    def pid(self) -> int:
        if self.process is None:
            raise RuntimeError("not started")
        return self.process.pid

    def run(self, job_id: str) -> RunFolder:
        return RunFolder(self.home / "runs" / job_id)

    def cpu_seconds(self) -> float:
        return cpu_seconds(self.pid)

    def resident_mebibytes(self) -> float:
        pages = int(Path(f"/proc/{self.pid}/statm").read_bytes().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def end_trainers(self) -> None:
        mark = f"{self.home / 'runs'}/"
        for found in list(processes.everybody()):
            if any(one.startswith(mark) for one in processes.arguments(found.pid)):
                with suppress(ProcessLookupError):
                    os.kill(found.pid, signal.SIGKILL)


@contextmanager
def served(slots: int = 1) -> Iterator[Served]:
    with tempfile.TemporaryDirectory(prefix="ty-load-", ignore_cleanup_errors=True) as folder:
        one = Served(Path(folder), slots)
        try:
            yield one.start()
        finally:
            one.kill()
            one.end_trainers()


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process so far, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def spec(name: str, epochs: int = 5, learning_rate: float = 0.001, tags: tuple[str, ...] = ()) -> bytes:
    """A small spec; ``name`` tells the fake trainer what to do."""
    return json.dumps(
        {
            "version": "v1",
            "experiment": {"name": name, **({"tags": list(tags)} if tags else {})},
            "task": "classification",
            "dataset": {"type": "csv", "path": "table.csv", "target": "label", "input_shape": [2], "scaling": "standardize"},
            "model": {"type": "mlp", "hidden": [8], "dropout": 0.1},
            "optimizer": {"type": "adam", "learning_rate": learning_rate},
            "training": {"epochs": epochs, "batch_size": 8},
        }
    ).encode()


def epoch(number: int, at: float) -> bytes:
    """A line of a spool that tells of an epoch."""
    body = wire.EpochFinished(number, 100_000, {"loss": 0.5, "val_loss": 0.6, "accuracy": 0.7, "val_accuracy": 0.6}, 0.001, 1.0, 99.0)
    return wire.encode(wire.Line(1, at, body))


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def milliseconds(seconds: float) -> float:
    return round(1000 * seconds, 2)


async def finish_one(server: Served) -> None:
    async with grpc.aio.insecure_channel(server.listen) as channel:
        stub: Any = TrainingServiceStub(channel)
        job_id = (await stub.CreateJob(pb.CreateJobRequest(spec=spec("good")), timeout=30, metadata=server.metadata)).job.id
        async for _ in stub.WatchJob(pb.WatchJobRequest(id=job_id), metadata=server.metadata):
            pass


def fill(server: Served, count: int) -> None:
    """Put finished jobs into the store by copying one as often as wanted, each with a name of its own; no server runs meanwhile."""
    connection = sqlite3.connect(server.home / "jobs.sqlite")
    names = [row[1] for row in connection.execute("PRAGMA table_info(job)") if row[1] not in {"number", "id", "request_id", "experiment"}]
    (source,) = connection.execute("SELECT id FROM job WHERE state = 'succeeded' LIMIT 1").fetchone()
    columns = ", ".join(names)
    with connection:
        connection.executemany(
            f"INSERT INTO job (id, request_id, experiment, {columns}) SELECT ?, NULL, ?, {columns} FROM job WHERE id = ?",  # noqa: S608 - columns
            ((f"filled{number:010d}", f"sweep of rates, run {number:06d}", source) for number in range(count)),
        )
        connection.execute("INSERT INTO job_tag SELECT 'sweep', number, owner FROM job WHERE id LIKE 'filled%'")
        connection.execute("INSERT INTO job_tag SELECT 'rare', number, owner FROM job WHERE id LIKE 'filled%' AND number % 1000 = 7")
        for seq in range(1, 6):
            connection.execute(
                "INSERT INTO event (job_id, seq, attempt, key, kind, at, body) "
                "SELECT j.id, ?, e.attempt, e.key, e.kind, e.at, e.body FROM job j, event e "
                "WHERE j.id LIKE 'filled%' AND e.job_id = ? AND e.seq = ?",
                (seq, source, seq),
            )
    connection.close()
