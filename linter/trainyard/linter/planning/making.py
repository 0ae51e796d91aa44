"""From a report to a plan: each section from the case that was judged, and a line for each that cannot be told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from trainyard.linter.estimate import regularization
from trainyard.linter.planning import checks, happenings, rates
from trainyard.linter.planning.classes import classes
from trainyard.linter.planning.loads import Loads
from trainyard.linter.planning.training_plan import Assumed, Need, Regularization, Steps, Subject, TrainingPlan
from trainyard.linter.rules.case import CLASSIFICATION
from trainyard.linter.rules.traits import dropouts
from trainyard.linter.spec.naming import run_name

if TYPE_CHECKING:
    from trainyard.linter.engine.report import Report, Salvage
    from trainyard.linter.rules.case import Case

_SAMPLES = "needs the number of samples: declare dataset.facts or pass --data-root"
_ABSENT = object()


def training_plan(report: Report) -> TrainingPlan:
    """Return the plan of a judged spec; of one that failed, as far as it could be understood. Never raises for bad input."""
    if report.salvage is None:
        return TrainingPlan(
            report, checks=checks.unread(report), needs=(Need("everything", "the text is no spec yet: mend the errors first"),)
        )
    case = report.salvage.case
    steps = _steps(case)
    obstacle = _obstacle(case)
    loads = None if case.shapes is None or obstacle else Loads(case)
    curve = rates.rate_curve(case)
    found = classes(case)
    memory = None if loads is None else loads.memory()
    return TrainingPlan(
        report,
        subject=_subject(case),
        steps=steps,
        rate=rates.rate_range(case),
        optimizers=rates.optimizer_rows(case),
        curve=curve,
        time=None if loads is None or steps is None else loads.time(),
        batches=None if loads is None or steps is None else loads.batches(steps),
        regularization=_regularization(case),
        classes=found,
        callbacks=happenings.callbacks(case),
        memory=memory,
        disk=None if loads is None else loads.disk(),
        checks=checks.checks(case, report, curve, memory, found),
        configuration=report.salvage.resolved,
        written=case.written,
        needs=tuple(_needs(case, steps, obstacle)),
        assumed=tuple(_assumed(report.salvage)),
    )


def _subject(case: Case) -> Subject:
    spec = case.spec
    built = case.shapes if case.shapes is not None and case.shapes.obstacle is None else None
    declared: int | None = getattr(spec.model, "parameters", None)
    return Subject(
        run_name(spec),
        spec.experiment.description,
        spec.experiment.tags,
        spec.task,
        spec.dataset.type,
        spec.dataset.path,
        case.input_shape,
        case.samples,
        case.classes,
        spec.model.type,
        declared if built is None else built.parameters,
        case.parameters,
    )


def _steps(case: Case) -> Steps | None:
    per_epoch, updates = case.steps_per_epoch, case.updates
    if case.train_samples is None or per_epoch is None or updates is None:
        return None
    training = case.spec.training
    epochs = case.all_epochs
    accumulation = max(1, training.gradient_accumulation)
    return Steps(
        train_samples=case.train_samples,
        samples_per_epoch=case.train_samples if case.samples_per_epoch is None else case.samples_per_epoch,
        validation_samples=case.validation_samples,
        test_samples=case.test_samples,
        batch_size=training.batch_size,
        gradient_accumulation=accumulation,
        drop_remainder=training.drop_remainder,
        epochs=epochs,
        per_epoch=per_epoch,
        total=per_epoch * epochs,
        updates=updates,
    )


def _regularization(case: Case) -> Regularization:
    spec = case.spec
    dropped = list(dropouts(spec.model))
    found = regularization.techniques(
        dropout_conv=[each.rate for each in dropped if each.after == "convolution"],
        dropout_dense=[each.rate for each in dropped if each.after != "convolution"],
        l1=spec.regularization.l1,
        l2=spec.regularization.l2,
        weight_decay=spec.optimizer.weight_decay,
        max_norm=spec.regularization.max_norm,
        transforms=len(spec.augmentation),
    )
    return Regularization(found, regularization.strength(found))


def _obstacle(case: Case) -> str:
    """Return why the model cannot be built; empty where it can, or where nothing is known of it."""
    obstacle = None if case.shapes is None else case.shapes.obstacle
    return "" if obstacle is None else f"the model cannot be built: {obstacle.reason} ({obstacle.pointer})"


def _needs(case: Case, steps: Steps | None, obstacle: str) -> Iterator[Need]:
    if steps is None:
        yield Need("steps", _SAMPLES)
    if case.shapes is None:
        yield Need("memory", _shape_need(case))
    elif obstacle:
        yield Need("memory", obstacle)
    elif case.hardware is None:
        yield Need("hardware", "needs a card to say whether it fits and how long it takes: pass --hardware NAME or FILE")
    if case.shapes is None or obstacle or steps is None:
        yield Need("time", "time needs both the steps and the layers of the model")
    if case.curve is None:
        yield Need("curve", f"a schedule counted in steps {_SAMPLES}")
    if case.spec.task == CLASSIFICATION and not case.class_counts:
        yield Need("classes", "needs the samples per class: declare dataset.facts.class_counts or pass --data-root")


def _shape_need(case: Case) -> str:
    if case.spec.model.type == "declared":
        return "the model is only declared: describe its layers to have them counted"
    missing = [
        what
        for what, is_missing in (
            ("the shape of a sample (dataset.input_shape)", case.input_shape is None),
            ("the number of classes (dataset.facts.classes)", case.final is not None and case.final.units is None and case.classes is None),
        )
        if is_missing
    ]
    return f"needs {' and '.join(missing) or 'the shape of a sample with known lengths (dataset.input_shape)'}, or pass --data-root"


def _assumed(salvage: Salvage) -> Iterator[Assumed]:
    for pointer in sorted(salvage.failed):
        value: Any = salvage.resolved
        for token in pointer.split("/")[1:]:
            key = token.replace("~1", "/").replace("~0", "~")
            if isinstance(value, dict):
                value = value.get(key, _ABSENT)
            elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
                value = value[int(key)]
            else:
                value = _ABSENT
        yield Assumed(pointer, None if value is _ABSENT else value)
