"""Charts of runs, from the linter's chart models: one run's curves, and several runs over one another."""

from __future__ import annotations

import math
from collections.abc import Sequence

from trainyard.client.outcome.run import Run, distinct
from trainyard.client.values.history import falls
from trainyard.linter.charts.models import Axis, LineChart, Mark, Series, Unit
from trainyard.linter.charts.numbers import written
from trainyard.linter.charts.outcomes import training_curve

_ASIDE = "unweighted_loss"
_VALIDATION = "val_"
_RATE = "learning_rate"


def metrics(runs: Sequence[Run]) -> list[str]:
    """Return the metrics of the runs without their validation twins, the loss first."""
    names = dict.fromkeys(name.removeprefix(_VALIDATION) for run in runs for name in run.history.metrics)
    return sorted((name for name in names if not name.endswith(_ASIDE)), key=lambda name: (name != "loss", name))


def curve(run: Run, metric: str) -> LineChart:
    """Return a metric of one run: training solid, validation dashed, the epoch that was kept marked."""
    if metric == _RATE:
        return rate(run)
    first = int(run.history.epochs[0].epoch) if run.history.epochs else 1
    train, validation = (_column(run, name) for name in (metric, f"{_VALIDATION}{metric}"))
    best = run.best_epoch or None
    return training_curve(metric, train or (), validation or (), first_epoch=first, best_epoch=best)


def rate(run: Run) -> LineChart:
    """Return the learning rate that each epoch's last step used."""
    points = tuple((float(epoch.epoch), epoch.learning_rate) for epoch in run.history)
    ends = [points[0][1], points[-1][1]] if points else []
    told = " and ended at ".join(written(value, Unit.RATE) for value in ends)
    positive = all(value > 0 for _, value in points)
    return LineChart(
        "Learning rate over the epochs",
        f"It began with {told}." if told else "No epoch has ended.",
        Axis("epoch"),
        Axis("learning rate", Unit.RATE, log=positive),
        (Series("rate", points),),
    )


def together(runs: Sequence[Run], metric: str) -> LineChart:
    """Return one metric of several runs over one another; the best value of each is marked."""
    names = distinct(runs)
    series, marks, told = [], [], []
    for index, (run, name) in enumerate(zip(runs, names, strict=True)):
        column = _column(run, metric)
        if column is None:
            continue
        points = tuple((float(epoch.epoch), value) for epoch, value in zip(run.history, column, strict=True))
        series.append(Series(name, points, index, dashed=metric.startswith(_VALIDATION)))
        best = run.history.best(metric)
        if best is not None:
            value = best.metrics[metric]
            marks.append(Mark(float(best.epoch), value, f"{written(value)}"))
            told.append((value, f"{name} {written(value)} in epoch {best.epoch}"))
    ordered = [text for _, text in sorted(told, reverse=not falls(metric))]
    summary = f"Best first: {', '.join(ordered)}." if ordered else "Nothing was measured."
    return LineChart(f"{metric} over the epochs", summary, Axis("epoch"), Axis(metric), tuple(series), (), tuple(marks))


def charts(runs: Sequence[Run], wanted: Sequence[str]) -> list[LineChart]:
    """Return the charts for what was asked for; without a wish, every metric of one run, or loss and score of several."""
    if len(runs) == 1:
        return [curve(runs[0], metric) for metric in (wanted or metrics(runs))]
    return [together(runs, metric) for metric in (wanted or _telling(runs))]


def known(runs: Sequence[Run]) -> list[str]:
    """Return every name that can be asked for."""
    return [*dict.fromkeys(name for run in runs for name in run.history.metrics), _RATE]


def _telling(runs: Sequence[Run]) -> list[str]:
    names = [name for name in known(runs) if not name.endswith(_ASIDE) and name != _RATE]
    judged = [name for name in names if name.startswith(_VALIDATION)] or names
    losses = [name for name in judged if name.endswith("loss")][:1]
    return [*losses, *[name for name in judged if name not in losses][:1]]


def _column(run: Run, name: str) -> list[float | None] | None:
    if name not in {*run.history.metrics, _RATE}:
        return None
    return [value if math.isfinite(value) else None for value in run.history.column(name)]
