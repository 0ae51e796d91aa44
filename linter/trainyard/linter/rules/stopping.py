"""When a run ends early: in time, not at once, and by a gain that a run can make."""

from __future__ import annotations

import math
from collections.abc import Iterator

from trainyard.linter.rules.callbacks import STOPPING
from trainyard.linter.rules.case import CLASSIFICATION, Case
from trainyard.linter.rules.output import loss_type, target_range
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.rules.wording import count, number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity
from trainyard.linter.spec.model.scheduler import Cosine, OneCycle
from trainyard.linter.spec.model.training import EarlyStopping
from trainyard.linter.spec.model.units import Length

_LARGE_GAIN = 0.1


_LONG_PATIENCE = 10


_BOUNDED_SCORES = frozenset({"accuracy", "binary_accuracy", "top_k_accuracy", "f1", "fbeta", "precision", "recall", "auc"})


_CROSS_ENTROPIES = frozenset({"binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"})


def _stopping(case: Case) -> EarlyStopping | None:
    return case.spec.callbacks.early_stopping


def _place(case: Case, pointer: str) -> str:
    """Return the field where it is written, else the nearest section that is."""
    while pointer and not case.wrote(pointer):
        pointer = pointer.rpartition("/")[0]
    return pointer


class StoppingBeforePlateau(Rule):
    """Early stopping ends the run before the plateau has lowered the learning rate.

    What it checks:
        Both watch the same value, and early stopping's patience is not above the plateau's patience plus its cool-down.

    Why it fails:
        Both count epochs without improvement and act when the count reaches their patience: with equal values the run ends in
        the very epoch in which the rate is lowered for the first time.

    Evidence:
        keras/src/callbacks/early_stopping.py and reduce_lr_on_plateau.py (both compare `wait >= patience`); keras-team/keras#9541.
        The defaults of Keras, 0 and 10, already do it.

    When to ignore:
        When the lower rate is meant as a last resort only.
    """

    code = "CB001"
    name = "stopping-before-plateau"
    severity = Severity.WARNING
    reads = (STOPPING, "/scheduler", "/training/epochs")
    VALID = (Valid({"scheduler": {"type": "reduce_on_plateau", "patience": 4}}),)
    INVALID = (
        Invalid(
            {"scheduler": {"type": "reduce_on_plateau", "patience": 5}, "callbacks": {"early_stopping": {"patience": 5}}},
            f"{STOPPING}/patience",
            "ends the run before",
            fix=11,
        ),
        Invalid(
            {"scheduler": {"type": "reduce_on_plateau", "patience": 12}},
            "/scheduler/patience",
            "patience 10 (the default)",
            fix=25,
            fix_at=f"{STOPPING}/patience",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare the two patiences."""
        stopping = _stopping(case)
        if stopping is None or case.plateau is None or stopping.patience <= 0:
            return
        place, plateau = case.plateau
        if (
            stopping.monitor != plateau.monitor
            or stopping.patience > plateau.patience + plateau.cooldown
            or plateau.patience >= case.epochs
        ):
            return
        pointer = f"{STOPPING}/patience"
        value = 2 * plateau.patience + plateau.cooldown + 1
        told = f"early stopping with patience {stopping.patience}{case.origin(pointer)} ends the run before"
        where = pointer if case.wrote(pointer) else _place(case, f"{place}/patience")
        message = f"{told} the plateau with patience {plateau.patience} has lowered the learning rate"
        if value < case.epochs:
            yield Violation(where, f"{message}; write {value}", suggestion=Suggestion(pointer, value))
        else:
            yield Violation(where, f"{message}, and {case.epochs} epochs leave no room for both; write a smaller patience for the plateau")


class PatienceZero(Rule):
    """Early stopping has no patience.

    What it checks:
        `callbacks.early_stopping.patience` is above zero.

    Why it fails:
        The run ends with the first epoch that does not improve, and every loss curve has one early on.

    Evidence:
        keras/src/callbacks/early_stopping.py; zero is Keras' own default, and in Keras 2.8 to 2.11 it stopped even while
        improving (keras-team/keras#17305).

    When to ignore:
        When any setback has to end the run.
    """

    code = "CB002"
    name = "early-stopping-without-patience"
    severity = Severity.WARNING
    reads = (STOPPING, "/training/epochs")
    VALID = (Valid({"callbacks": {"early_stopping": {"patience": 3}}}),)
    INVALID = (Invalid({"callbacks": {"early_stopping": {"patience": 0}}}, f"{STOPPING}/patience", "first epoch", fix=7),)

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at the patience."""
        stopping = _stopping(case)
        if stopping is not None and stopping.patience <= 0:
            pointer = f"{STOPPING}/patience"
            value = max(5, min(10, case.epochs // 4))
            if case.plateau is not None:  # which has to come first
                value = max(value, min(2 * case.plateau[1].patience + case.plateau[1].cooldown + 1, case.epochs - 1))
            message = f"early stopping with patience {stopping.patience} ends the run at the first epoch without improvement; write {value}"
            yield Violation(pointer, message, suggestion=Suggestion(pointer, value))


class PatienceNeverFires(Rule):
    """A patience is as long as the whole run.

    What it checks:
        The patience of early stopping (plus `start_from_epoch`) and of a plateau against `training.epochs`, where it was written.

    Why it fails:
        Nothing breaks, but it can never act.

    Evidence:
        Follows from the definition: the count cannot reach the patience before the last epoch.

    When to ignore:
        When the spec is one of several that differ in length only.
    """

    code = "CB005"
    name = "patience-never-fires"
    severity = Severity.INFO
    reads = (STOPPING, "/scheduler", "/training/epochs")
    VALID = (Valid({"training": {"epochs": 5}}),)
    INVALID = (
        Invalid({"callbacks": {"early_stopping": {"patience": 30}}}, f"{STOPPING}/patience", "never act", fix=5),
        Invalid({"scheduler": {"type": "reduce_on_plateau", "patience": 40}}, "/scheduler/patience", "never act", fix=3),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare the patiences with the run."""
        stopping = _stopping(case)
        found: list[tuple[str, str, int, int]] = []
        if stopping is not None:
            share = max(5, case.epochs // 10)
            found.append(("early stopping", f"{STOPPING}/patience", stopping.patience + max(0, stopping.start_from_epoch), share))
        if case.plateau is not None:
            found.append(("the plateau", f"{case.plateau[0]}/patience", case.plateau[1].patience, max(2, case.epochs // 10)))
        for title, pointer, patience, value in found:
            if case.wrote(pointer) and patience >= case.epochs > value:
                message = f"{title} waits {count(patience, 'epoch')} of a run of {case.epochs:,}, so it can never act; write {value}"
                yield Violation(pointer, message, suggestion=Suggestion(pointer, value))


class StoppingDuringWarmup(Rule):
    """Early stopping may end the run while the learning rate is still warming up.

    What it checks:
        Early stopping's patience plus `start_from_epoch` against the epochs of the warm-up; from 10 epochs on an info.

    Why it fails:
        At the tiny rates of a warm-up the loss may stand still for epochs, which counts as no improvement.

    Evidence:
        `start_from_epoch` was added to Keras for this (keras-team/keras#17022); openvinotoolkit/deep-object-reid#166.

    When to ignore:
        When the loss is known to fall from the first epoch on.
    """

    code = "CB007"
    name = "stopping-during-warmup"
    severity = Severity.WARNING
    reads = (STOPPING, "/scheduler", "/dataset", "/training/batch_size")
    VALID = (Valid({"scheduler": {"type": "constant", "warmup": {"epochs": 3}}}),)
    INVALID = (
        Invalid(
            {"scheduler": {"type": "constant", "warmup": {"epochs": 5}}, "callbacks": {"early_stopping": {"patience": 3}}},
            STOPPING,
            "warm-up of 5 epochs",
            fix=5,
            fix_at=f"{STOPPING}/start_from_epoch",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare the patience with the longest warm-up."""
        stopping, curve = _stopping(case), case.curve
        if stopping is None or curve is None or not curve.factors:
            return
        warmup = max(each.warmup for each in curve.factors) / curve.steps_per_epoch
        if stopping.patience + max(0, stopping.start_from_epoch) >= warmup:
            return
        value = math.ceil(warmup)
        told = f"early stopping with patience {stopping.patience} may act during the warm-up of {number(round(warmup, 1))} epochs"
        fix = Suggestion(f"{STOPPING}/start_from_epoch", value)
        # That long a loss hardly stands still, even at small rates.
        severity = None if stopping.patience < _LONG_PATIENCE else Severity.INFO
        yield Violation(_place(case, STOPPING), f"{told}; write start_from_epoch {value}", suggestion=fix, severity=severity)


class StoppingAtRestart(Rule):
    """Early stopping acts at the first restart, or while one cycle still rises.

    What it checks:
        Early stopping whose patience, plus `start_from_epoch`, is shorter than a cycle of a cosine with restarts that begins a second time
        within the run (warning), or than the rise of one cycle (info); from a patience of 10 on an info.

    Why it fails:
        A restart takes the rate back to its peak and the loss with it: it is better than before only towards the end of the next cycle, so
        that all epochs until then count as without improvement.

    Evidence:
        Loshchilov & Hutter 2017, arXiv 1608.03983: the error jumps at each restart, and what counts is the end of a cycle. Smith 2018,
        arXiv 1803.09820: in the middle of one cycle the loss may be higher, and the gain comes with the fall.

    When to ignore:
        When one cycle was enough in earlier runs.
    """

    code = "CB010"
    name = "early-stopping-at-restart"
    severity = Severity.WARNING
    reads = (f"{STOPPING}/patience", f"{STOPPING}/start_from_epoch", "/scheduler", "/training/epochs")
    optional = (f"{STOPPING}/start_from_epoch",)
    VALID = (
        Valid(
            {"scheduler": {"type": "cosine", "t_max": {"epochs": 10}, "restarts": True}, "callbacks": {"early_stopping": {"patience": 12}}}
        ),
        Valid({"scheduler": {"type": "cosine", "t_max": {"epochs": 30}}, "callbacks": {"early_stopping": {"patience": 5}}}),
    )
    INVALID = (
        Invalid(
            {"scheduler": {"type": "cosine", "t_max": {"epochs": 10}, "restarts": True}, "callbacks": {"early_stopping": {"patience": 3}}},
            f"{STOPPING}/patience",
            "10 epochs",
            fix=11,
        ),
        Invalid(
            {"scheduler": {"type": "one_cycle"}, "callbacks": {"early_stopping": {"patience": 3}}},
            f"{STOPPING}/patience",
            "rises",
            severity=Severity.INFO,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare the patience with the cycles."""
        stopping, steps, epochs = _stopping(case), case.steps_per_epoch, case.epochs
        pointer = f"{STOPPING}/patience"
        if stopping is None or stopping.patience <= 0 or not case.wrote(STOPPING):
            return
        waits = stopping.patience + max(0, stopping.start_from_epoch)
        for schedule in case.spec.scheduler:
            if isinstance(schedule, Cosine) and schedule.restarts:
                cycle = _epochs(schedule.t_max, steps)
                if cycle is not None and waits < cycle < epochs:
                    value = math.ceil(cycle) + 1
                    told = f"patience {stopping.patience} ends the run after a restart: a cycle takes {number(round(cycle, 1))} epochs"
                    severity = Severity.INFO if stopping.patience >= _LONG_PATIENCE else None
                    fix = Suggestion(pointer, value) if value < epochs else None
                    advice = f"; write {value}" if fix else "; let the rate fall once, without restarts"
                    yield Violation(_place(case, pointer), f"{told}{advice}", suggestion=fix, severity=severity)
            elif isinstance(schedule, OneCycle):
                length = epochs if schedule.length is None else _epochs(schedule.length, steps)
                if length is not None and waits < schedule.rise * length:
                    told = f"patience {stopping.patience} may end the run while the rate of one cycle rises: the gain comes with its fall"
                    yield Violation(_place(case, pointer), f"{told}; switch early stopping off", severity=Severity.INFO)


def _epochs(length: Length, steps: int | None) -> float | None:
    """Return a length in epochs; ``None`` where it is in steps and nobody knows how many make an epoch."""
    if length.epochs is not None:
        return float(length.epochs)
    return None if length.steps is None or not steps else length.steps / steps


class GainOutOfReach(Rule):
    """Early stopping asks for a gain that a working run does not make.

    What it checks:
        `min_delta` of early stopping: 0.1 and more of a score that ends at 1, such as accuracy; of a cross-entropy, half of what guessing
        costs, log K; of a squared or absolute error whose targets are known, half of what it costs to answer 0 to the largest of them.

    Why it fails:
        Whatever improves by less counts as standing still: after `patience` epochs the run ends while it is learning.

    Evidence:
        keras/src/callbacks/early_stopping.py: an epoch improves when the value beats the best by more than `min_delta`. With K classes
        guessing costs log K, and a score cannot gain 0.1 more than ten times.

    When to ignore:
        When the run is to end as soon as it is roughly right.
    """

    code = "CB008"
    name = "early-stopping-gain-out-of-reach"
    severity = Severity.WARNING
    reads = (STOPPING, "/metrics", "/loss", "/dataset/facts/classes", "/dataset/facts/target")
    optional = ("/metrics", "/loss", "/dataset/facts/classes", "/dataset/facts/target")
    VALID = (
        Valid({"callbacks": {"early_stopping": {"monitor": "val_accuracy", "mode": "max", "min_delta": 0.01}}}),
        Valid({"callbacks": {"early_stopping": {"min_delta": 0.05}}}),
    )
    INVALID = (
        Invalid(
            {"callbacks": {"early_stopping": {"monitor": "val_accuracy", "mode": "max", "min_delta": 0.5}}},
            f"{STOPPING}/min_delta",
            "a gain of 0.5",
            fix=0.0001,
        ),
        Invalid({"callbacks": {"early_stopping": {"min_delta": 2}}}, f"{STOPPING}/min_delta", "guessing costs 2.3", fix=0.0001),
        Invalid(
            {
                "callbacks": {"early_stopping": {"min_delta": 1000}},
                "dataset": {"facts": {"target": {"range": {"min": 0, "max": 10}}}},
            },
            f"{STOPPING}/min_delta",
            "costs 100",
            fix=0.0001,
            onto="regression",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare the gain with what there is to gain."""
        stopping = _stopping(case)
        if stopping is None:
            return
        name, loss = stopping.monitor.removeprefix("val_"), case.spec.loss
        kind = next((metric.type for metric in case.spec.metrics if metric.name == name), name)
        pointer = f"{STOPPING}/min_delta"
        if kind in _BOUNDED_SCORES and stopping.min_delta >= _LARGE_GAIN:
            limit = "which a score that ends at 1 makes a few times at most"
        elif name == "loss" and loss is not None and loss.type in _CROSS_ENTROPIES and case.spec.task == CLASSIFICATION:
            guessing = math.log(max(2, case.classes or 2))
            if stopping.min_delta < guessing / 2:
                return
            limit = f"and guessing costs {number(round(guessing, 2))} to begin with"
        elif (most := _most_error(case, kind)) is not None:
            if stopping.min_delta < most / 2:
                return
            limit = f"and answering 0 to all targets costs {number(float(f'{most:.3g}'))} at most"
        else:
            return
        message = f"early stopping counts nothing but a gain of {number(stopping.min_delta)} in '{stopping.monitor}', {limit}; write 0.0001"
        yield Violation(pointer, message, suggestion=Suggestion(pointer, 0.0001))


def _most_error(case: Case, kind: str) -> float | None:
    """Return the most that the watched error can be of answers of 0; ``None`` where it is another value, or the targets are not known."""
    low, high = target_range(case)
    name = loss_type(case) if kind == "loss" else kind
    if case.spec.task != "regression" or low is None or high is None:
        return None
    largest = max(abs(low), abs(high))
    return {"mean_squared_error": largest**2, "mean_absolute_error": largest}.get(name) if largest else None


RULES = (StoppingAtRestart(), GainOutOfReach(), StoppingBeforePlateau(), PatienceZero(), PatienceNeverFires(), StoppingDuringWarmup())
