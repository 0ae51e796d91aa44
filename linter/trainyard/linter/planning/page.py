"""The plan as one HTML file that can be mailed, archived and printed."""

from __future__ import annotations

import json
from collections.abc import Iterator

from trainyard.linter.charts import page as parts
from trainyard.linter.charts.markup import escaped
from trainyard.linter.charts.models import Unit
from trainyard.linter.charts.numbers import interval
from trainyard.linter.engine.findings import Finding
from trainyard.linter.planning import pictures, wording
from trainyard.linter.planning.configuration import Leaf, leaves
from trainyard.linter.planning.training_plan import Status, TrainingPlan

_TONES = {Status.OK: "good", Status.WARNING: "care", Status.ERROR: "bad", Status.UNKNOWN: "plain"}
_SEVERITIES = {"error": "bad", "warning": "care", "info": "plain"}


def page(plan: TrainingPlan, path: str) -> str:
    """Return the plan of the spec at ``path`` as a page."""
    sections = {
        "findings": ("Findings", _findings(plan)),
        "optimizer": ("Optimizer", _optimizer(plan)),
        "rate": ("Learning rate", _rate(plan)),
        "summary": ("What is configured", _summary(plan)),
        "training": ("Training plan", _training(plan)),
        "regularization": ("Regularization", _regularization(plan)),
        "batches": ("Batch sizes", _batches(plan)),
        "classes": ("Classes", _classes(plan)),
        "callbacks": ("Callbacks", _callbacks(plan)),
        "resources": ("Resources", _resources(plan)),
        "checks": ("Checks before the start", _checks(plan)),
        "configuration": ("Complete configuration", _configuration(plan)),
    }
    cards = {ident: parts.section(ident, title, body) for ident, (title, body) in sections.items()}
    links = "".join(f'<a href="#{ident}">{sections[ident][0]}</a>' for ident, card in cards.items() if card)
    both = [cards.pop(ident) for ident in ("summary", "training")]
    together = parts.beside(both) if all(both) else "".join(both)
    order = [*list(cards.values())[:3], together, *list(cards.values())[3:]]
    body = [_head(plan, path, f'<nav aria-label="Sections">{links}</nav>'), *order, _footer(plan)]
    return parts.document(f"Plan: {plan.subject.name if plan.subject is not None else path}", "\n".join(part for part in body if part))


def _head(plan: TrainingPlan, path: str, links: str) -> str:
    about = plan.subject
    tags = "".join(f'<span class="badge tag">{escaped(tag)}</span>' for tag in (about.tags if about is not None else ()))
    passed = plan.report.passed
    verdict = parts.badge(f"{'✓' if passed else '✗'} {wording.verdict(plan)}", "good" if passed else "bad")
    lines = [
        '<header><p class="eyebrow">Training plan</p>',
        f"<h1>{escaped(about.name if about is not None else path)}</h1>",
        parts.paragraph(about.description if about is not None else "", "lead"),
        f'<div class="verdict">{verdict}{tags}</div>',
        parts.tiles(_tiles(plan)),
        links,
        "</header>",
    ]
    return "\n".join(line for line in lines if line)


def _tiles(plan: TrainingPlan) -> Iterator[tuple[str, str, str]]:
    about, steps, time, memory = plan.subject, plan.steps, plan.time, plan.memory
    if about is not None and about.parameters is not None:
        learning = "" if about.trainable in {about.parameters, None} else f"{wording.compact(about.trainable or 0)} learn"
        yield "Parameters", wording.compact(about.parameters), learning or about.model_type
    if steps is not None:
        yield "Training samples", f"{steps.train_samples:,}", f"batches of {steps.batch_size:,}"
        yield "Steps", f"{steps.total:,}", f"{steps.per_epoch:,} x {steps.epochs:,} epochs"
    if time is not None:
        on = "common cards, uncalibrated" if time.times is None else "calibrated" if time.calibrated else "uncalibrated"
        yield "Time", interval(time.total.low, time.total.high, Unit.SECONDS, "–"), on  # noqa: RUF001 - an en dash, as tiles are narrow
    if memory is not None:
        device = "tensors alone" if memory.hardware is None else memory.hardware.device
        yield "GPU memory", interval(memory.peak.low, memory.peak.high, Unit.BYTES, "–"), device  # noqa: RUF001 - as above
    if plan.disk is not None:
        yield "Disk", interval(plan.disk.total.low, plan.disk.total.high, Unit.BYTES, "–"), "model, checkpoints, logs"  # noqa: RUF001 - as above


def _findings(plan: TrainingPlan) -> Iterator[str]:
    found = sorted((each for each in plan.report.findings if each.suppressed is None), key=lambda each: -each.severity)
    yield _needed(plan, "everything")
    for each in plan.assumed:
        put = f"its default {json.dumps(each.value, ensure_ascii=False)} stands in for it" if each.value is not None else "it was left out"
        yield parts.paragraph(f"{each.pointer} failed; below, {put}.", "need")
    if found:
        told = "".join(_finding(each) for each in found)
        yield f'<ul class="findings">{told}</ul>'
    if plan.report.more_findings:
        yield parts.paragraph(f"At least {plan.report.more_findings} more are not shown.", "quiet")


def _finding(each: Finding) -> str:
    place = f"line {each.start.line}, {each.pointer or 'the whole text'}"
    return (
        f"<li>{parts.badge(each.severity.label, _SEVERITIES[each.severity.label])} <code>{escaped(each.code)} {escaped(each.name)}</code> "
        f'<span class="place mono">{escaped(place)}</span><br/>{escaped(each.message)}</li>'
    )


def _needed(plan: TrainingPlan, section: str) -> str:
    return "".join(parts.paragraph(need.text, "need") for need in plan.needs if need.section == section)


def _optimizer(plan: TrainingPlan) -> Iterator[str]:
    if plan.rate is None:
        return
    yield parts.figure(pictures.rate_strip(plan.rate), "strip")
    yield "<h3>Optimizers beside each other</h3>"
    used = frozenset(index for index, row in enumerate(plan.optimizers) if row.used)
    yield parts.grid(wording.optimizer_table(plan.optimizers), marked=used)
    yield parts.paragraph(f"{wording.THUMB[0].upper()}{wording.THUMB[1:]}.", "note")


def _rate(plan: TrainingPlan) -> Iterator[str]:
    yield _needed(plan, "curve")
    if plan.curve is not None:
        yield parts.figure(pictures.rate_chart(plan.curve), "curve")
        yield "<h3>The rate at</h3>"
        yield parts.tiles((f"epoch {epoch}", rate, "") for epoch, rate in wording.rates_told(plan.curve).rows)


def _summary(plan: TrainingPlan) -> Iterator[str]:
    yield parts.pairs(row for row in wording.subject(plan) if row[0] not in {"About", "Tags"})


def _training(plan: TrainingPlan) -> Iterator[str]:
    yield _needed(plan, "steps")
    rows = [] if plan.steps is None else wording.step_rows(plan.steps)
    yield parts.pairs([*rows, *(wording.time_rows(plan.time) if plan.time is not None else ())])
    yield _needed(plan, "time")


def _regularization(plan: TrainingPlan) -> Iterator[str]:
    found = plan.regularization
    if found is not None:
        if found.techniques:
            yield parts.figure(pictures.regularization_bars(found, wording.regularization_rows(found)), "techniques")
        yield parts.paragraph(f"Total strength: {wording.strength(found)}.")
        yield parts.paragraph(
            "The total adds up each technique's setting over its usual one, at most 2 each; it is no measurement.", "note"
        )


def _batches(plan: TrainingPlan) -> Iterator[str]:
    if plan.batches is not None:
        own = frozenset(index for index, row in enumerate(plan.batches.rows) if row.choice.own)
        yield parts.grid(wording.batch_table(plan.batches), marked=own)
        yield from (parts.paragraph(note, "note") for note in wording.batch_notes(plan.batches))


def _classes(plan: TrainingPlan) -> Iterator[str]:
    yield _needed(plan, "classes")
    if plan.classes is not None:
        yield parts.figure(pictures.class_bars(plan.classes), "bars", wording.class_table(plan.classes), opened=True)
        yield parts.paragraph(wording.class_note(plan.classes), "note")


def _callbacks(plan: TrainingPlan) -> Iterator[str]:
    if plan.callbacks is None:
        return
    yield parts.figure(pictures.time_line(plan.callbacks, plan.curve, plan.steps), "line")
    stopping = plan.callbacks.stopping
    rows = wording.stopping_rows(stopping) if stopping is not None else [("Early stopping", "off")]
    yield parts.pairs([*rows, *wording.checkpoint_rows(plan)])


def _resources(plan: TrainingPlan) -> Iterator[str]:
    yield _needed(plan, "memory")
    if plan.memory is not None:
        yield parts.figure(pictures.memory_stack(plan.memory), "memory")
    yield parts.pairs(wording.resource_rows(plan))
    yield _needed(plan, "hardware")
    if plan.memory is not None:
        yield parts.folded("Which cards it fits", parts.grid(wording.card_table(plan.memory)))


def _checks(plan: TrainingPlan) -> Iterator[str]:
    yield parts.grid(wording.checks_told(plan.checks), statuses=[_TONES[each.status] for each in plan.checks])
    yield parts.paragraph("These bounds are literal and know no context; the verdict follows the ruleset.", "note")


def _configuration(plan: TrainingPlan) -> Iterator[str]:
    if plan.configuration is None:
        return
    written = plan.written or {}
    for name in plan.configuration:
        found = leaves(name, plan.configuration, written)
        rows = "".join(_leaf(leaf if leaf.path else leaf._replace(path=name)) for leaf in found)
        if len(found) == 1 and not found[0].path:
            yield f'<div class="tree"><dl>{rows}</dl></div>'
            continue
        yield f'<div class="tree">{parts.folded(name, f"<dl>{rows}</dl>", opened=name in written)}</div>'


def _leaf(leaf: Leaf) -> str:
    value = escaped(json.dumps(leaf.value, ensure_ascii=False))
    kind = "" if leaf.written else ' class="default"'
    return f"<div><dt>{escaped(leaf.path)}</dt><dd{kind}>{value}</dd></div>"


def _footer(plan: TrainingPlan) -> str:
    digest = plan.report.spec_digest
    told = f"Judged by ruleset {plan.report.ruleset}" + (f"; digest of the resolved spec {digest}." if digest else ".")
    return f"<footer>{escaped(told)}</footer>"
