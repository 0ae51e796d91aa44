"""The plan as JSON: stable names from the first release, described by ``plan.schema.json`` beside this file.

A section that is not known is ``null``, and ``needs`` says what would tell it. Intervals are ``{"low", "high"}``; bytes and seconds
stand in the names of what they count. What is infinite is ``null``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trainyard.linter.engine.report import finding_json
from trainyard.linter.planning.pictures import terms
from trainyard.linter.planning.training_plan import BatchRow, ClassRow, MemoryNeed, RateCurve, Stopping, TimeNeed, TrainingPlan

if TYPE_CHECKING:
    from trainyard.linter.estimate.disk import Disk
    from trainyard.linter.estimate.hardware import HardwareProfile
    from trainyard.linter.estimate.memory import Memory

JSON_VERSION = 1

Object = dict[str, Any]


def document(plan: TrainingPlan, path: str) -> Object:
    """Return the plan of the spec at ``path`` as plain JSON."""
    report, hardware = plan.report, None if plan.memory is None else plan.memory.hardware
    told = {
        "version": JSON_VERSION,
        "path": path,
        "digest": report.spec_digest,
        "ruleset": report.ruleset,
        "fail_on": report.fail_on.label if report.fail_on is not None else "never",
        "verdict": "pass" if report.passed else "fail",
        "findings": [finding_json(finding) for finding in report.findings],
        "more_findings": report.more_findings,
        "needs": [each._asdict() for each in plan.needs],
        "assumed": [each._asdict() for each in plan.assumed],
        "hardware": None if hardware is None else _hardware(hardware),
        "subject": None if plan.subject is None else plan.subject._asdict(),
        "steps": None if plan.steps is None else plan.steps._asdict(),
        "learning_rate": None if plan.rate is None else plan.rate._asdict(),
        "optimizers": [{**row._asdict(), "memory": row.memory} for row in plan.optimizers],
        "curve": None if plan.curve is None else _curve(plan.curve),
        "time": None if plan.time is None else _time(plan.time),
        "memory": None if plan.memory is None else _memory(plan.memory),
        "disk": None if plan.disk is None else _disk(plan.disk),
        "batches": None if plan.batches is None else [_batch(row) for row in plan.batches.rows],
        "regularization": None
        if plan.regularization is None
        else {"strength": plan.regularization.strength, "techniques": [each._asdict() for each in plan.regularization.techniques]},
        "classes": None
        if plan.classes is None
        else {"ratio": plan.classes.ratio, "method": plan.classes.method, "rows": [_class(row) for row in plan.classes.rows]},
        "callbacks": None if plan.callbacks is None else _callbacks(plan),
        "checks": [check._asdict() for check in plan.checks],
        "configuration": plan.configuration,
        "written": plan.written,
    }
    made: Object = _plain(told)
    return made


def _plain(value: Any) -> Any:
    """Return a value with enums as text, tuples as lists, and nothing infinite."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, tuple | list) else value


def _span(interval: tuple[float, float]) -> Object:
    return {"low": interval[0], "high": interval[1]}


def _hardware(profile: HardwareProfile) -> Object:
    return {
        "name": profile.name,
        "device": profile.device,
        "backend": profile.backend,
        "memory_bytes": profile.memory_bytes,
        "usable_bytes": profile.usable_bytes,
        "calibrated": profile.calibrated,
    }


def _curve(curve: RateCurve) -> Object:
    return {
        "points": [point._asdict() for point in curve.points],
        "at_epochs": [each._asdict() for each in curve.at_epochs],
        "lowest": curve.lowest,
        "highest": curve.highest,
        "warmup_epochs": curve.warmup_epochs,
        "share_below_1e-7": curve.share_below,
        "first_epoch_below_1e-7": curve.below_epoch,
        "plateau": curve.plateau,
    }


def _time(time: TimeNeed) -> Object:
    parts = None if time.times is None else {name: _span(span) for name, span in time.times._asdict().items() if name != "calibrated"}
    return {
        "total_seconds": _span(time.total),
        "calibrated": time.calibrated,
        "parts_seconds": parts,
        "on_common_cards": [{"device": device, "total_seconds": _span(total)} for device, total in time.elsewhere],
    }


def _memory(memory: MemoryNeed) -> Object:
    return {
        "peak_phase": memory.peak_phase,
        "peak_bytes": _span(memory.peak),
        "fits": memory.fits,
        "phases": [_phase(name, each) for name, each in memory.phases.items()],
        "cards": [card._asdict() for card in memory.cards],
    }


def _phase(name: str, memory: Memory) -> Object:
    return {
        "phase": name,
        "total_bytes": _span(memory.total),
        "terms": [{"term": term.name, "bytes": _span((term.low, term.high))} for term in terms(memory)],
    }


def _disk(disk: Disk) -> Object:
    return {
        "model_bytes": _span(disk.model),
        "checkpoint_bytes": _span(disk.checkpoint),
        "kept": disk.kept,
        "logs_bytes": _span(disk.logs),
        "total_bytes": _span(disk.total),
        "peak_bytes": _span(disk.peak),
    }


def _batch(row: BatchRow) -> Object:
    choice = row.choice
    return {
        "batch_size": choice.batch_size,
        "own": choice.own,
        "steps_per_epoch": choice.steps_per_epoch,
        "relative_speed": _span((row.speed_low, row.speed_high)),
        "memory_bytes": _span(choice.memory),
        "fits": choice.fits,
        "epoch_seconds": None if choice.epoch is None else _span(choice.epoch),
        "generalization": choice.generalization.value,
        "disputed": choice.generalization.disputed,
        "note": choice.generalization.note,
        "learning_rate": choice.learning_rate,
    }


def _callbacks(plan: TrainingPlan) -> Object:
    found = plan.callbacks
    assert found is not None  # noqa: S101 - the caller has looked
    return {
        "early_stopping": None if found.stopping is None else _stopping(found.stopping),
        "checkpoint": None if found.checkpoints is None else found.checkpoints._asdict(),
        "tensorboard": found.tensorboard,
        "earliest_reductions": list(found.reductions),
        "stages": [stage._asdict() for stage in found.stages],
    }


def _class(row: ClassRow) -> Object:
    return {
        "name": row.name,
        "count": row.samples,
        "train_count": row.train_samples,
        "weight": row.weight,
        "balanced_weight": row.balanced,
        "effect": row.effect,
    }


def _stopping(stopping: Stopping) -> Object:
    likelihood = None if stopping.likelihood is None else stopping.likelihood._asdict()
    return {**stopping._asdict(), "likelihood": likelihood}
