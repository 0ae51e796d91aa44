"""From an acknowledged job to its first step, with a warm standby: at most a second more than a bare script takes to its own.

A real server, real Keras, the digits of the examples; caches are warm, since the same spec was trained before. Scripts and jobs
take turns. A trainer shows its progress for the first time after its first step: that is when the clock stops.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image
from tests.bench.conftest import HERE, ROOT, TRAINERS, Bench

from trainyard.client import Client
from trainyard.linter import spec as language
from trainyard.service import wire

MOST_SECONDS_MORE = 1.0
ROUNDS = 7
WAIT_SECONDS = 180.0
# A standby that has used no processor for so long has imported everything.
_IDLE_SECONDS = 1.5
ENVIRONMENT = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}


@dataclass(frozen=True)
class Served:
    """A server with one slot, and its process."""

    client: Client
    home: Path
    process: subprocess.Popen[bytes]

    def standby(self) -> psutil.Process | None:
        children = psutil.Process(self.process.pid).children()
        return next((child for child in children if child.cmdline()[-1:] == ["trainyard.service.trainer.start"]), None)


def until(true: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + WAIT_SECONDS
    while not (found := true()):
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.002)
    return found


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    ready, home = folder / "ready.json", folder / "home"
    places = ["--home", str(home), "--data-root", str(ROOT / "examples"), "--ready-file", str(ready), "--slots", "1", "--device", "cpu"]
    command = [sys.executable, "-m", "trainyard.client.main", "serve", *places, "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]
    environment = {**ENVIRONMENT, "XDG_STATE_HOME": str(folder / "state"), "XDG_CACHE_HOME": str(folder / "cache"), "HOME": str(folder)}
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        until(ready.exists)
        token = next(folder.rglob("*token*")).read_text(encoding="utf-8").strip()
        with Client(json.loads(ready.read_text(encoding="utf-8"))["listen"], token=token) as client:
            yield Served(client, home, process)
    finally:
        process.terminate()
        process.wait(60)


def warm(served: Served) -> None:
    """Wait for a standby that has nothing left to import."""
    seen, since = (0, 0.0), time.monotonic()

    def idle() -> bool:
        nonlocal seen, since
        standby = served.standby()
        now = (0, 0.0) if standby is None else (standby.pid, sum(standby.cpu_times()[:2]))
        if now != seen:
            seen, since = now, time.monotonic()
        return standby is not None and now[1] > 1.0 and time.monotonic() - since > _IDLE_SECONDS

    until(idle)


def job_seconds(served: Served, source: bytes) -> dict[str, float]:
    """Submit a job and return the seconds from its acknowledgement to the start of the trainer's work, and to its first step."""
    warm(served)
    job = served.client.create_job(source).job
    acknowledged = time.time()
    run = wire.RunFolder(served.home / "runs" / job.id)
    until(run.progress.exists)
    first_step = time.time()
    started = next(line.at for line in map(wire.decode, run.events.read_bytes().splitlines()) if isinstance(line.body, wire.Started))
    served.client.cancel_job(job.id)
    until(lambda: served.client.get_job(job.id).state.value in {"cancelled", "succeeded", "failed"})
    assert served.client.get_job(job.id).state.value != "failed"
    return {"started": started - acknowledged, "first_step": first_step - acknowledged}


def script_seconds(resolved: Path, arrays: Path) -> float:
    command = [sys.executable, str(HERE / "bare_first_step.py"), str(resolved), str(arrays)]
    return float(subprocess.run(command, env=ENVIRONMENT, check=True, capture_output=True, text=True).stdout.split()[-1])


@pytest.mark.timeout(1800)
def test_the_first_step_of_a_job_comes_at_most_a_second_after_that_of_a_bare_script(bench: Bench, tmp_path: Path) -> None:
    if not bench.full:
        pytest.skip("minutes of training: with --run-bench")
    source = (ROOT / "examples/digits/good.trainspec.json").read_bytes()
    resolved, arrays = tmp_path / "resolved.json", tmp_path / "digits.npz"
    resolved.write_text(json.dumps(language.resolve(json.loads(source))), encoding="utf-8")
    files = sorted((ROOT / "examples/digits/images").glob("*/*"))
    pixels = np.stack([np.asarray(Image.open(path))[..., np.newaxis] for path in files])
    np.savez(arrays, x=pixels, y=[int(path.parent.name) for path in files])
    bare, ours = [], []
    with serving(tmp_path) as served:
        job_seconds(served, source)  # fills the caches
        for _ in range(ROUNDS):
            bare.append(script_seconds(resolved, arrays))
            ours.append(job_seconds(served, source))
    more = statistics.median(job["first_step"] - script for job, script in zip(ours, bare, strict=True))
    bench.keep(
        "standby",
        {
            "rounds": ROUNDS,
            "bare_seconds": round(statistics.median(bare), 2),
            "job_seconds": round(statistics.median(job["first_step"] for job in ours), 2),
            "until_it_starts_seconds": round(statistics.median(job["started"] for job in ours), 2),
            "more_seconds": round(more, 2),
            "least_more_seconds": round(min(job["first_step"] for job in ours) - min(bare), 2),
        },
        TRAINERS,
    )
    assert more <= MOST_SECONDS_MORE
