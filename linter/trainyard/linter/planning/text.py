"""The plan for a terminal: 80 columns or more, Braille and blocks or ASCII, colours that never speak alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from trainyard.linter.charts.models import Unit
from trainyard.linter.charts.numbers import interval, scientific
from trainyard.linter.charts.tables import Table
from trainyard.linter.charts.text import Screen, draw
from trainyard.linter.charts.text.bars import bar
from trainyard.linter.charts.text.grid import grid
from trainyard.linter.charts.text.screen import cut, folded, left, packed
from trainyard.linter.planning import pictures, wording
from trainyard.linter.planning.configuration import Leaf, leaves
from trainyard.linter.planning.training_plan import Classes, MemoryNeed, Status, TrainingPlan
from trainyard.linter.report.terminal import harmless

#: Text wider than this is harder to read, whatever the screen offers.
WIDEST = 120
_INDENT = "  "
_MOST_CLASSES, _MOST_FINDINGS = 30, 20
_STYLES = {Status.OK: "good", Status.WARNING: "warning", Status.ERROR: "error", Status.UNKNOWN: "dim"}
_BAR_CELLS = 16
_LEAST_WITH_BARS = 70


def text(plan: TrainingPlan, path: str, screen: Screen) -> str:
    """Return the whole plan of the spec at ``path`` as lines that fit the screen."""
    screen = screen._replace(cells=min(screen.cells, WIDEST))
    inner = screen.narrower(len(_INDENT))
    lines = _head(plan, path, screen)
    for title, body in _sections(plan, inner):
        block = list(body)
        if block:
            lines += ["", _title(title, screen), *(f"{_INDENT}{line}".rstrip() for line in block)]
    return "\n".join(screen.shown(line) for line in [*lines, "", _closing(plan, screen)]) + "\n"


def _sections(plan: TrainingPlan, screen: Screen) -> Iterator[tuple[str, Iterable[str]]]:
    yield "Findings", _findings(plan, screen)
    yield "Optimizer", _optimizer(plan, screen)
    yield "Learning rate", _curve(plan, screen)
    yield "Training plan", _training(plan, screen)
    yield "Batch sizes", _batches(plan, screen)
    yield "Regularization", _regularization(plan, screen)
    yield "Classes", _classes(plan, screen)
    yield "Callbacks", _callbacks(plan, screen)
    yield "Resources", _resources(plan, screen)
    yield "Checks", _checks(plan, screen)
    yield "Configuration (* = default)", _configuration(plan, screen)


def _head(plan: TrainingPlan, path: str, screen: Screen) -> list[str]:
    name = plan.subject.name if plan.subject is not None else ""
    style, sign = ("good", "✓") if plan.report.passed else ("error", "✗")
    lines = [screen.paint("bold", cut(f"Plan for {name or path}", screen.cells))]
    lines += _pairs(wording.subject(plan), screen)
    lines += _pairs([("Verdict", f"{sign} {wording.verdict(plan)}")], screen, style)
    if plan.time is not None:
        lines += [screen.paint("warning", line) for line in folded(f"{wording.approximately(plan.time)}.", screen.cells)]
    lines += _needed(plan, "everything", screen)
    for each in plan.assumed:
        told = f"{each.pointer} failed; the plan goes on with " + (
            f"its default {json.dumps(each.value)}" if each.value is not None else "nothing there"
        )
        lines += folded(told, screen.cells, 2)
    return lines


def _title(title: str, screen: Screen) -> str:
    return screen.paint("bold", title) + " " + screen.paint("dim", "─" * (screen.cells - len(title) - 1))


def _closing(plan: TrainingPlan, screen: Screen) -> str:
    return screen.paint("good" if plan.report.passed else "error", cut(f"The plan {wording.verdict(plan)}.", screen.cells))


def _pairs(rows: Iterable[tuple[str, str]], screen: Screen, style: str = "") -> list[str]:
    rows = list(rows)
    names = min(max([9, *(len(name) for name, _ in rows)]), screen.cells // 2)
    lines = []
    for name, value in rows:
        folds = folded(value, screen.cells - names - 2) or [""]
        lines.append(f"{screen.paint('dim', left(name, names))}  {screen.paint(style, folds[0])}")
        lines += [f"{' ' * (names + 2)}{screen.paint(style, line)}" for line in folds[1:]]
    return lines


def _needed(plan: TrainingPlan, section: str, screen: Screen) -> list[str]:
    told = [need.text for need in plan.needs if need.section == section]
    return [screen.paint("warning", line) for text in told for line in folded(f"? {text}", screen.cells, 2)]


def _findings(plan: TrainingPlan, screen: Screen) -> Iterator[str]:
    found = sorted((each for each in plan.report.findings if each.suppressed is None), key=lambda each: -each.severity)
    for each in found[:_MOST_FINDINGS]:
        head = f"{each.severity.label}[{each.code}]"
        lines = folded(f"{head} {each.pointer or '/'}: {each.message}", screen.cells, 2)
        yield screen.paint(each.severity.label, head) + lines[0][len(head) :]
        yield from lines[1:]
    if len(found) > _MOST_FINDINGS:
        yield f"… {len(found) - _MOST_FINDINGS} more, by `trainlint check`"


def _optimizer(plan: TrainingPlan, screen: Screen) -> Iterator[str]:
    if plan.rate is None:
        return
    rate = plan.rate
    yield from draw(pictures.rate_strip(rate), screen)
    told = f"{scientific(rate.learning_rate)} is {pictures.placed(rate)} ({scientific(rate.usual_low)} to {scientific(rate.usual_high)});"
    yield from folded(f"{told} for this batch and model size {scientific(rate.suggested)} is a rate to start from.", screen.cells)
    yield ""
    shown = [row for index, row in enumerate(plan.optimizers) if row.used or index < 4]
    table = wording.optimizer_table(tuple(shown))
    yield from grid(table, screen, marked=frozenset(index for index, row in enumerate(shown) if row.used))
    yield screen.paint("dim", cut(wording.THUMB, screen.cells))


def _curve(plan: TrainingPlan, screen: Screen) -> Iterator[str]:
    yield from _needed(plan, "curve", screen)
    if plan.curve is None:
        return
    yield from draw(pictures.rate_chart(plan.curve), screen)
    told = [f"epoch {row[0]}: {row[1]}" for row in wording.rates_told(plan.curve).rows]
    yield from packed(told, screen.cells, 2, " · ")


def _training(plan: TrainingPlan, screen: Screen) -> Iterator[str]:
    yield from _needed(plan, "steps", screen)
    rows = [] if plan.steps is None else wording.step_rows(plan.steps)
    yield from _pairs([*rows, *(wording.time_rows(plan.time) if plan.time is not None else ())], screen)


def _batches(plan: TrainingPlan, screen: Screen) -> Iterator[str]:
    if plan.batches is None:
        return
    own = frozenset(index for index, row in enumerate(plan.batches.rows) if row.choice.own)
    yield from grid(wording.batch_table(plan.batches), screen, marked=own)
    for note in wording.batch_notes(plan.batches):
        yield from (screen.paint("dim", line) for line in folded(note, screen.cells, 2))


def _regularization(plan: TrainingPlan, screen: Screen) -> Iterator[str]:
    if plan.regularization is None:
        return
    found = plan.regularization
    rows = [
        (name, f"{setting} ({each.strength:.2g} x the usual)")
        for each, (name, setting) in zip(found.techniques, wording.regularization_rows(found), strict=True)
    ]
    yield from _pairs([*rows, ("Strength", wording.strength(found))], screen)


def _classes(plan: TrainingPlan, screen: Screen) -> Iterator[str]:
    yield from _needed(plan, "classes", screen)
    if plan.classes is None:
        return
    table = wording.class_table(plan.classes)
    if screen.cells >= _LEAST_WITH_BARS:
        table = _with_bars(table, plan.classes, screen)
    yield from grid(table, screen, most=_MOST_CLASSES)
    yield from folded(wording.class_note(plan.classes), screen.cells)


def _with_bars(table: Table, classes: Classes, screen: Screen) -> Table:
    """Put a bar beside each count. Bars carry no colour: a cell is cut and filled by its characters."""
    largest = max((row.samples for row in classes.rows), default=0)
    bare = Screen(screen.cells, screen.unicode)
    cells = _BAR_CELLS + max(0, screen.cells - 80)
    rows = tuple(
        (*cells_[:2], bar(row.samples, largest, cells, bare).rstrip(), *cells_[2:])
        for cells_, row in zip(table.rows, classes.rows, strict=True)
    )
    return Table((*table.columns[:2], "", *table.columns[2:]), rows, frozenset({1, 3, 4}))


def _callbacks(plan: TrainingPlan, screen: Screen) -> Iterator[str]:
    if plan.callbacks is None:
        return
    yield from draw(pictures.time_line(plan.callbacks, plan.curve, plan.steps), screen)
    rows = wording.stopping_rows(plan.callbacks.stopping) if plan.callbacks.stopping is not None else [("Early stopping", "off")]
    rows += wording.checkpoint_rows(plan)
    yield from _pairs(rows, screen)


def _resources(plan: TrainingPlan, screen: Screen) -> Iterator[str]:
    yield from _needed(plan, "memory", screen)
    yield from _pairs(wording.resource_rows(plan), screen)
    if plan.memory is not None:
        yield ""
        yield from draw(pictures.memory_stack(plan.memory), screen)
        yield from _terms(plan.memory, screen)
    yield from _needed(plan, "hardware", screen)


def _terms(memory: MemoryNeed, screen: Screen) -> list[str]:
    """Return the terms of the phase that needs most."""
    told = [f"{term.name} {interval(term.low, term.high, Unit.BYTES)}" for term in pictures.terms(memory.phases[memory.peak_phase])]
    return packed([f"To {memory.peak_phase}: {told[0]}", *told[1:]], screen.cells, 2, " · ") if told else []


def _checks(plan: TrainingPlan, screen: Screen) -> Iterator[str]:
    for each in plan.checks:
        head = left(wording.STATUS[each.status], 8)
        lines = folded(f"{each.asks}: {each.detail}", screen.cells - 9)
        yield f"{screen.paint(_STYLES[each.status], head)} {lines[0]}"
        yield from (f"{' ' * 9}{line}" for line in lines[1:])


def _configuration(plan: TrainingPlan, screen: Screen) -> Iterator[str]:
    if plan.configuration is None:
        return
    written = plan.written or {}
    names = max(len(name) for name in plan.configuration)
    for name in plan.configuration:
        pieces = [_piece(leaf) for leaf in leaves(name, plan.configuration, written)]
        lines = packed(pieces, screen.cells - names - 2, 2, ", ") or [""]
        yield f"{screen.paint('bold', left(name, names))}  {lines[0]}"
        yield from (f"{' ' * (names + 2)}{line}" for line in lines[1:])


def _piece(leaf: Leaf) -> str:
    value = harmless(json.dumps(leaf.value, ensure_ascii=False))
    return f"{leaf.path} {value}".strip() + ("" if leaf.written else "*")
