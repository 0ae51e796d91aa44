"""The monitor's picture as lines of text, for any size of screen. Pure: the same course at the same size is the same text."""

from __future__ import annotations

import math
from typing import NamedTuple

from trainyard.client.screen import phrases
from trainyard.client.screen.course import Course
from trainyard.linter.charts.text.bars import bar
from trainyard.linter.charts.text.screen import Screen, cut, left
from trainyard.linter.charts.text.spark import spark
from trainyard.linter.report.terminal import width

_STYLES = {"succeeded": "good", "running": "good", "failed": "error", "cancelled": "warning", "paused": "warning", "stopping": "warning"}
_ASIDE = "unweighted_loss"
_NUMBER_CELLS = 9
_BEST_CELLS = 24
_MOST_BAR = 60
_LEAST_SPARK = 24


class View(NamedTuple):
    """What is drawn beside the course: how long it has run, what is said at the foot, the memory that the device has."""

    seconds: float | None = None
    notice: str = ""
    keys: str = ""
    memory_bytes: int = 0


def frame(course: Course, view: View, screen: Screen, rows: int) -> list[str]:
    """Return at most ``rows`` lines of at most ``screen.cells`` cells; what tells least is left out first."""
    head, progress, numbers = _head(course, view, screen), _progress(course, screen), _numbers(course, view, screen)
    metrics = chart(course, screen)
    foot = _foot(view, screen)
    room = rows - len(head) - len(progress) - len(numbers) - len(foot)
    airy = room >= len(metrics) + 7
    if len(metrics) > max(2, room - 2):
        metrics = metrics[: max(2, room - 2)]
    room -= len(metrics) + (4 if airy else 0)
    told = _told(course, screen, max(0, room))
    blank = [""] if airy else []
    body = [*head, *blank, *progress, *blank, *metrics, *(blank if metrics else ()), *numbers, *blank, *told]
    body += [""] * (rows - len(body) - len(foot))
    return [screen.shown(line) for line in (*body[: max(0, rows - len(foot))], *foot)][:rows]


def chart(course: Course, screen: Screen) -> list[str]:
    """Return a line for each metric: last value, sparkline with the best marked, best value and its epoch."""
    history = course.history()
    names = [name for name in sorted(history.metrics, key=_rank) if not name.endswith(_ASIDE)]
    if not names:
        return []
    room = min(max(width(name) for name in names), screen.cells // 4)
    # No wider than there is something to draw, so that the best stands beside its line.
    cells = min(screen.cells - room - _NUMBER_CELLS - _BEST_CELLS - 6, max(_LEAST_SPARK, len(history)))
    lines = []
    for name in names:
        values, best = history.column(name), history.best(name)
        drawn = _marked(values, _place(history.column("epoch"), best.epoch if best else 0), cells, screen) if cells >= 8 else ""
        told = f"best {phrases.number(best.metrics[name])} in {best.epoch}" if best else ""
        if not drawn:
            lines.append(cut(f"{name} {phrases.number(values[-1])}  {told}".rstrip(), screen.cells))
            continue
        lines.append(f"{left(name, room)}  {phrases.number(values[-1]):>{_NUMBER_CELLS}}  {drawn}  {told}".rstrip())
    return lines


def _rank(name: str) -> tuple[bool, str, bool]:
    plain = name.removeprefix("val_")
    return plain != "loss", plain, name != plain


def _place(epochs: list[float], epoch: int) -> int:
    return epochs.index(epoch) if epoch in epochs else -1


def _marked(values: list[float], best: int, cells: int, screen: Screen) -> str:
    """Draw values, the newest at the right, in at most ``cells`` cells; the best one is a mark, not only a colour."""
    most = math.ceil(len(values) / cells)
    pieces = [values[start : start + most] for start in range(0, len(values), most)]
    line = spark([piece[-1] for piece in pieces], screen)
    if best < 0:
        return screen.paint("info", line) + " " * (cells - len(pieces))
    at = best // most
    mark = screen.paint("good", "◆")
    painted = f"{screen.paint('info', line[:at])}{mark}{screen.paint('info', line[at + 1 :])}"
    return painted + " " * (cells - len(pieces))


def _head(course: Course, view: View, screen: Screen) -> list[str]:
    job = course.job
    standing = course.standing + (f"  {phrases.duration(view.seconds)}" if view.seconds is not None else "")
    standing = cut(standing, max(1, screen.cells - 12))
    name = cut(f"{job.experiment}  {job.id}", screen.cells - width(standing) - 2)
    gap = " " * max(2, screen.cells - width(name) - width(standing))
    learns = " on ".join(part for part in (job.model, job.dataset) if part) + (f" with {job.optimizer}" if job.optimizer else "")
    second = [screen.paint("dim", cut(learns, screen.cells))] if learns else []
    return [f"{screen.paint('bold', name)}{gap}{screen.paint(_STYLES.get(course.state.value, 'info'), standing)}", *second]


def _progress(course: Course, screen: Screen) -> list[str]:
    planned, done, running = course.planned, course.done, course.running
    if not planned:
        return []
    epoch = min(planned, math.floor(done) + 1) if course.state.value == "running" else math.floor(done)
    step = f"  step {running.step}/{running.steps}" if running is not None and running.steps else ""
    before = f"epoch {epoch}/{planned}{step}"
    seconds = course.seconds_left
    after = f"{done / planned:>4.0%}" + (f"  at most {phrases.duration(seconds)} left" if seconds else "")
    cells = min(_MOST_BAR, screen.cells - width(before) - width(after) - 4)
    if cells < 6:
        return [cut(f"{before}  {after}", screen.cells)]
    return [f"{before}  {screen.shown(bar(done, planned, cells, screen))}  {after}"]


def _numbers(course: Course, view: View, screen: Screen) -> list[str]:
    last = course.last
    if last is None:
        return []
    told = [f"learning rate {last.learning_rate:.3g}", f"{phrases.duration(last.seconds)} an epoch"]
    if last.samples_per_second:
        told.append(f"{last.samples_per_second:,.0f} samples/s")
    lines = [", ".join(told)]
    if last.device_memory_bytes:
        limit = f" of {phrases.size(view.memory_bytes)}" if view.memory_bytes else ""
        predicted = course.job.predicted_memory_bytes
        foretold = f" (predicted {' to '.join(phrases.size(end) for end in predicted)})" if predicted else ""
        lines.append(f"memory {phrases.size(last.device_memory_bytes)}{limit}{foretold}")
    joined = ", ".join(lines)
    return [joined] if width(joined) <= screen.cells else [cut(line, screen.cells) for line in lines]


def _told(course: Course, screen: Screen, rows: int) -> list[str]:
    chosen = list(course.told)[-rows:] if rows else []
    return [_event(time, line, screen) for time, line in chosen]


def _event(time: str, line: str, screen: Screen) -> str:
    text = cut(f"{time}  {line}" if time else line, screen.cells)
    return screen.paint("warning", text) if line.startswith(("noticed ", "failed")) else text


def _foot(view: View, screen: Screen) -> list[str]:
    notice = [screen.paint("warning", cut(view.notice, screen.cells))] if view.notice else []
    keys = [screen.paint("dim", cut(view.keys, screen.cells))] if view.keys else []
    return [*notice, *keys]
