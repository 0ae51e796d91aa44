"""One HTML file about a finished run: what it reached, its curves, what was confused, what was predicted and what was so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trainyard.client.outcome import pictures
from trainyard.client.outcome.run import Run
from trainyard.client.screen import phrases
from trainyard.linter.charts import page as parts
from trainyard.linter.charts.markup import escaped
from trainyard.linter.charts.models import Unit
from trainyard.linter.charts.numbers import written
from trainyard.linter.charts.outcomes import confusion_matrix
from trainyard.linter.charts.tables import Table

# A matrix of a thousand classes is no picture any more.
_MOST_CLASSES = 60
_UNITS = {"bytes": Unit.BYTES, "seconds": Unit.SECONDS}


def page(run: Run) -> str:
    """Return the page."""
    sections = [
        ("curves", "Curves", _curves(run)),
        ("confusion", "Confusion matrix", _confusion(run)),
        ("classes", "By class", _classes(run)),
        ("predictions", "Predicted and so", _predictions(run)),
        ("configuration", "Configuration", _configuration(run)),
        ("environment", "Made with", _environment(run)),
    ]
    cards = [(ident, title, parts.section(ident, title, body)) for ident, title, body in sections]
    links = "".join(f'<a href="#{ident}">{escaped(title)}</a>' for ident, title, card in cards if card)
    body = [_head(run, f'<nav aria-label="Sections">{links}</nav>'), *(card for _, _, card in cards if card)]
    return parts.document(f"Run: {run.title}", "\n".join(body))


def _head(run: Run, links: str) -> str:
    job = run.job
    state = phrases.standing(job) if job else "a run folder"
    tone = {"succeeded": "good", "failed": "bad", "cancelled": "care"}.get(job.state.value, "plain") if job else "plain"
    tags = "".join(f'<span class="badge tag">{escaped(tag)}</span>' for tag in (job.tags if job else ()))
    learns = f"{job.model} on {job.dataset} with {job.optimizer}" if job and job.model else ""
    lines = [
        '<header><p class="eyebrow">Finished run</p>'
        if job is None or job.state.terminal
        else '<header><p class="eyebrow">Running job</p>',
        f"<h1>{escaped(run.title)}</h1>",
        parts.paragraph(" · ".join(part for part in (learns, job.id if job else "") if part), "lead"),
        parts.paragraph(job.message if job else ""),
        f'<div class="verdict">{parts.badge(state, tone)}{tags}</div>',
        parts.tiles(_tiles(run)),
        links,
        "</header>",
    ]
    return "\n".join(line for line in lines if line)


def _tiles(run: Run) -> Iterator[tuple[str, str, str]]:
    history = run.history
    yield "Epochs", f"{len(history)}", f"of {run.job.epochs_planned} planned" if run.job else ""
    if run.best_epoch:
        yield "Kept", f"epoch {run.best_epoch}", "the model of this epoch is best.keras"
    for metric in [name for name in history.metrics if name.startswith("val_") and not name.endswith("unweighted_loss")][:3]:
        best = history.best(metric)
        if best is not None:
            yield metric, phrases.number(best.metrics[metric]), f"best, in epoch {best.epoch}"
    for name in ("accuracy", "macro_f1"):
        value = (run.evaluation or {}).get(name)
        if isinstance(value, int | float):
            yield (
                f"{name.replace('_', ' ')} in the end",
                phrases.number(float(value)),
                f"on the {run.evaluation['part']} split" if run.evaluation else "",
            )
    seconds = sum(history.column("seconds"))
    if seconds > 0:
        yield "Time in epochs", phrases.duration(seconds), ""


def _curves(run: Run) -> Iterator[str]:
    for index, metric in enumerate(pictures.metrics([run])):
        yield parts.figure(pictures.curve(run, metric), f"curve-{index}")
    if len(run.history):
        yield parts.figure(pictures.rate(run), "curve-rate")
    else:
        yield parts.paragraph("No epoch has ended.", "quiet")


def _confusion(run: Run) -> Iterator[str]:
    told = run.evaluation or {}
    names: Any = told.get("classes")
    counts: Any = told.get("confusion_matrix")
    if not _is_matrix(names, counts):
        return
    if len(names) > _MOST_CLASSES:
        yield parts.paragraph(f"{len(names)} classes are too many for a picture; evaluation.json holds the matrix.", "quiet")
        return
    yield parts.figure(confusion_matrix([str(name) for name in names], counts), "confusion-matrix")


def _is_matrix(names: Any, counts: Any) -> bool:
    square = isinstance(names, list) and isinstance(counts, list) and len(names) == len(counts) > 0
    return square and all(isinstance(row, list) and len(row) == len(names) and all(isinstance(cell, int) for cell in row) for row in counts)


def _classes(run: Run) -> Iterator[str]:
    told = (run.evaluation or {}).get("per_class")
    if not isinstance(told, list) or not told:
        return
    rows = tuple(
        (str(row.get("class", "")), *(_share(row.get(name)) for name in ("precision", "recall", "f1")), f"{row.get('support', 0):,}")
        for row in told
        if isinstance(row, Mapping)
    )
    yield parts.grid(Table(("class", "precision", "recall", "F1", "samples"), rows, frozenset({1, 2, 3, 4})))


def _share(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else "-"


def _predictions(run: Run) -> Iterator[str]:
    rows = [
        (name.replace("_", " "), *_told(part))
        for name, part in (run.prediction or {}).items()
        if isinstance(part, Mapping) and {"predicted", "actual"} <= part.keys()
    ]
    if rows:
        yield parts.grid(Table(("", "predicted", "so it was", ""), tuple(rows), frozenset({1, 2})))


def _told(part: Mapping[str, Any]) -> tuple[str, str, str]:
    unit = _UNITS.get(str(part.get("unit")), Unit.COUNT)
    predicted, actual = part["predicted"], part["actual"]
    ends = [predicted.get("low"), predicted.get("high")] if isinstance(predicted, Mapping) else [predicted]
    known = [end for end in ends if isinstance(end, int | float)]
    foretold = " to ".join(dict.fromkeys(written(end, unit) for end in known)) or "not predicted"
    measured = written(actual, unit) if isinstance(actual, int | float) else "not measured"
    if part.get("comparable") is False:
        verdict = "not compared: the whole process was measured"
    elif not known or not isinstance(actual, int | float):
        verdict = ""
    else:
        verdict = "as predicted" if min(known) <= actual <= max(known) else "off"
    return foretold, measured, verdict


def _configuration(run: Run) -> Iterator[str]:
    from trainyard.client.outcome.comparison import leaves

    yield parts.pairs((path, _plain(value)) for path, value in leaves(run.spec or {}))


def _environment(run: Run) -> Iterator[str]:
    from trainyard.client.outcome.comparison import leaves

    yield parts.pairs((path, _plain(value)) for path, value in leaves(run.environment or {}))


def _plain(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_plain(item) for item in value) or "none"
    return "none" if value is None else {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
