"""How events read in a terminal. Pure text: no colour, no cursor, one line each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from trainyard.client.values import event as kinds

if TYPE_CHECKING:
    from trainyard.client.values.event import Event
    from trainyard.client.values.job import Job

# What the loss would be without class weights: for comparing runs, and in the JSON.
_ASIDE = "unweighted_loss"
_ORDINALS = {1: "st", 2: "nd", 3: "rd"}


def number(value: float) -> str:
    """Write a metric with four significant places, without an exponent where people do not expect one."""
    return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e4 else f"{value:.3g}"


def metrics(values: Mapping[str, float], cells: int | None = None) -> str:
    """Write metrics, the loss first, each with its validation beside it; as many as fit into ``cells``, and two at least."""
    written = {name: f"{name} {number(values[name])}" for name in sorted(values, key=_rank) if not name.endswith(_ASIDE)}
    while cells is not None and len(written) > 2 and len("  ".join(written.values())) > cells:
        del written[_least_telling(list(written))]
    return "  ".join(written.values())


def _least_telling(names: list[str]) -> str:
    """Name the last metric whose validation is there too, else the last one."""
    return next((name for name in reversed(names) if name != "loss" and f"val_{name}" in names), names[-1])


def _rank(name: str) -> tuple[bool, str, bool]:
    plain = name.removeprefix("val_")
    return plain != "loss", plain, name != plain


def duration(seconds: float) -> str:
    """Write a time span: ``0.4 s``, ``12 s``, ``3 min 05 s``, ``2 h 07 min``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size(count: int) -> str:
    """Write a number of bytes: ``312 B``, ``1.4 MiB``."""
    value, units = float(count), ["B", "KiB", "MiB", "GiB", "TiB"]
    while value >= 1023.95 and len(units) > 1:
        value, units = value / 1024, units[1:]
    return f"{count} B" if units[0] == "B" else f"{value:.1f} {units[0]}"


def standing(job: Job) -> str:
    """Say how a job stands, queue place included."""
    state = job.state.value
    if job.state.value == "queued" and job.queue_position:
        place = job.queue_position + 1
        suffix = "th" if place % 100 in {11, 12, 13} else _ORDINALS.get(place % 10, "th")
        return f"{state}, {place}{suffix} in line"
    if job.state.terminal and job.reason:
        return f"{state} ({reason(job.reason)})"
    return state


def reason(word: str) -> str:
    """Write a reason code as words."""
    return word.replace("_", " ")


def epoch(value: kinds.EpochFinished, cells: int | None = None) -> str:
    """Write an epoch on one line, of at most about ``cells`` characters."""
    width = len(str(value.epochs_planned))
    head, tail = f"epoch {value.epoch:>{width}}/{value.epochs_planned}", f"lr {value.learning_rate:.3g}  {duration(value.seconds)}"
    room = None if cells is None else cells - len(head) - len(tail) - 4
    return f"{head}  {metrics(value.metrics, room)}  {tail}"


def happening(item: Event, cells: int | None = None) -> str | None:
    """Write an event on one line; None for those that a person need not read as they pass."""
    what = item.what
    match what:
        case kinds.EpochFinished():
            line = epoch(what, cells)
        case kinds.EpochRevised():
            line = f"{epoch(what.result)}  (again, after a resume)"
        case kinds.StateChanged():
            line = _move(what)
        case kinds.LearningRateChanged():
            line = f"after epoch {what.epoch}: learning rate {what.before:.3g} -> {what.after:.3g} ({reason(what.cause)})"
        case kinds.EarlyStopped():
            line = (
                f"stopped early after epoch {what.epoch}: no better {what.monitor} for {what.patience} epochs; best epoch {what.best_epoch}"
            )
        case kinds.Diagnosis():
            line = f"noticed in epoch {what.epoch}: {what.name}: {what.message}"
        case _:
            return None
    return line


def _move(move: kinds.StateChanged) -> str:
    why = f" ({reason(move.reason)})" if move.reason else ""
    return f"{move.after.value}{why}{f': {move.message}' if move.message else ''}"


def outcome(job: Job) -> list[str]:
    """Say on a few lines how a job stands or how it ended, and what it left behind."""
    lines = [f"{job.id}  {job.experiment}  {standing(job)}"]
    if job.message and job.state.value in {"failed", "paused"}:
        lines.append(f"  {job.message}")
    if job.best_epoch:
        lines.append(f"  best epoch {job.best_epoch}/{job.epochs_planned}: {metrics(job.best_metrics)}")
    if job.artifacts:
        lines.append(f"  files: {', '.join(f'{item.name} {size(item.size_bytes)}' for item in job.artifacts)}")
    folder = job.artifacts[0].local_path.removesuffix(job.artifacts[0].name) if job.artifacts else ""
    return [*lines, f"  in {folder}"] if folder else lines
