"""The server's hand in a run folder: what a trainer starts from, what it is asked, what is cut short and cleared away.

Every file is written whole or not at all, and nothing here follows a link out of the folder.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path

from trainyard.service.core.jobs import Documents, TrainerProcess
from trainyard.service.wire import RunFolder

# What is kept of a log that was cut: its end tells more than its middle.
_KEPT_SHARE = 4
_CUT = b"\n[... cut here: the log had grown too long ...]\n"
_REMOVED = ".deleted"


def prepare(run: RunFolder, documents: Documents, report: str) -> None:
    """Write what a trainer starts from; safe to do again. Raises OSError."""
    run.artifacts.mkdir(mode=0o700, parents=True, exist_ok=True)
    _replace(run.spec, documents.source)
    _replace(run.resolved, documents.resolved.encode())
    _replace(run.lint, report.encode())
    run.control.unlink(missing_ok=True)
    run.events.touch(mode=0o600)
    _end_last_line(run.events)
    beat(run)


def ask(run: RunFolder, word: str) -> None:
    """Leave a word in the control file. Raises OSError."""
    if run.path.is_dir():
        _replace(run.control, word.encode() + b"\n")


def beat(run: RunFolder) -> None:
    """Show the trainer that somebody looks after it; says nothing when that can not be done."""
    with suppress(OSError):
        run.heartbeat.touch(mode=0o600)


def note_process(run: RunFolder, attempt: int, process: TrainerProcess) -> None:
    """Write down who is about to be given the run, before it is: a server that dies in between must not give it twice."""
    _replace(_process_file(run), json.dumps([attempt, process.boot_id, process.pid, process.start_ticks]).encode())


def noted_process(run: RunFolder, attempt: int, host: str) -> TrainerProcess | None:
    """Return who was given this attempt, if anybody was noted."""
    try:
        noted, boot_id, pid, start_ticks = json.loads(_process_file(run).read_bytes())
    except (OSError, ValueError, TypeError):
        return None
    return TrainerProcess(host, str(boot_id), int(pid), int(start_ticks)) if noted == attempt else None


def cap_log(path: Path, most_bytes: int) -> None:
    """Cut a log that has grown too long: its end is kept. Who writes to it appends, and goes on at the new end."""
    with suppress(OSError):
        if path.stat().st_size <= most_bytes or path.is_symlink():
            return
        with path.open("r+b") as log:
            log.seek(-(most_bytes // _KEPT_SHARE), os.SEEK_END)
            tail = _CUT + log.read()
            log.seek(0)
            log.write(tail)
            log.truncate()


def drop_bundle(run: RunFolder) -> None:
    """Remove what a cancelled run would have resumed from."""
    shutil.rmtree(run.bundle, ignore_errors=True)


def take_away(run: RunFolder) -> Path | None:
    """Put a run folder aside so that nobody finds it; the path is for :func:`destroy`. None when there is none. Raises OSError."""
    aside = run.path.with_name(run.path.name + _REMOVED)
    try:
        run.path.rename(aside)
    except FileNotFoundError:
        return None
    return aside


def put_back(aside: Path) -> None:
    """Undo :func:`take_away`."""
    aside.rename(aside.with_name(aside.name.removesuffix(_REMOVED)))


def destroy(aside: Path) -> None:
    """Remove a run folder that was put aside."""
    shutil.rmtree(aside, ignore_errors=True)


def put_aside(runs: Path) -> list[tuple[str, Path]]:
    """List what was put aside and never destroyed: the job's id and the path."""
    return [(found.name.removesuffix(_REMOVED), found) for found in runs.glob(f"*{_REMOVED}")]


def _process_file(run: RunFolder) -> Path:
    return run.path / "process.json"


def _end_last_line(spool: Path) -> None:
    """Close the half line of a trainer that was killed while it wrote: the next one must not write on in it."""
    with suppress(FileNotFoundError), spool.open("r+b") as file:
        if file.seek(0, os.SEEK_END) and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n":
            file.write(b"\n")


def _replace(path: Path, content: bytes) -> None:
    """Put ``content`` into ``path`` so that no reader ever sees a part of it, and a power cut loses none."""
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
