"""``trainyard serve`` as a process of its own in a folder of its own, with trainers that are fakes, and a plain channel to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import grpc

from trainyard.v1 import job_pb2
from trainyard.v1 import training_service_pb2 as pb
from trainyard.v1.training_service_pb2_grpc import TrainingServiceStub

WITH_FAKES = Path(__file__).parent / "serve_with_fakes.py"
SPEC = {
    "version": "v1",
    "task": "classification",
    "dataset": {"type": "csv", "path": "table.csv", "target": "label", "input_shape": [2], "scaling": "standardize"},
    "model": {"type": "mlp", "hidden": [8], "dropout": 0.1},
    "optimizer": {"type": "adam", "learning_rate": 0.001},
    "training": {"epochs": 3, "batch_size": 8},
}


class Program:
    """The program in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home, self.ready = folder / "home", folder / "ready.json"
        self.modules, self.token = folder / "modules.txt", folder / "state" / "trainyard" / "token"
        data = folder / "data"
        data.mkdir()
        rows = [f"{index % 7},{index % 5},{'ab'[index % 2]}" for index in range(80)]
        (data / "table.csv").write_text("\n".join(["x,y,label", *rows]) + "\n")
        self.process: subprocess.Popen[str] | None = None
        self.log: IO[Any] | int = subprocess.PIPE

    def start(self, *more: str, **of: str) -> subprocess.Popen[str]:
        options = {
            "--home": str(self.home),
            "--listen": "127.0.0.1:0",
            "--metrics": "127.0.0.1:0",
            "--data-root": str(self.folder / "data"),
        }
        options |= {"--ready-file": str(self.ready), "--device": "cpu"} | {
            f"--{name.replace('_', '-')}": value for name, value in of.items()
        }
        words = [word for option, value in options.items() if value for word in (option, value)]
        environment = {**os.environ, "XDG_STATE_HOME": str(self.folder / "state"), "MODULES_FILE": str(self.modules)}
        self.process = subprocess.Popen(
            [sys.executable, str(WITH_FAKES), *words, *more], env=environment, stdout=subprocess.PIPE, stderr=self.log, text=True
        )
        return self.process

    def serve(self, *more: str, **of: str) -> dict[str, Any]:
        """Start and wait until it answers."""
        process = self.start(*more, **of)
        deadline = time.monotonic() + 60
        while not self.ready.exists() or json.loads(self.ready.read_text())["pid"] != process.pid:
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline, "it did not start"
            time.sleep(0.01)
        ready: dict[str, Any] = json.loads(self.ready.read_text())
        return ready

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal; return exit code and what was logged."""
        assert self.process is not None
        self.process.send_signal(number)
        _, logged = self.process.communicate(timeout=30)
        return self.process.returncode, logged

    def refused(self, *more: str, **of: str) -> str:
        """Start what can not start; return the one line it says."""
        process = self.start(*more, **of)
        said, logged = process.communicate(timeout=60)
        assert process.returncode == 2, logged
        assert said == ""
        assert "Traceback" not in logged
        return logged

    def client(self) -> Client:
        return Client(json.loads(self.ready.read_text())["listen"], self.token.read_text().strip())


class Client:
    """A channel to a program."""

    def __init__(self, listen: str, token: str) -> None:
        self.channel = grpc.insecure_channel(listen)
        self.stub = TrainingServiceStub(self.channel)
        self.metadata = (("authorization", f"Bearer {token}"),)

    def submit(self, mode: str, **of: Any) -> str:
        spec = json.dumps({**SPEC, "experiment": {"name": mode}}).encode()
        made = self.stub.CreateJob(pb.CreateJobRequest(spec=spec, **of), metadata=self.metadata, timeout=20)
        return made.job.id

    def job(self, job_id: str) -> job_pb2.Job:
        return self.stub.GetJob(pb.GetJobRequest(id=job_id), metadata=self.metadata, timeout=20).job

    def until(self, job_id: str, condition: Callable[[job_pb2.Job], bool], seconds: float = 30.0) -> job_pb2.Job:
        deadline = time.monotonic() + seconds
        while not condition(job := self.job(job_id)):
            assert time.monotonic() < deadline, "waited too long"
            time.sleep(0.02)
        return job

    def events(self, job_id: str, after_seq: int = 0) -> list[Any]:
        stream = self.stub.WatchJob(pb.WatchJobRequest(id=job_id, after_seq=after_seq), metadata=self.metadata, timeout=60)
        return [item.event for item in stream]
