"""A trainer that takes few steps at a time and kills itself, by SIGKILL, at a named moment.

    python mortal_trainer.py MOMENT RUN_FOLDER --attempt N --data-root DIR ...

Moments: ``never``; ``step:E:S`` after step S of epoch E; ``epoch:E`` when epoch E's event is written and nothing else;
``bundle:N`` while the Nth bundle is on its way to the disk, its arrays written and its manifest not.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from trainyard.service import wire
from trainyard.service.trainer import journal
from trainyard.service.trainer.bundle import files


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _at_epoch(wanted: int) -> None:
    append = journal.Journal.append

    def dying(self: journal.Journal, body: wire.Body) -> None:
        append(self, body)
        if isinstance(body, wire.EpochFinished) and body.epoch == wanted:
            _die()

    journal.Journal.append = dying  # type: ignore[method-assign]


def _at_bundle(wanted: int) -> None:
    write, seen = files._write_whole, iter(range(1, wanted + 1))

    def dying(path: Path, content: bytes) -> None:
        if next(seen) == wanted:
            path.with_name(path.name + ".part").write_bytes(content[: len(content) // 2])
            _die()
        write(path, content)

    files._write_whole = dying


def _at_step(epoch: int, step: int) -> None:
    from trainyard.service.trainer.fitting import Fitting

    look = Fitting.look

    def dying(self: Fitting, at: int, metrics: Any) -> None:
        look(self, at, metrics)
        if self._loop.position.epoch + 1 == epoch and at >= step:
            self._keeper.flush()
            _die()

    Fitting.look = dying  # type: ignore[method-assign,assignment]


def _take_few_steps() -> None:
    from trainyard.service.trainer.speed.pace import Pace

    Pace.count = lambda _self, left: min(2, left)  # type: ignore[method-assign,assignment]


def main() -> None:
    kind, *numbers = sys.argv.pop(1).split(":")
    from trainyard.service.trainer.__main__ import main as trainer

    if kind == "epoch":
        _at_epoch(int(numbers[0]))
    elif kind == "bundle":
        _at_bundle(int(numbers[0]))
    elif kind == "step":
        _at_step(*map(int, numbers))
    _take_few_steps()
    trainer()


if __name__ == "__main__":
    main()
