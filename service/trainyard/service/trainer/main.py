"""``trainyard train FILE --run DIR``: lint, then train on this machine, without a server.

The trainer runs in a process of its own, as under a server, and writes the same folder. This command only reads its
events: epochs go to standard error as they end, the outcome to standard output.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click

from trainyard.linter import lint
from trainyard.linter.cli.exits import FINDINGS, OK, Refusal
from trainyard.linter.engine.report import Report
from trainyard.service import wire
from trainyard.service.trainer.following import Follower, line_for_people

_FACTS_SECONDS = 10.0
_POLL_SECONDS = 0.1
_GRACE_SECONDS = 10.0
_CANCELLED_CODE = 7


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--run", "run_path", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder of the run; made new.")
@click.option(
    "--data-root", default=".", show_default=True, type=click.Path(exists=True, file_okay=False, path_type=Path), help="Where datasets lie."
)
@click.option("--resume", is_flag=True, help="Not yet: a run that was interrupted is started anew.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as one JSON object.")
def train(file: Path, run_path: Path, data_root: Path, *, resume: bool, as_json: bool) -> int:
    """Train the spec in FILE on this machine, when the linter lets it pass."""
    if resume:
        raise Refusal("--resume: runs can not be resumed yet; start anew in another folder")
    raw = _read(file)
    report = _lint(raw, data_root)
    if not report.passed:
        _show(file, report)
        return FINDINGS
    folder = _make_folder(run_path, file, raw, report)
    ended = _supervise(folder, data_root)
    _tell(ended, folder, as_json=as_json)
    return {wire.SUCCEEDED: OK, wire.CANCELLED: _CANCELLED_CODE}.get(ended.outcome, FINDINGS)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Refusal(f"cannot read {file}: {error.strerror}") from None


def _lint(raw: bytes, data_root: Path) -> Report:
    """Judge the spec, with what lies under the data root where the spec says where."""
    from trainyard.linter import facts

    report = lint(raw)
    if report.spec is None:
        return report
    return lint(raw, facts=facts.read(report.spec.dataset, data_root, _FACTS_SECONDS))


def _show(file: Path, report: Report) -> None:
    from trainyard.linter.cli.outputs import palette
    from trainyard.linter.report.full import FullReporter

    reporter = FullReporter(sys.stderr, palette(sys.stderr, "auto"))
    reporter.file(str(file), report)
    reporter.close()


def _make_folder(path: Path, file: Path, raw: bytes, report: Report) -> wire.RunFolder:
    folder = wire.RunFolder(path)
    try:
        if path.is_dir() and any(path.iterdir()):
            holds = "a run" if folder.events.exists() else "files"
            raise Refusal(f"{path} already holds {holds}; name another folder")
        path.mkdir(parents=True, exist_ok=True)
        folder.spec.write_bytes(raw)
        folder.resolved.write_text(json.dumps(report.resolved, indent=1) + "\n", encoding="utf-8")
        folder.lint.write_text(json.dumps(report.to_json(str(file)), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise Refusal(f"cannot write to {path}: {error.strerror}") from None
    return folder


def _supervise(folder: wire.RunFolder, data_root: Path) -> wire.Ended:
    """Run the trainer to its end and show its epochs; Ctrl-C ends it in good order."""
    command = [sys.executable, "-P", "-m", "trainyard.service.trainer", str(folder.path), "--data-root", str(data_root)]
    with folder.log.open("wb") as log:
        # A session of its own: Ctrl-C reaches this command, and this command ends the trainer.
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    follower = Follower(folder.events)
    signal.signal(signal.SIGTERM, _leave)
    try:
        while process.poll() is None:
            _print_lines(follower)
            time.sleep(_POLL_SECONDS)
        _print_lines(follower)
    except BaseException:
        _end(process)
        raise
    return follower.ended or wire.Ended(wire.FAILED, "trainer_lost", f"The trainer ended without a word; {folder.log} says more.")


def _leave(_signal: int, _frame: FrameType | None) -> NoReturn:
    """Turn SIGTERM into an exception, so that the trainer does not outlive the command that started it."""
    raise SystemExit(128 + signal.SIGTERM)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _print_lines(follower: Follower) -> None:
    for body in follower.read():
        line = line_for_people(body)
        if line:
            click.echo(line, err=True)


def _tell(ended: wire.Ended, folder: wire.RunFolder, *, as_json: bool) -> None:
    if as_json:
        record = {"outcome": ended.outcome, "reason": ended.reason, "message": ended.message, "run": str(folder.path)}
        click.echo(json.dumps(record))
        return
    click.echo(f"{ended.outcome} ({ended.reason}): {ended.message}")
    if ended.outcome == wire.SUCCEEDED:
        click.echo(f"The model: {folder.artifacts / 'best.keras'}")
