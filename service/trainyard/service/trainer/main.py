"""``trainyard train FILE --run DIR``: lint, then train on this machine, without a server.

The trainer runs in a process of its own, as under a server, and writes the same folder. This command only reads its
events: epochs go to standard error as they end, the outcome to standard output. A run that was interrupted is gone on from
with ``--resume``: same spec, same folder.
"""

from __future__ import annotations

import json
import os
import shlex
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import platformdirs

from trainyard.linter import lint
from trainyard.linter.cli.exits import FINDINGS, OK, Refusal
from trainyard.linter.engine.report import Report
from trainyard.linter.spec.naming import run_name
from trainyard.service import wire
from trainyard.service.capability import untrainable
from trainyard.service.trainer import sameness
from trainyard.service.trainer.alone import Alone, last_attempt
from trainyard.service.trainer.device import AUTO, DEVICES
from trainyard.service.trainer.following import line_for_people

_FACTS_SECONDS = 10.0
_CANCELLED_CODE = 7
_SIGNALLED = 128
_BACKENDS = ("tensorflow", "jax")
# A run that ended so would end so again.
_FINAL = frozenset({"spec", "nonfinite_loss", "diverged"})


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--run", "run_path", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder of the run; made new.")
@click.option(
    "--data-root", default=".", show_default=True, type=click.Path(exists=True, file_okay=False, path_type=Path), help="Where datasets lie."
)
@click.option("--resume", is_flag=True, help="Go on with the run in the folder, from its bundle.")
@click.option("--device", type=click.Choice(DEVICES), default=AUTO, show_default=True, help="gpu: fail where there is none; cpu: use none.")
@click.option("--bundle-every", metavar="STEPS", type=click.IntRange(min=1), help="Save a bundle inside epochs too, for long ones.")
@click.option(
    "--virtual-devices",
    metavar="N",
    type=click.IntRange(min=2),
    help="Let the processor stand in for N GPUs, to try a spec that asks for them.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as one JSON object.")
def train(
    *,
    file: Path,
    run_path: Path,
    data_root: Path,
    resume: bool,
    device: str,
    bundle_every: int | None,
    virtual_devices: int | None,
    as_json: bool,
) -> int:
    """Train the spec in FILE on this machine, when the linter lets it pass."""
    raw = _read(file)
    _check_backend(os.environ.get("KERAS_BACKEND") or _BACKENDS[0])
    report = _lint(raw, data_root)
    if not report.passed:
        _show(file, report)
        return FINDINGS
    if _show_gaps(file, report):
        return FINDINGS
    folder = wire.RunFolder(run_path)
    attempt = _take_up(folder, report, file) if resume else _make(folder, file, raw, report)
    options = ["--attempt", str(attempt), "--data-root", str(data_root), "--device", device]
    options += ["--cache", os.environ.get("TRAINYARD_CACHE") or platformdirs.user_cache_dir("trainyard", appauthor=False)]
    options += ["--bundle-every", str(bundle_every)] if bundle_every else []
    options += ["--virtual-devices", str(virtual_devices)] if virtual_devices else []
    alone = Alone(folder, options, lambda line: click.echo(line, err=True))
    ended = alone.run(_print)
    _tell(ended, folder, as_json=as_json)
    if ended.outcome != wire.SUCCEEDED and ended.reason not in _FINAL and folder.bundle_manifest.exists():
        again = ["trainyard", "train", str(file), "--run", str(run_path), "--data-root", str(data_root), "--resume"]
        again += ["--device", device] if device != AUTO else []
        again += ["--virtual-devices", str(virtual_devices)] if virtual_devices else []
        click.echo(f"go on with: {shlex.join(again)}", err=True)
    if alone.interrupted is not None and ended.outcome != wire.SUCCEEDED:
        return _SIGNALLED + alone.interrupted
    return {wire.SUCCEEDED: OK, wire.CANCELLED: _CANCELLED_CODE}.get(ended.outcome, FINDINGS)


def _check_backend(backend: str) -> None:
    """Refuse what Keras would be asked to run on, where the trainer does not know it or it is not installed."""
    if backend not in _BACKENDS:
        raise Refusal(f"KERAS_BACKEND is {backend}; the trainer runs on {' or '.join(_BACKENDS)}")
    if find_spec(backend) is None:
        extra = "jax" if backend == "jax" else "service"
        raise Refusal(f"KERAS_BACKEND is {backend}, which is not installed here: pip install 'trainyard[{extra}]'")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Refusal(f"cannot read {file}: {error.strerror}") from None


def _lint(raw: bytes, data_root: Path) -> Report:
    """Judge the spec, with what lies under the data root where the spec says where."""
    from trainyard.linter import facts

    report = lint(raw)
    if report.readable is None:
        return report
    return lint(raw, facts=facts.read(report.readable.dataset, data_root, _FACTS_SECONDS))


def _show_gaps(file: Path, report: Report) -> bool:
    """Show what the linter passes and nobody can train, as the server's gate does; tell whether there is any."""
    gaps = () if report.spec is None else untrainable(report.spec)
    for pointer, message in gaps:
        start, _ = report.document.span(pointer)
        click.echo(f"{file}:{start.line}:{start.column}: error: {pointer} can not be trained: {message}", err=True)
    return bool(gaps)


def _show(file: Path, report: Report) -> None:
    import sys

    from trainyard.linter.cli.outputs import palette
    from trainyard.linter.report.full import FullReporter

    reporter = FullReporter(sys.stderr, palette(sys.stderr, "auto"))
    reporter.file(str(file), report)
    reporter.close()


def _make(folder: wire.RunFolder, file: Path, raw: bytes, report: Report) -> int:
    """Write a new run folder and return the number of its first attempt."""
    path = folder.path
    try:
        if path.is_dir() and any(path.iterdir()):
            if folder.resolved.exists():
                how = "go on with it by --resume (a failed one too, once its cause is mended)"
                raise Refusal(f"{path} already holds a run; {how}, or name another folder")
            raise Refusal(f"{path} already holds files; name another folder")
        path.mkdir(parents=True, exist_ok=True)
        folder.spec.write_bytes(raw)
        folder.resolved.write_text(json.dumps(_named(report), indent=1) + "\n", encoding="utf-8")
        folder.lint.write_text(json.dumps(report.to_json(str(file)), indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise Refusal(f"cannot write to {path}: {error.strerror}") from None
    return 1


def _named(report: Report) -> dict[str, Any]:
    """Return the resolved spec, the template of its name filled in."""
    resolved: dict[str, Any] = dict(report.resolved or {})
    if report.spec is not None:
        name = run_name(report.spec, datetime.now(UTC))
        resolved["experiment"] = {**resolved["experiment"], "name": name}
    return resolved


def _take_up(folder: wire.RunFolder, report: Report, file: Path) -> int:
    """Hold the spec against the run in the folder, and return the number of the next attempt."""
    path = folder.path
    try:
        before = json.loads(folder.resolved.read_bytes())
    except FileNotFoundError:
        raise Refusal(f"{path} holds no run to go on with; leave --resume out to begin one") from None
    except (OSError, ValueError):
        raise Refusal(f"{path} holds no run to go on with: {folder.resolved.name} can not be read") from None
    if not isinstance(before, dict):
        raise Refusal(f"{path} holds no run to go on with: {folder.resolved.name} is no spec")
    changed = sameness.changes(before, dict(report.resolved or {}))
    if changed:
        raise Refusal(f"{file} is not the spec of the run in {path}: {changed}; begin a run of its own in another folder")
    attempt, ended = last_attempt(folder.events)
    if ended is not None and ended.outcome == wire.SUCCEEDED:
        raise Refusal(f"the run in {path} is done: {ended.message}")
    return attempt + 1


def _print(body: wire.Body) -> None:
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
    if ended.outcome == wire.FAILED and str(folder.log) not in ended.message:
        click.echo(f"The log: {folder.log}")
