"""Charts of what came of a run, from plain values: curves of its metrics, and where its classes were confused."""

from __future__ import annotations

import math
from collections.abc import Sequence

from trainyard.linter.charts.models import Axis, LineChart, Mark, Matrix, Series
from trainyard.linter.charts.numbers import written
from trainyard.linter.rules.wording import count, percent


def training_curve(
    metric: str,
    train: Sequence[float | None],
    validation: Sequence[float | None] = (),
    *,
    first_epoch: int = 1,
    best_epoch: int | None = None,
    log: bool = False,
) -> LineChart:
    """Return the curve of one metric, one value an epoch (``None``, and what is not finite: a gap); training solid, validation dashed.

    ``best_epoch`` is the epoch whose model was kept; it is marked on the validation curve, or on the training curve without one.
    """
    lines = {name: _points(values, first_epoch) for name, values in (("train", train), ("validation", validation)) if values}
    series = tuple(Series(name, points, index, dashed=name == "validation") for index, (name, points) in enumerate(lines.items()))
    judged = dict(list(lines.values())[-1]) if lines else {}
    best = judged.get(float(best_epoch)) if best_epoch is not None else None
    marks = (Mark(float(best_epoch), best, f"kept {written(best)}"),) if best_epoch is not None and best is not None else ()
    told = [f"{name} ends at {written(last)}" for name, points in lines.items() if (last := _last(points)) is not None]
    kept = f"; the model that was kept is that of epoch {best_epoch}" if marks else ""
    epochs = count(max((len(points) for points in lines.values()), default=0), "epoch")
    return LineChart(
        f"{metric} over the epochs",
        f"{epochs}: {', '.join(told) or 'nothing measured'}{kept}.",
        Axis("epoch"),
        Axis(metric, log=log),
        series,
        (),
        marks,
    )


def confusion_matrix(names: Sequence[str], counts: Sequence[Sequence[int]]) -> Matrix:
    """Return how often each true class (row) was taken for each class (column)."""
    total = sum(sum(row) for row in counts)
    right = sum(row[index] for index, row in enumerate(counts))
    wrong = [
        (amount, names[row], names[column])
        for row, line in enumerate(counts)
        for column, amount in enumerate(line)
        if row != column and amount
    ]
    worst = max(wrong, default=None)
    most = f"; most often {worst[1]} was taken for {worst[2]} ({worst[0]:,})" if worst is not None else ""
    share = percent(right / total) if total else "none"
    return Matrix(
        "Confusion matrix",
        f"{share} of {count(total, 'sample')} are right{most}.",
        "true",
        "predicted",
        tuple(names),
        tuple(map(tuple, counts)),
    )


def _points(values: Sequence[float | None], first_epoch: int) -> tuple[tuple[float, float | None], ...]:
    known = (value if value is not None and math.isfinite(value) else None for value in values)
    return tuple((float(first_epoch + index), value) for index, value in enumerate(known))


def _last(points: Sequence[tuple[float, float | None]]) -> float | None:
    return next((value for _, value in reversed(points) if value is not None), None)
