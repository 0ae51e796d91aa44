"""The literal checks of the page that Trainyard grew from, always shown, whatever the ruleset.

They know no context: a rate of 0.05 is above 0.01 for SGD, too. The verdict follows the ruleset, not this table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from trainyard.linter.charts.models import Unit
from trainyard.linter.charts.numbers import interval, scientific
from trainyard.linter.planning.rates import TOO_SMALL
from trainyard.linter.planning.training_plan import Check, Classes, MemoryNeed, RateCurve, Status
from trainyard.linter.rules.regularization import is_regularized
from trainyard.linter.rules.wording import number, size
from trainyard.linter.source.severity import Severity

if TYPE_CHECKING:
    from trainyard.linter.engine.findings import Finding
    from trainyard.linter.engine.report import Report
    from trainyard.linter.rules.case import Case

HIGHEST_RATE, LOWEST_RATE, FEWEST_EPOCHS, MOST_IMBALANCE = 0.01, 0.00001, 10, 10.0
_RATE = "/optimizer/learning_rate"
# Families of rules that hold data, model and loss against each other.
_MATCHING = ("/model", "/loss", "/task", "/dataset/input_shape", "/dataset/facts", "/metrics")


def checks(case: Case, report: Report, curve: RateCurve | None, memory: MemoryNeed | None, classes: Classes | None) -> tuple[Check, ...]:
    """Return every check with how it came out."""
    spec = case.spec
    return (
        *_rate(spec.optimizer.learning_rate),
        _schedule(curve),
        _batch(memory),
        _check(
            "epochs",
            f"at least {FEWEST_EPOCHS} epochs",
            spec.training.epochs >= FEWEST_EPOCHS,
            number(spec.training.epochs),
            "/training/epochs",
        ),
        _check(
            "regularization",
            "some regularization is on",
            is_regularized(case),
            "on" if is_regularized(case) else "no dropout, penalty, decay or augmentation",
            "/regularization",
        ),
        _imbalance(case, classes),
        _complete(report),
        _matching(case, report),
        _paths(case),
    )


def unread(report: Report) -> tuple[Check, ...]:
    """Return the one check that can be made of a text that is no spec."""
    return (_complete(report),)


def _check(name: str, asks: str, good: bool, detail: str, pointer: str, bad: Status = Status.WARNING) -> Check:  # noqa: PLR0917 -- columns
    return Check(name, asks, Status.OK if good else bad, detail, pointer)


def _rate(rate: float) -> Iterator[Check]:
    yield _check("learning-rate-at-most", "learning rate at most 0.01", rate <= HIGHEST_RATE, scientific(rate), _RATE)
    yield _check("learning-rate-at-least", "learning rate at least 0.00001", rate >= LOWEST_RATE, scientific(rate), _RATE)


def _schedule(curve: RateCurve | None) -> Check:
    asks = "scheduled rate stays at 1e-7 or above"
    if curve is None:
        return Check("scheduled-rate", asks, Status.UNKNOWN, "the curve is not known", "/scheduler")
    if curve.lowest >= TOO_SMALL:
        return Check("scheduled-rate", asks, Status.OK, f"lowest {scientific(curve.lowest)}", "/scheduler")
    where = f" in epoch {curve.below_epoch}" if curve.below_epoch is not None else " if the plateau reduces as often as it can"
    return Check("scheduled-rate", asks, Status.WARNING, f"falls below{where}", "/scheduler")


def _batch(memory: MemoryNeed | None) -> Check:
    asks, pointer = "batch fits the GPU memory", "/training/batch_size"
    if memory is None:
        return Check("batch-fits", asks, Status.UNKNOWN, "the memory is not known", pointer)
    if memory.hardware is None:
        fitting = next((card for card in memory.cards if card.fits), None)
        if fitting is None:
            none_at_all = all(card.fits is False for card in memory.cards)
            return Check("batch-fits", asks, Status.ERROR if none_at_all else Status.UNKNOWN, "no card known is large enough", pointer)
        return Check("batch-fits", asks, Status.UNKNOWN, f"no card named; fits from {size(fitting.memory_bytes)} ({fitting.name})", pointer)
    need = interval(memory.peak.low, memory.peak.high, Unit.BYTES)
    detail = f"{need} of {size(memory.hardware.usable_bytes)}"
    if memory.fits is None:
        return Check("batch-fits", asks, Status.WARNING, f"may not fit: {detail}", pointer)
    return _check("batch-fits", asks, memory.fits, detail, pointer, Status.ERROR)


def _imbalance(case: Case, classes: Classes | None) -> Check:
    asks, pointer = "largest class at most 10 times the smallest", "/imbalance"
    if case.spec.task != "classification":
        return Check("class-balance", asks, Status.OK, f"a {case.spec.task} has no exclusive classes", pointer)
    if classes is None:
        return Check("class-balance", asks, Status.UNKNOWN, "no class counts are known", pointer)
    return _check("class-balance", asks, classes.ratio <= MOST_IMBALANCE, f"{classes.ratio:.3g} : 1, {classes.method}", pointer)


def _complete(report: Report) -> Check:
    faults = [finding for finding in _errors(report) if finding.code.startswith(("SPEC", "JSON"))]
    detail = "every section is there" if not faults else f"{len(faults)} to mend: {faults[0].message}"
    return _check("complete", "all required fields are set", not faults, detail, faults[0].pointer if faults else "", Status.ERROR)


def _matching(case: Case, report: Report) -> Check:
    asks = "dataset and model go together"
    faults = [finding for finding in _errors(report) if finding.pointer.startswith(_MATCHING) and not finding.code.startswith("SPEC")]
    if faults:
        return Check("data-fits-model", asks, Status.ERROR, faults[0].message, faults[0].pointer)
    shapes = case.shapes
    if shapes is None:
        return Check("data-fits-model", asks, Status.UNKNOWN, "input shape or classes are not known", "/model")
    if shapes.obstacle is not None:
        return Check("data-fits-model", asks, Status.ERROR, shapes.obstacle.reason, shapes.obstacle.pointer)
    shape = " x ".join(map(str, shapes.input_shape))
    return Check("data-fits-model", asks, Status.OK, f"{shape} in, {' x '.join(map(str, shapes.output_shape))} out", "/model")


def _paths(case: Case) -> Check:
    asks, pointer = "all paths exist", "/dataset/path"
    facts = case.facts
    if facts is None:
        return Check("paths", asks, Status.UNKNOWN, "nobody looked: pass --data-root", pointer)
    parts = (facts, *facts.parts.values())
    problem = next((problem for part in parts if not part.usable for problem in part.problems), None)
    return _check("paths", asks, problem is None, facts.path if problem is None else problem.message, pointer, Status.ERROR)


def _errors(report: Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.severity >= Severity.ERROR and finding.suppressed is None]
