"""The plan's pictures as chart models: each number is the plan's own."""

from __future__ import annotations

import math

from trainyard.linter.charts.models import (
    Axis,
    Band,
    Bar,
    BarChart,
    Event,
    Lane,
    Limit,
    LineChart,
    Mark,
    Pointer,
    RangeStrip,
    Series,
    Span,
    StackChart,
    StackRow,
    Term,
    TimeLine,
    Tone,
    Unit,
    Zone,
)
from trainyard.linter.charts.numbers import interval, scientific, written
from trainyard.linter.estimate.memory import Memory
from trainyard.linter.planning.checks import MOST_IMBALANCE
from trainyard.linter.planning.rates import TOO_SMALL
from trainyard.linter.planning.training_plan import (
    Callbacks,
    Classes,
    MemoryNeed,
    Placement,
    RateCurve,
    RateRange,
    Regularization,
    Steps,
    Stopping,
)
from trainyard.linter.rules.wording import count

#: How many decades below its top a curve is drawn; what falls to zero would need them all.
DECADES_DRAWN = 5
_WORDS = {
    Placement.TOO_LOW: "too low",
    Placement.LOW: "below the usual range",
    Placement.USUAL: "in the usual range",
    Placement.HIGH: "above the usual range",
    Placement.TOO_HIGH: "too high",
}
_TERMS = {
    "weights": "weights",
    "gradients": "gradients",
    "optimizer_slots": "optimizer",
    "activations": "activations",
    "workspace": "workspace",
    "context": "device context",
    "data": "data on the device",
}


def placed(rate: RateRange) -> str:
    """Return where the rate lies, in words."""
    return _WORDS[rate.placement]


def rate_strip(rate: RateRange) -> RangeStrip:
    """Return where the rate lies between too low and too high."""
    bounds = [rate.too_low_below, rate.usual_low, rate.usual_high, rate.too_high_above]
    known = [value for value in (*bounds, rate.learning_rate, rate.suggested) if 0 < value < float("inf")]
    low, high = min(known) / 4, max(known) * 4
    edges = [("too low", low, bounds[0], Tone.BAD), ("low", max(low, bounds[0]), bounds[1], Tone.CARE)]
    edges += [
        ("usual", bounds[1], bounds[2], Tone.GOOD),
        ("high", bounds[2], min(high, bounds[3]), Tone.CARE),
        ("too high", bounds[3], high, Tone.BAD),
    ]
    summary = (
        f"{scientific(rate.learning_rate)} is {placed(rate)}; usual here is {scientific(rate.usual_low)} to {scientific(rate.usual_high)}, "
        f"a rate to start from is {scientific(rate.suggested)}."
    )
    own = Pointer(max(low, rate.learning_rate), f"yours {scientific(rate.learning_rate)}")
    start = Pointer(rate.suggested, f"to start from {scientific(rate.suggested)}", main=False)
    return RangeStrip(
        "Learning rate among the usual ones", summary, Unit.RATE, tuple(Zone(*edge) for edge in edges if edge[1] < edge[2]), (own, start)
    )


def rate_chart(curve: RateCurve) -> LineChart:
    """Return the learning rate over the epochs, on a logarithmic axis."""
    points = curve.points
    top = max((point.high for point in points if 0 < point.high < math.inf), default=1.0)
    least = min((point.low for point in points if 0 < point.low < math.inf), default=top)
    axis = Axis("learning rate", Unit.RATE, log=True, low=max(least, top / 10**DECADES_DRAWN))
    bands = (
        (Band("as low as the plateau can bring it", tuple((point.epoch, point.low, point.high) for point in points), 1),)
        if curve.plateau
        else ()
    )
    name = "if the plateau never reduces" if curve.plateau else "learning rate"
    told = [mark for mark in curve.at_epochs if mark.high is not None]
    marks = tuple(Mark(float(mark.epoch), mark.high or 0.0, scientific(mark.high or 0.0)) for mark in told)
    spread = f"from {scientific(curve.highest)} at most to {scientific(curve.lowest)} at least"
    return LineChart(
        "Learning rate over the epochs",
        f"The rate goes {spread}"
        + (
            f", with a warm-up of {curve.warmup_epochs:.3g} {'epoch' if curve.warmup_epochs == 1 else 'epochs'}."
            if curve.warmup_epochs
            else "."
        ),
        Axis("epoch", Unit.NUMBER, low=0.0, high=points[-1].epoch),
        axis,
        (Series(name, tuple((point.epoch, point.high) for point in points)),),
        bands,
        marks,
        (Limit(TOO_SMALL, "1e-7, too small to learn"),),
    )


def class_bars(classes: Classes) -> BarChart:
    """Return the samples of each class, and beside them what it weighs in the loss."""
    weighted = any(row.weight != 1.0 for row in classes.rows)
    severe = classes.ratio > MOST_IMBALANCE
    last = len(classes.rows) - 1

    def tone(place: int) -> Tone:
        return Tone.CARE if severe and place in {0, last} else Tone.PLAIN

    bars = tuple(
        Bar(row.name, row.samples, row.samples * row.weight if weighted else None, f"x {row.weight:.3g}" if weighted else "", tone(place))
        for place, row in enumerate(classes.rows)
    )
    severity = ", which is severe" if severe else ""
    told = f"{len(bars)} classes; the largest has {classes.ratio:.3g} times the samples of the smallest{severity}."
    return BarChart(
        "Samples per class",
        f"{told} In force: {classes.method}.",
        Unit.COUNT,
        "samples",
        bars,
        "samples times weight" if weighted else "",
        "class",
    )


def regularization_bars(found: Regularization, told: list[tuple[str, str]]) -> BarChart:
    """Return each active technique's setting over its usual one; ``told`` names it and says its setting."""
    bars = tuple(
        Bar(name, each.strength, None, f"the usual ({setting})") for each, (name, setting) in zip(found.techniques, told, strict=True)
    )
    return BarChart(
        "Active techniques", f"{len(bars)} on; 1 is the usual setting of each.", Unit.FACTOR, "strength", bars, name_header="technique"
    )


def memory_stack(memory: MemoryNeed) -> StackChart:
    """Return the memory of each phase by term, against what the card can give."""
    hardware = memory.hardware
    limits = () if hardware is None else (Limit(hardware.usable_bytes, f"usable of {hardware.device}", Tone.BAD),)
    return StackChart(
        "Device memory by phase",
        f"Most is needed to {memory.peak_phase}: {interval(memory.peak.low, memory.peak.high, Unit.BYTES)}"
        + ("." if hardware is None else f" of {written(hardware.usable_bytes, Unit.BYTES)}."),
        Unit.BYTES,
        tuple(StackRow(name, terms(each)) for name, each in memory.phases.items()),
        limits,
    )


def terms(memory: Memory) -> tuple[Term, ...]:
    """Return the terms of a sum of memory by the names that people know; empty ones are left out."""
    return tuple(
        Term(name, getattr(memory, field).low, getattr(memory, field).high) for field, name in _TERMS.items() if getattr(memory, field).high
    )


def time_line(callbacks: Callbacks, curve: RateCurve | None, steps: Steps | None) -> TimeLine:
    """Return what happens when over the epochs."""
    last = callbacks.stages[-1].last_epoch
    lanes = [
        Lane(
            "training",
            tuple(Span(stage.first_epoch - 1, stage.last_epoch, _stage_words(stage.name, stage.trainable)) for stage in callbacks.stages),
        )
    ]
    if curve is not None and (curve.warmup_epochs or callbacks.reductions):
        lanes.append(_rate_lane(callbacks, curve))
    if callbacks.checkpoints is not None:
        kept = callbacks.checkpoints
        label = f"whenever {kept.monitor} improves" + (f", the {kept.keep} best" if kept.keep > 1 else "")
        lanes.append(Lane("checkpoint", (Span(0, last, label, Tone.GOOD),), (Event(last, "", Tone.GOOD),)))
    if callbacks.stopping is not None:
        lanes.append(_stopping_lane(callbacks.stopping, last))
    if callbacks.tensorboard:
        lanes.append(Lane("TensorBoard", (Span(0, last, "a log entry every epoch"),)))
    told = f", {count(steps.per_epoch, 'step')} each" if steps is not None else ""
    return TimeLine("What happens when", f"Over {count(last, 'epoch')}{told}: {_said(callbacks)}.", "epoch", float(last), tuple(lanes))


def _stage_words(name: str, trainable: str) -> str:
    return f"{name}: {trainable} learn{'s' if trainable == 'the head' else ''}"


def _rate_lane(callbacks: Callbacks, curve: RateCurve) -> Lane:
    """Return when the schedule does what: its clock starts with the main training, which comes last."""
    main = callbacks.stages[-1]
    spans = (
        (
            Span(
                main.first_epoch - 1,
                min(main.first_epoch - 1 + curve.warmup_epochs, main.last_epoch),
                f"warm-up, {curve.warmup_epochs:.3g} {'epoch' if curve.warmup_epochs == 1 else 'epochs'}",
                Tone.CARE,
            ),
        )
        if curve.warmup_epochs
        else ()
    )
    first = callbacks.reductions[:1]
    events = tuple(
        Event(epoch, f"first reduction after epoch {epoch} at the earliest" if epoch in first else "") for epoch in callbacks.reductions
    )
    return Lane("learning rate", spans, events)


def _stopping_lane(stopping: Stopping, last: int) -> Lane:
    if stopping.first_epoch is None:
        return Lane("early stop", (), (Event(last, f"patience {stopping.patience} cannot run out before the end"),))
    label = f"may stop: no better {stopping.monitor} for {stopping.patience} epochs"
    first = f"after epoch {stopping.first_epoch} at the earliest"
    return Lane(
        "early stop", (Span(stopping.first_epoch, last, label, Tone.CARE, open=True),), (Event(stopping.first_epoch, first, Tone.CARE),)
    )


def _said(callbacks: Callbacks) -> str:
    parts = []
    if callbacks.checkpoints is not None:
        parts.append(f"the best model by {callbacks.checkpoints.monitor} is kept")
    if callbacks.stopping is not None:
        epoch = callbacks.stopping.first_epoch
        parts.append("early stopping cannot fire" if epoch is None else f"early stopping can end it after epoch {epoch} at the earliest")
    return ", ".join(parts) or "nothing is kept and nothing stops it"
