"""A trainer without Keras: does as its mode says. Run as a script: ``fake_trainer.py RUN --attempt N MODE``.

A file named ``go`` in the run folder is what the modes that wait are waiting for; ``still`` looks for nothing, and costs nothing.
``obedient`` and ``steady`` do what a real
trainer does between its epochs: keep a bundle, go on from it, and obey the control file; their results depend on nothing but
the epoch, so that a run which was killed and resumed can be told from one that was not.
"""

from __future__ import annotations

import faulthandler
import fcntl
import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from trainyard.service import wire
from trainyard.service.wire import RunFolder

EPOCHS = 3
Say = Callable[[wire.Body], None]


def save_place(run: RunFolder, epoch: int, attempt: int) -> None:
    """Write the manifest as a trainer does: whole, and last."""
    run.bundle.mkdir(exist_ok=True)
    temporary = run.bundle / "manifest.part"
    head = {"epoch": epoch, "step": 0, "rollback": 0, "attempt": attempt, "spec_digest": ""}
    temporary.write_text(json.dumps({"head": head}))
    temporary.replace(run.bundle_manifest)


def artifact(run: RunFolder, say: Say, content: bytes) -> None:
    run.artifacts.joinpath("best.keras").write_bytes(content)
    say(wire.ArtifactWritten("best.keras", "model", len(content), hashlib.sha256(content).hexdigest()))


def alone(run: RunFolder) -> None:
    """Leave a mark when another trainer of the same run is alive: that must never be."""
    lock = os.open(run.path / "only-one", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        (run.path / "doubled").write_text(str(os.getpid()))


def unseen(run: RunFolder, since: list[float]) -> bool:
    """Tell whether no server has been seen for too long."""
    limit, moment = float(os.environ.get("TRAINYARD_ORPHAN_SECONDS", "inf")), run.heartbeat.stat().st_mtime
    if since[1:] != [moment]:
        since[:] = [time.monotonic(), moment]
    return time.monotonic() - since[0] > limit


def like_a_trainer(run: RunFolder, attempt: int, say: Say, *, wait: bool) -> None:
    """Train as many epochs as the spec says, from where the bundle stands."""
    epochs = json.loads(run.resolved.read_text())["training"]["epochs"]
    alone(run)
    since: list[float] = []
    head = wire.read_bundle_head(run)
    first = head.epoch + 1 if head else 1
    say(wire.Started("fake", "0", "cpu", 1, 10, 2, 2, 1, epochs, ("a",), (1.0,), resumed_epoch=first - 1))
    for number in range(first, epochs + 1):
        say(wire.EpochFinished(number, epochs, {"loss": 1 / number, "val_loss": 2 / number}, 0.001, 0.01, 50.0))
        say(wire.CheckpointSaved(number, "val_loss", 2 / number, best=True, artifact="best.keras"))
        if wait or number % 2 == 0:  # who is killed after an odd one runs it again
            save_place(run, number, attempt)
        until = time.monotonic() + (120 if wait else float(os.environ.get("FAKE_EPOCH_SECONDS", "0.02")))
        while time.monotonic() < until and not (wait and (run.path / "go").exists()):
            word = run.control.read_text().strip() if run.control.exists() else ""
            if word == wire.PAUSE:
                artifact(run, say, b"weights of %d" % number)
                say(wire.Ended("paused", wire.ASKED, f"paused after epoch {number}"))
                return
            if word == wire.STOP:
                artifact(run, say, b"weights of %d" % number)
                say(wire.Ended("succeeded", "stopped", f"stopped after epoch {number}"))
                return
            if unseen(run, since):
                say(wire.Ended("paused", wire.ORPHANED, f"no server was seen: paused after epoch {number}"))
                return
            time.sleep(0.005)
    artifact(run, say, b"weights of %d" % epochs)
    say(wire.Ended("succeeded", "completed", "all epochs"))


def prepare(mode: str) -> None:
    if mode == "frozen":
        faulthandler.register(signal.SIGUSR1, all_threads=True)
    if mode == "chatter":
        print("x" * 400_000, flush=True)
        print("the last words", flush=True)
    if mode == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def main() -> None:
    run, attempt, mode = RunFolder(Path(sys.argv[1])), int(sys.argv[3]), sys.argv[4]
    spool = os.open(run.events, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def say(body: wire.Body) -> None:
        os.write(spool, wire.encode(wire.Line(attempt, time.time(), body)))

    def epoch(number: int) -> None:
        say(wire.EpochFinished(number, EPOCHS, {"loss": 1 / number, "val_loss": 2 / number}, 0.001, 0.1, 50.0))

    def wait_for_go() -> None:
        deadline = time.monotonic() + 120
        while not (run.path / "go").exists() and time.monotonic() < deadline:
            time.sleep(0.01)

    if mode.startswith(("obedient", "steady")):
        like_a_trainer(run, attempt, say, wait=mode.startswith("obedient"))
        return
    prepare(mode)
    if mode == "early":
        print("no such thing", flush=True)
        sys.exit(3)
    if mode in {"stubborn", "orphan"} and os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        (run.path / "grandchild").write_text(str(os.getpid()))
        time.sleep(120)
    say(wire.Started("fake", "0", "cpu", 1, 10, 2, 2, 1, EPOCHS, ("a",), (1.0,)))
    epoch(1)
    if mode == "silent":
        os.write(spool, b'{"v":1,"attempt":1,"ki')
        return
    if mode == "still":
        time.sleep(1200)
    if mode in {"hold", "stubborn", "frozen", "chatter"}:
        wait_for_go()
    if mode == "flood":
        os.write(spool, b"x" * 200_000 + b"\n" + b"\n".join([b"junk"] * 1000) + b"\n")
        for number in range(2000):
            say(wire.Diagnosis("noise", number, "n" * 100, 0.1))
    for number in range(2, EPOCHS + 1):
        epoch(number)
    say(wire.CheckpointSaved(EPOCHS, "val_loss", 2 / EPOCHS, best=True, artifact="best.keras"))
    run.artifacts.joinpath("best.keras").write_bytes(b"weights")
    say(wire.ArtifactWritten("best.keras", "model", 7, "ab" * 32))
    if mode == "fail":
        say(wire.Ended("failed", "data", "the images are gone"))
        sys.exit(1)
    say(wire.Ended("succeeded", "completed", "all epochs"))
    if mode == "linger":
        time.sleep(120)


if __name__ == "__main__":
    main()
