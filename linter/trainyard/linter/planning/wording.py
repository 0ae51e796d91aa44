"""Sentences and cells that the text and the page have in common, so that both say the same."""

from __future__ import annotations

from trainyard.linter.charts.models import Unit
from trainyard.linter.charts.numbers import interval, scientific
from trainyard.linter.charts.tables import Table
from trainyard.linter.planning.training_plan import (
    BatchTable,
    Check,
    Classes,
    MemoryNeed,
    OptimizerRow,
    RateCurve,
    Regularization,
    Status,
    Steps,
    Stopping,
    TimeNeed,
    TrainingPlan,
)
from trainyard.linter.rules.wording import count, number, percent, size

#: A word beside every colour.
STATUS = {Status.OK: "ok", Status.WARNING: "warning", Status.ERROR: "error", Status.UNKNOWN: "unknown"}
_TECHNIQUES = {
    "dropout_conv": "Dropout (conv)",
    "dropout_dense": "Dropout (dense)",
    "l1": "L1 penalty",
    "l2": "L2 penalty",
    "weight_decay": "Weight decay",
    "max_norm": "Max norm",
    "augmentation": "Augmentation",
}
_UNCALIBRATED = "from data sheets, not measured: orders of magnitude"
THUMB = "rules of thumb; memory is what is stored for each weight"


def subject(plan: TrainingPlan) -> list[tuple[str, str]]:
    """Return the summary of what is configured, as names and values."""
    about, report = plan.subject, plan.report
    if about is None or report.salvage is None:
        return []
    spec = report.salvage.case.spec
    schedule = " x ".join(each.type.replace("_", " ") for each in spec.scheduler) or "constant"
    counted = [count(about.samples, "sample")] if about.samples is not None else []
    counted += [count(about.classes, "class").replace("classs", "classes")] if about.classes and about.task == "classification" else []
    shape = " x ".join(map(str, about.input_shape or ())) + (" inputs" if len(about.input_shape or ()) == 1 else "")
    weights = f", {compact(about.parameters)} parameters" if about.parameters is not None else ""
    frozen = f" ({compact(about.trainable)} learn)" if about.trainable is not None and about.trainable != about.parameters else ""
    return [
        ("Task", about.task),
        ("Dataset", ", ".join([f"{about.dataset_path} ({about.dataset_type.replace('_', ' ')})", *counted, *([shape] if shape else [])])),
        ("Model", f"{about.model_type}{weights}{frozen}"),
        ("Training", f"{number(spec.training.epochs)} epochs, batch {number(spec.training.batch_size)}, {spec.training.precision}"),
        ("Optimizer", f"{spec.optimizer.type} at {scientific(spec.optimizer.learning_rate)}, schedule {schedule}"),
        *([("About", about.description)] if about.description else []),
        *([("Tags", ", ".join(about.tags))] if about.tags else []),
    ]


def compact(amount: int) -> str:
    """Return a large count as people say it: ``2.4 M``."""
    for unit, word in ((10**12, "T"), (10**9, "G"), (10**6, "M")):
        if amount >= unit:
            return f"{amount / unit:.3g} {word}"
    return f"{amount:,}"


def step_rows(steps: Steps) -> list[tuple[str, str]]:
    """Return the training plan summary."""
    parts = [count(steps.train_samples, "sample")]
    parts += [f"{steps.validation_samples:,} for validation"] if steps.validation_samples else []
    parts += [f"{steps.test_samples:,} for the test"] if steps.test_samples else []
    repeated = steps.samples_per_epoch != steps.train_samples
    rounding = "floor" if steps.drop_remainder else "ceiling"
    rows = [
        ("Training samples", f"{steps.train_samples:,}" + (f" ({', '.join(parts[1:])})" if parts[1:] else "")),
        *([("Samples per epoch", f"{steps.samples_per_epoch:,}, rare classes repeated")] if repeated else []),
        ("Batch size", number(steps.batch_size)),
        ("Steps per epoch", f"{steps.per_epoch:,} ({rounding} of {steps.samples_per_epoch:,} / {steps.batch_size:,})"),
        ("Total steps", f"{steps.total:,} ({count(steps.epochs, 'epoch')})"),
    ]
    if steps.gradient_accumulation > 1:
        rows.append(("Updates of the weights", f"{steps.updates:,} (one for {steps.gradient_accumulation} batches)"))
    return rows


def time_rows(time: TimeNeed) -> list[tuple[str, str]]:
    """Return how long it takes."""
    total = interval(time.total.low, time.total.high, Unit.SECONDS)
    marked = "" if time.calibrated else f" ({_UNCALIBRATED})"
    if time.times is None:
        rows = [("Estimated time", f"{total} on common cards{marked}")]
        return rows + [(f"  on {device}", interval(each.low, each.high, Unit.SECONDS)) for device, each in time.elsewhere]
    told = (("one step", time.times.step), ("one epoch", time.times.epoch), ("start-up", time.times.start.plus(time.times.compilation)))
    rows = [("Estimated time", f"{total}{marked}")]
    return rows + [(f"  {name}", interval(each.low, each.high, Unit.SECONDS)) for name, each in told]


def rates_told(curve: RateCurve) -> Table:
    """Return the rate at the epochs that the page names, and at the last one."""
    rows = []
    for told in curve.at_epochs:
        if told.high is None or told.low is None:
            rows.append((number(told.epoch), "after the end"))
        else:
            rows.append(
                (
                    number(told.epoch),
                    scientific(told.high) if told.low == told.high else f"{scientific(told.low)} to {scientific(told.high)}",
                )
            )
    return Table(("epoch", "learning rate"), tuple(rows), frozenset({0}))


def optimizer_table(rows: tuple[OptimizerRow, ...]) -> Table:
    """Return the comparison of optimizers."""

    def memory(row: OptimizerRow) -> str:
        return f"{row.memory}: {row.slots} x" + (f" = {size(row.stored_bytes)}" if row.stored_bytes is not None else "")

    cells = tuple((f"{row.name}{' (yours)' if row.used else ''}", row.speed, row.stability, memory(row), row.best_for) for row in rows)
    return Table(("Optimizer", "Speed", "Stability", "Memory", "Best for"), cells)


def batch_table(table: BatchTable) -> Table:
    """Return the trade-off of batch sizes."""
    rows = []
    for row in table.rows:
        choice = row.choice
        low, high = f"{row.speed_low:.2g}", f"{row.speed_high:.2g}"
        memory = interval(choice.memory.low, choice.memory.high, Unit.BYTES, "-")
        fits = {True: "", False: " !", None: " ?" if table.card else ""}[choice.fits]
        cells = (
            f"{choice.batch_size:,}{' (yours)' if choice.own else ''}",
            f"{choice.steps_per_epoch:,}",
            f"{low} x" if low == high else f"{low}-{high} x",
            f"{memory}{fits}",
            *((interval(choice.epoch.low, choice.epoch.high, Unit.SECONDS, "-"),) if choice.epoch is not None else ()),
            choice.generalization.value + (" *" if choice.generalization.disputed else ""),
            scientific(choice.learning_rate),
        )
        rows.append(cells)
    timed = ("Epoch",) if table.card else ()
    columns = ("Batch", "Steps", "Speed", "Memory", *timed, "Kind", "Rate to try")
    return Table(columns, tuple(rows), frozenset({1}))


def batch_notes(table: BatchTable) -> list[str]:
    """Return what has to be known to read the trade-off."""
    notes = []
    if not table.card:
        notes.append("Speed is samples per second beside your batch size, over common cards; memory is that of the tensors alone.")
    elif any(row.choice.fits is not True for row in table.rows):
        notes.append("! does not fit the card, ? may not fit it.")
    told = dict.fromkeys(row.choice.generalization for row in table.rows if row.choice.generalization.disputed)
    return notes + [f"* {kind.value}: {kind.note}." for kind in told]


def regularization_rows(found: Regularization) -> list[tuple[str, str]]:
    """Return the active techniques, each with its setting."""
    rows = []
    for each in found.techniques:
        setting = count(int(each.setting), "transform") if each.name == "augmentation" else number(each.setting)
        rows.append((_TECHNIQUES.get(each.name, each.name), setting))
    return rows


def strength(found: Regularization) -> str:
    """Return how strong it is in all."""
    if not found.techniques:
        return "none: only early stopping and the amount of data stand against overfitting"
    reading = "weak" if found.strength < 1 else "usual" if found.strength <= 3 else "strong"
    return f"{found.strength:.2g} ({reading}; 1 to 3 is usual)"


def class_table(classes: Classes) -> Table:
    """Return counts, weights and their effect."""
    handled = any(row.weight != 1.0 for row in classes.rows)
    total = sum(row.samples for row in classes.rows) or 1
    rows = tuple(
        (row.name, f"{row.samples:,}", percent(row.samples / total), f"{row.weight if handled else row.balanced:.3g}", row.effect)
        for row in classes.rows
    )
    return Table(("Class", "Count", "Share", "Weight" if handled else "If balanced", "Effect"), rows, frozenset({1, 2, 3}))


def class_note(classes: Classes) -> str:
    """Return the imbalance in a sentence."""
    severe = ", severe" if classes.ratio > 10 else ""
    told = f"Imbalance {classes.ratio:.3g} : 1 (largest / smallest class{severe}). In force: {classes.method}."
    return f"{told} Balanced weight = samples / (classes x count)."


def stopping_rows(stopping: Stopping) -> list[tuple[str, str]]:
    """Return when and how likely early stopping ends the run."""
    first = "not before the last epoch" if stopping.first_epoch is None else f"after epoch {stopping.first_epoch} at the earliest"
    rows = [("Early stopping", f"{stopping.monitor}, patience {stopping.patience}, min delta {number(stopping.min_delta)}: {first}")]
    found = stopping.likelihood
    if found is None:
        return [*rows, ("Likelihood of a stop", f"not known: no recorded run watches {stopping.monitor}")]
    at_least = "at least " if found.at_least else ""
    median = f"; in the middle at epoch {found.median_epoch}" if found.median_epoch is not None else ""
    share = f"{at_least}{percent(found.share)} ({percent(found.low)} to {percent(found.high)}) of {found.runs} recorded runs{median}"
    return [*rows, ("Likelihood of a stop", share)]


def checkpoint_rows(plan: TrainingPlan) -> list[tuple[str, str]]:
    """Return what is kept of the best models, and how much room that takes."""
    kept = None if plan.callbacks is None else plan.callbacks.checkpoints
    if kept is None:
        return [("Checkpoint", "off: no best model is kept")]
    rows = [("Checkpoint", f"the best by {kept.monitor}" if kept.keep == 1 else f"the {kept.keep} best by {kept.monitor}")]
    if plan.disk is not None:
        each = interval(plan.disk.checkpoint.low, plan.disk.checkpoint.high, Unit.BYTES)
        rows.append(("Checkpoint storage", f"{plan.disk.kept} x {each}"))
    return rows


def resource_rows(plan: TrainingPlan) -> list[tuple[str, str]]:
    """Return what the run asks of the machine."""
    rows = []
    if plan.memory is not None:
        rows += _memory_rows(plan.memory)
    if plan.disk is not None:
        disk = plan.disk
        model = interval(disk.model.low, disk.model.high, Unit.BYTES)
        kept = f" + {disk.kept} x checkpoint {interval(disk.checkpoint.low, disk.checkpoint.high, Unit.BYTES)}" if disk.kept else ""
        rows.append(("Disk", f"{interval(disk.total.low, disk.total.high, Unit.BYTES)} (model {model}{kept}, logs)"))
    return rows


def _memory_rows(memory: MemoryNeed) -> list[tuple[str, str]]:
    peak = interval(memory.peak.low, memory.peak.high, Unit.BYTES)
    if memory.hardware is not None:
        verdict = {True: "fits", False: "does not fit", None: "may not fit"}[memory.fits]
        rows = [
            ("GPU memory", f"{peak} to {memory.peak_phase}"),
            ("Card", f"{memory.hardware.device}: {verdict} ({size(memory.hardware.usable_bytes)} usable)"),
        ]
    else:
        rows = [("GPU memory", f"{peak} to {memory.peak_phase}, tensors alone"), ("Cards", cards_told(memory))]
    return rows


def cards_told(memory: MemoryNeed) -> str:
    """Return which known cards it fits, with its overhead on each."""
    fitting = [card for card in memory.cards if card.fits]
    if len(fitting) == len(memory.cards):
        return f"fits every card known, from {size(memory.cards[0].memory_bytes)} ({memory.cards[0].device}) on"
    if not fitting:
        return "fits no card known" if all(card.fits is False for card in memory.cards) else "may fit the largest cards, to be sure of none"
    return f"fits cards from {size(fitting[0].memory_bytes)} ({fitting[0].device}) on"


def card_table(memory: MemoryNeed) -> Table:
    """Return every known card and whether the run fits it."""
    words = {True: "fits", False: "does not fit", None: "may not fit"}
    return Table(
        ("Card", "Memory", "The run"),
        tuple((card.device, size(card.memory_bytes), words[card.fits]) for card in memory.cards),
        frozenset({1}),
    )


def verdict(plan: TrainingPlan) -> str:
    """Return the verdict in words, with how many findings of each severity there are."""
    findings = [finding for finding in plan.report.findings if finding.suppressed is None]
    counts = {label: sum(finding.severity.label == label for finding in findings) for label in ("error", "warning", "info")}
    told = ", ".join(f"{amount} {label}{'s' * (amount != 1 and label != 'info')}" for label, amount in counts.items() if amount)
    more = f", at least {plan.report.more_findings} more" if plan.report.more_findings else ""
    return f"{'passes' if plan.report.passed else 'fails'}: {told or 'nothing found'}{more}"


def checks_told(checks: tuple[Check, ...]) -> Table:
    """Return the literal checks."""
    return Table(("", "Check", "Found"), tuple((STATUS[each.status], each.asks, each.detail) for each in checks))


def approximately(time: TimeNeed) -> str:
    """Return the notice before the start."""
    where = " on common cards" if time.times is None else ""
    return f"Training will take about {interval(time.total.low, time.total.high, Unit.SECONDS)}{where}"
