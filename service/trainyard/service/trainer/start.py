"""``python -m trainyard.service.trainer.start``: how the server starts trainers, now or in advance.

With a run folder it trains at once. Without arguments it is a standby: it imports what training needs, waits for one line
on standard input, and is that trainer from then on; when the server goes first, it goes too.

Either way it sets up what must hold with no server at all: the alarm that ends an attempt which takes too long, by the
kernel's hand; the watch that ends one which does not save its place though no server is there, before another server may
take the job over; and the signal that writes every thread's stack into the log.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

from trainyard.service.trainer.speed import programs

WALL, ORPHAN = "TRAINYARD_WALL_SECONDS", "TRAINYARD_ORPHAN_SECONDS"
# From the orphan limit to the end of a trainer that did not end itself: less than a lease, see executor.supervisor.
SAVING_SECONDS = 45.0
_LONGEST_ORDER_BYTES = 1024 * 1024
# What a run imports before its first step, and what it closes with.
_NEEDED_SOON = (
    *("__main__", "environment", "fitting", "judgement", "preparation", "run", "snapshot", "started"),
    *("data.identity", "outcome.closing", "speed.choice"),
)
# The descriptor, not the object: in a standby it becomes the run's log later.
_STDERR = 2


def main(arguments: list[str]) -> NoReturn:
    """Train, or wait until there is something to train."""
    faulthandler.register(signal.SIGUSR1, file=_STDERR, all_threads=True)
    _train(arguments or _wait())


def _train(arguments: list[str]) -> NoReturn:
    limit = os.environ.get(WALL)
    if limit:
        # No handler: the kernel ends the process, whatever it is doing.
        signal.setitimer(signal.ITIMER_REAL, float(limit))
    if os.environ.get(ORPHAN):
        limit_seconds = float(os.environ[ORPHAN]) + SAVING_SECONDS
        threading.Thread(target=_end_when_orphaned, args=(Path(arguments[0]) / "heartbeat", limit_seconds), daemon=True).start()
    from trainyard.service.trainer.__main__ import main as train

    train.main(args=arguments, prog_name="trainer", standalone_mode=True)
    sys.exit(0)


def _end_when_orphaned(heartbeat: Path, limit_seconds: float) -> None:
    """End the process when the heartbeat stands still for too long; time is counted here, whatever the file says."""
    seen, since = _moment(heartbeat), time.monotonic()
    while True:
        time.sleep(min(limit_seconds / 10, 5.0))
        now = _moment(heartbeat)
        if now != seen:
            seen, since = now, time.monotonic()
        elif time.monotonic() - since > limit_seconds:
            os.kill(os.getpid(), signal.SIGKILL)


def _moment(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _wait() -> list[str]:
    """Import what takes long, wait for the order, and take on its surroundings; return the arguments of the trainer."""
    _import_what_takes_long()
    line = sys.stdin.buffer.readline(_LONGEST_ORDER_BYTES)
    if not line.endswith(b"\n"):
        sys.exit(0)  # the server is gone
    order: dict[str, Any] = json.loads(line)
    os.environ.update(order["environment"])
    os.chdir(order["environment"]["HOME"])
    log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    arguments: list[str] = order["arguments"]
    return arguments


def _import_what_takes_long() -> None:
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    # As in a trainer: Keras reads defaults from a file in the user's home, and here it finds no folder.
    os.environ["KERAS_HOME"] = os.devnull
    if os.environ.get("TRAINYARD_CACHE"):
        programs.keep(Path(os.environ["TRAINYARD_CACHE"]))
    for name in (*_NEEDED_SOON, f"speed.on_{os.environ['KERAS_BACKEND']}"):
        importlib.import_module(f"trainyard.service.trainer.{name}")
    if os.environ.get("TRAINYARD_DEVICE") == "cpu":
        from trainyard.service.trainer.speed.waking import wake

        wake()


if __name__ == "__main__":
    main(sys.argv[1:])
