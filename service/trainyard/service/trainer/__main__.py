"""``python -m trainyard.service.trainer RUN_FOLDER --attempt N --data-root DIR``: one attempt at one run, then exit.

Standard output and error are the run's ``trainer.log``, whoever starts the process points them there. Events go to the
run folder. Exit codes: 0 succeeded or paused, 1 failed, 2 usage, 7 cancelled, 143 ended by SIGTERM.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from trainyard.service import wire
from trainyard.service.trainer.device import AUTO, DEVICES
from trainyard.service.trainer.failures import TRAINER_LOST, TerminatedRun
from trainyard.service.trainer.journal import FolderBusyError, Journal
from trainyard.service.trainer.speed import programs

_ENDING = (signal.SIGTERM, signal.SIGINT)
_TERMINATED = 128 + signal.SIGTERM


@click.command()
@click.argument("run_folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--attempt", type=click.IntRange(min=1), default=1, help="Number of this attempt.")
@click.option("--data-root", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path), help="Where datasets lie.")
@click.option(
    "--device",
    type=click.Choice(DEVICES),
    default=AUTO,
    envvar="TRAINYARD_DEVICE",
    help="gpu: fail where there is none; cpu: look at none; auto: take what is there.",
)
@click.option(
    "--orphan-limit",
    "orphan_limit_seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="Save a bundle and end when the folder's heartbeat file stays unchanged for so many seconds.",
)
@click.option(
    "--bundle-every", "bundle_steps", type=click.IntRange(min=1), metavar="STEPS", help="Save a bundle inside epochs too, for long ones."
)
@click.option(
    "--virtual-devices", type=click.IntRange(min=2), metavar="N", help="Let the processor stand in for N GPUs: to try, not to be fast."
)
@click.option(
    "--cache",
    envvar="TRAINYARD_CACHE",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that keeps what trials of speed found and JAX compiled, and samples that memory does not hold.",
)
def main(
    *,
    run_folder: Path,
    attempt: int,
    data_root: Path,
    device: str,
    orphan_limit_seconds: float | None,
    bundle_steps: int | None,
    virtual_devices: int | None,
    cache: Path | None,
) -> NoReturn:
    """Train the resolved spec in RUN_FOLDER; go on from its bundle when it holds one."""
    for number in _ENDING:
        signal.signal(number, _terminate)
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    # Keras reads defaults from a file in the user's home, and writes one where there is none: here it finds no folder.
    os.environ["KERAS_HOME"] = os.devnull
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # Samples that memory does not hold lie there, or else on the disk of the run: a folder for temporary files may be memory.
    os.environ["TRAINYARD_CACHE"] = str((cache or run_folder).absolute())
    if cache is not None:
        programs.keep(cache)
    folder = wire.RunFolder(run_folder)
    try:
        journal = Journal(folder.events, attempt, time.time)
    except FolderBusyError:
        raise click.UsageError(f"another trainer is at work in {run_folder}") from None
    from trainyard.service.trainer.run import Task, failed, run

    try:
        virtual = virtual_devices or 0
        verdict = run(Task(folder, journal, data_root, device, time.monotonic, attempt, virtual, orphan_limit_seconds, bundle_steps, cache))
        _ignore_termination()
    except TerminatedRun as error:
        _ignore_termination()
        verdict = failed(error)
    journal.end(verdict.as_event())
    sys.stderr.write(f"{verdict.outcome} ({verdict.reason}): {verdict.message}\n")
    sys.stdout.flush()
    sys.stderr.flush()
    # Nothing is left to be cleaned up, and a framework's threads can hang in an orderly exit.
    os._exit(_TERMINATED if verdict.reason == TRAINER_LOST else verdict.exit_code)


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise TerminatedRun


def _ignore_termination() -> None:
    """Let the last word be written whole: a second signal must not cut it."""
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    main()
