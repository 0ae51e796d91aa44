"""Runs beside each other: where their specs differ, what they reached, what was predicted for them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from trainyard.client.outcome.run import Run, distinct
from trainyard.client.screen import phrases
from trainyard.client.values.history import falls
from trainyard.linter.charts.tables import Table

_ABSENT = "-"
_ASIDE = "unweighted_loss"


class Row(NamedTuple):
    """One thing that is compared: a value for each run, None where a run has none."""

    name: str
    values: tuple[Any, ...]


class Comparison(NamedTuple):
    """What there is to say about several runs."""

    names: tuple[str, ...]
    specs: tuple[Row, ...]
    best: tuple[Row, ...]
    last: tuple[Row, ...]
    course: tuple[Row, ...]


def compare(runs: Sequence[Run]) -> Comparison:
    """Compare runs; of their specs only what differs."""
    metrics = [name for name in dict.fromkeys(name for run in runs for name in run.history.metrics) if not name.endswith(_ASIDE)]
    ends = [dict(leaves(run.spec or {})) for run in runs]
    paths = dict.fromkeys(path for each in ends for path in each)
    differing = [Row(path, tuple(each.get(path) for each in ends)) for path in paths if len({repr(each.get(path)) for each in ends}) > 1]
    return Comparison(
        tuple(distinct(runs)),
        tuple(row for row in differing if not row.name.startswith(("experiment.", "dataset.facts"))),
        tuple(Row(name, tuple(_best(run, name) for run in runs)) for name in metrics),
        tuple(Row(name, tuple(_last(run, name) for run in runs)) for name in metrics),
        tuple(row for row in _course(runs) if any(value is not None for value in row.values)),
    )


def tables(of: Comparison) -> list[tuple[str, Table]]:
    """Return the comparison as titled tables; those with nothing to say are left out."""
    numeric = frozenset(range(1, 1 + len(of.names)))
    parts = (
        ("How they went", of.course, lambda row: [_ABSENT if value is None else str(value) for value in row.values], frozenset[int]()),
        (
            "Where the specs differ",
            of.specs,
            lambda row: [_ABSENT if value is None else _text(value) for value in row.values],
            frozenset[int](),
        ),
        ("Best of each metric", of.best, _numbers, numeric),
        ("Last epoch", of.last, _numbers, numeric),
    )
    return [
        (title, Table(("", *of.names), tuple((row.name, *write(row)) for row in rows), aligned))
        for title, rows, write, aligned in parts
        if rows
    ]


def document(of: Comparison) -> dict[str, Any]:
    """Return the comparison as JSON."""
    from trainyard.client.documents import number

    def plain(value: Any) -> Any:
        return number(value) if isinstance(value, float) else value

    sections = {"specs": of.specs, "best": of.best, "last": of.last, "course": of.course}
    told = {name: {row.name: [plain(value) for value in row.values] for row in rows} for name, rows in sections.items()}
    return {"runs": list(of.names), **told}


def _numbers(row: Row) -> list[str]:
    """Write numbers; the best one has a star, so that it is found without reading all of them."""
    known = [value for value in row.values if value is not None and value == value]  # noqa: PLR0124 - NaN is no result
    best = (min(known) if falls(row.name) else max(known)) if known else None
    return [
        _ABSENT if value is None else f"{'*' if value == best and len(row.values) > 1 else ''}{phrases.number(value)}"
        for value in row.values
    ]


def _text(value: Any) -> str:
    import json

    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _best(run: Run, metric: str) -> float | None:
    best = run.history.best(metric)
    return None if best is None else best.metrics[metric]


def _last(run: Run, metric: str) -> float | None:
    return run.history.epochs[-1].metrics.get(metric) if run.history.epochs else None


def _course(runs: Sequence[Run]) -> Iterator[Row]:
    yield Row("outcome", tuple(phrases.standing(run.job) if run.job else None for run in runs))
    yield Row("epochs", tuple(f"{len(run.history)}" + (f" of {run.job.epochs_planned}" if run.job else "") for run in runs))
    yield Row("best epoch", tuple(run.best_epoch or None for run in runs))
    yield Row("time in epochs", tuple(phrases.duration(sum(run.history.column("seconds"))) if run.job else None for run in runs))
    yield Row("predicted memory", tuple(_predicted(run) for run in runs))
    yield Row("peak memory", tuple(_peak(run) for run in runs))


def _predicted(run: Run) -> str | None:
    ends = run.job.predicted_memory_bytes if run.job else None
    return " to ".join(phrases.size(end) for end in ends) if ends else None


def _peak(run: Run) -> str | None:
    most = max(run.history.column("device_memory_bytes"), default=0)
    return phrases.size(int(most)) if most else None


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what stands at the ends of a spec, by dotted path; a list is one end where its items are no objects."""
    if isinstance(value, Mapping) and (value or not path):
        for key, below in value.items():
            yield from leaves(below, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}.{index}")
    else:
        yield path, value
