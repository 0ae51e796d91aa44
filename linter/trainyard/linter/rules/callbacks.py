"""What watches the run: whether it watches something that exists, the right way round, and for the right time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from trainyard.linter.rules.case import CLASSIFICATION, Case
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.rules.wording import count, listed, number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity
from trainyard.linter.spec.direction import mode as direction
from trainyard.linter.spec.model.training import EarlyStopping

_LARGE_GAIN = 0.1
_LONG_PATIENCE = 10
_BOUNDED_SCORES = frozenset({"accuracy", "binary_accuracy", "top_k_accuracy", "f1", "fbeta", "precision", "recall", "auc"})
_CROSS_ENTROPIES = frozenset({"binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"})
STOPPING = "/callbacks/early_stopping"
CHECKPOINT = "/callbacks/checkpoint"


class Watcher(NamedTuple):
    """Something that watches a value: what it is called, where it is written, and what it watches how."""

    title: str
    pointer: str
    monitor: str
    mode: str


def watchers(case: Case) -> Iterator[Watcher]:
    """Yield early stopping, checkpoint and plateau, as far as they are on."""
    callbacks = case.spec.callbacks
    if callbacks.early_stopping is not None:
        yield Watcher("early stopping", STOPPING, callbacks.early_stopping.monitor, callbacks.early_stopping.mode)
    if callbacks.checkpoint is not None:
        yield Watcher("the checkpoint", CHECKPOINT, callbacks.checkpoint.monitor, callbacks.checkpoint.mode)
    if case.plateau is not None:
        pointer, plateau = case.plateau
        yield Watcher("the plateau", pointer, plateau.monitor, plateau.mode)


def history(case: Case) -> list[str]:
    """Return the names of the values that every epoch will have; with a validation part, the same with ``val_`` before them."""
    weighted = ["unweighted_loss"] if case.spec.imbalance.type == "class_weights" else []
    return ["loss", *(metric.name for metric in case.spec.metrics), *weighted]


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


class UnknownMonitor(Rule):
    """A callback watches a value that the history will not have.

    What it checks:
        The monitored name is `loss`, with class weights `unweighted_loss`, or the name of a metric, with `val_` before it only where there
        is a validation part.

    Why it fails:
        Keras logs a warning each epoch and goes on: nothing stops, nothing is lowered, no best model is kept.

    Evidence:
        keras/src/callbacks/monitor_callback.py. `val_acc` for `val_accuracy` and `val_…` without validation are the usual forms.

    When to ignore:
        Never.
    """

    code = "CB003"
    name = "unknown-monitor"
    severity = Severity.ERROR
    reads = ("/callbacks", "/scheduler", "/metrics", "/dataset/split/validation", "/imbalance")
    VALID = (
        Valid({"callbacks": {"checkpoint": {"monitor": "val_accuracy"}}}),
        Valid({"callbacks": {"checkpoint": {"monitor": "val_unweighted_loss"}}, "imbalance": {"type": "class_weights"}}, onto="table"),
        Valid({"metrics": [{"type": "auc", "name": "area"}], "callbacks": {"early_stopping": {"monitor": "val_area", "mode": "max"}}}),
    )
    INVALID = (
        Invalid(
            {"callbacks": {"early_stopping": {"monitor": "val_acc", "mode": "max"}}},
            f"{STOPPING}/monitor",
            "'val_accuracy'",
            fix="val_accuracy",
        ),
        Invalid(
            {"metrics": ["mean_absolute_error"], "callbacks": {"early_stopping": {"monitor": "val_mae", "mode": "min"}}},
            f"{STOPPING}/monitor",
            "no metric is called 'mae'",
            fix="val_mean_absolute_error",
            onto="regression",
        ),
        Invalid(
            {"dataset": {"split": {"validation": None}}, "callbacks": {"checkpoint": {"monitor": "val_loss"}}},
            f"{CHECKPOINT}/monitor",
            "no validation part",
            fix="loss",
        ),
        Invalid(
            {"scheduler": {"type": "reduce_on_plateau", "monitor": "val_auc", "mode": "max"}},
            "/scheduler/monitor",
            "no metric is called 'auc'",
            fix="val_accuracy",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare each monitored name with those that the history will have."""
        metrics = history(case)
        validated = case.spec.dataset.split.validation is not None
        known = metrics + [f"val_{name}" for name in metrics] if validated else metrics
        for watcher in watchers(case):
            if watcher.monitor not in known:
                yield self._violation(watcher, known, validated=validated)

    @staticmethod
    def _violation(watcher: Watcher, known: list[str], *, validated: bool) -> Violation:
        from difflib import get_close_matches

        from trainyard.linter.spec.nearest import nearest_word

        name = watcher.monitor.removeprefix("val_")
        if name in known and not validated:
            problem, value = "there is no validation part", name
        else:
            meant = nearest_word(name, [each for each in known if not each.startswith("val_")])
            close = (
                [f"val_{meant.word}" if validated else meant.word] if meant else get_close_matches(watcher.monitor, known, n=1, cutoff=0.6)
            )
            quoted = listed([f"'{each}'" for each in known], "and")
            problem = f"no metric is called '{name}', there are {quoted}"
            value = close[0] if close else ("val_loss" if validated else "loss")
        pointer = f"{watcher.pointer}/monitor"
        message = f"{watcher.title} watches '{watcher.monitor}', which no epoch will have: {problem}; write '{value}'"
        return Violation(pointer, message, suggestion=Suggestion(pointer, value))


class MonitorDirection(Rule):
    """A callback takes better for worse.

    What it checks:
        `mode` against the monitored value: `min` for losses and errors, `max` for scores such as accuracy, F1 or AUC.

    Why it fails:
        The worst model is kept as the best, and the run ends while it is improving.

    Evidence:
        Keras 2 guessed the direction from the name and minimised everything it did not know (keras-team/tf-keras#253); Keras 3
        asks the metric. In this language it is written down, and derived when it is not.

    When to ignore:
        Never.
    """

    code = "CB004"
    name = "monitor-direction-reversed"
    severity = Severity.ERROR
    reads = ("/callbacks", "/scheduler", "/metrics")
    VALID = (Valid({"callbacks": {"checkpoint": {"monitor": "val_accuracy", "mode": "max"}}}),)
    INVALID = (
        Invalid(
            {"callbacks": {"checkpoint": {"monitor": "val_accuracy", "mode": "min"}}}, f"{CHECKPOINT}/mode", "larger is better", fix="max"
        ),
        Invalid({"callbacks": {"early_stopping": {"mode": "max"}}}, f"{STOPPING}/mode", "smaller is better", fix="min"),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare each mode with the one that the value has."""
        known = history(case)
        for watcher in watchers(case):
            pointer = f"{watcher.pointer}/mode"
            if not case.wrote(pointer) or watcher.monitor.removeprefix("val_") not in known:
                continue  # what no epoch will have is told by its name
            metrics = [{"name": metric.name, "type": metric.type} for metric in case.spec.metrics]
            right = direction(watcher.monitor, metrics)
            if watcher.mode != right:
                better = "larger" if right == "max" else "smaller"
                message = f"{watcher.title} takes '{watcher.monitor}' the wrong way round: {better} is better; write '{right}'"
                yield Violation(pointer, message, suggestion=Suggestion(pointer, right))


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


class BestModelNotKept(Rule):
    """The run may stop early and ends with whatever weights it had then.

    What it checks:
        Early stopping with `restore_best` off, and no checkpoint.

    Why it fails:
        The final weights are `patience` epochs past the best ones.

    Evidence:
        keras/src/callbacks/early_stopping.py: without `restore_best_weights` the last epoch's weights stay.

    When to ignore:
        When the last weights are wanted, for instance to go on from them.
    """

    code = "CB006"
    name = "best-model-not-kept"
    severity = Severity.INFO
    reads = (STOPPING, CHECKPOINT)
    VALID = (Valid({"callbacks": {"early_stopping": {"restore_best": False}}}), Valid({"callbacks": {"checkpoint": None}}))
    INVALID = (
        Invalid(
            {"callbacks": {"early_stopping": {"restore_best": False}, "checkpoint": None}},
            f"{STOPPING}/restore_best",
            "10 epochs past the best",
            fix=True,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look whether anything keeps the best weights."""
        stopping = _stopping(case)
        if stopping is not None and not stopping.restore_best and case.spec.callbacks.checkpoint is None:
            pointer = f"{STOPPING}/restore_best"
            message = (
                f"the run ends with weights that are {count(stopping.patience, 'epoch')} past the best, which are not kept; write true"
            )
            yield Violation(pointer, message, suggestion=Suggestion(pointer, value=True))


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


class GainOutOfReach(Rule):
    """Early stopping asks for a gain that a working run does not make.

    What it checks:
        `min_delta` of early stopping: 0.1 and more of a score that ends at 1, such as accuracy; of a cross-entropy, half of what guessing
        costs, log K.

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
    reads = (STOPPING, "/metrics", "/loss", "/dataset/facts/classes")
    optional = ("/metrics", "/loss", "/dataset/facts/classes")
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
        else:
            return
        message = f"early stopping counts nothing but a gain of {number(stopping.min_delta)} in '{stopping.monitor}', {limit}; write 0.0001"
        yield Violation(pointer, message, suggestion=Suggestion(pointer, 0.0001))


class WatchingOutOfRange(Rule):
    """A callback has a number that turns its meaning round.

    What it checks:
        `min_delta` of early stopping and plateau at least 0, `keep` of the checkpoint at least 1, `cooldown` at least 0; `times` of
        `on_divergence` at least 1 and its `factor` between 0 and 1.

    Why it fails:
        A negative gain counts a worse epoch as a better one; a checkpoint that keeps nothing saves nothing; rolling back to the same or a
        higher rate diverges again.

    Evidence:
        keras/src/callbacks/monitor_callback.py (the gain is added to the best value). The others follow from the definition.

    When to ignore:
        Never.
    """

    code = "CB009"
    name = "callback-out-of-range"
    severity = Severity.ERROR
    reads = ("/callbacks", "/scheduler")
    optional = reads
    VALID = (Valid({"callbacks": {"early_stopping": {"min_delta": 0}}}),)
    INVALID = (
        Invalid({"callbacks": {"early_stopping": {"min_delta": -0.1}}}, f"{STOPPING}/min_delta", "worse epoch", fix=0.0001),
        Invalid({"callbacks": {"checkpoint": {"keep": 0}}}, f"{CHECKPOINT}/keep", "keeps nothing", fix=1),
        Invalid(
            {"callbacks": {"on_divergence": {"action": "roll_back", "factor": 2}}},
            "/callbacks/on_divergence/factor",
            "between 0 and 1",
            fix=0.5,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at each number."""
        callbacks, plateau = case.spec.callbacks, case.plateau
        divergence = callbacks.on_divergence
        rolls = divergence.action == "roll_back"
        numbers: list[tuple[str, float | None, float, str, float]] = [
            (f"{STOPPING}/min_delta", getattr(callbacks.early_stopping, "min_delta", None), 0, "counts a worse epoch as a gain", 1e-4),
            (f"{CHECKPOINT}/keep", getattr(callbacks.checkpoint, "keep", None), 1, "keeps nothing", 1),
            ("/callbacks/on_divergence/times", divergence.times if rolls else None, 1, "never rolls back", 2),
        ]
        if plateau is not None:
            numbers += [
                (f"{plateau[0]}/min_delta", plateau[1].min_delta, 0, "counts a worse epoch as a gain", 1e-4),
                (f"{plateau[0]}/cooldown", plateau[1].cooldown, 0, "is no number of epochs", 0),
            ]
        for pointer, value, least, outcome, usual in numbers:
            if value is not None and value < least:
                message = f"{pointer.rsplit('/', 1)[-1]} {number(value)} {outcome}; write {number(usual)}"
                yield Violation(pointer, message, suggestion=Suggestion(pointer, usual))
        if rolls and not 0 < divergence.factor < 1:
            pointer = "/callbacks/on_divergence/factor"
            message = f"factor {number(divergence.factor)} has to lie between 0 and 1 to lower the rate; write 0.5"
            yield Violation(pointer, message, suggestion=Suggestion(pointer, 0.5))


RULES = (
    WatchingOutOfRange(),
    GainOutOfReach(),
    StoppingBeforePlateau(),
    PatienceZero(),
    UnknownMonitor(),
    MonitorDirection(),
    PatienceNeverFires(),
    BestModelNotKept(),
    StoppingDuringWarmup(),
)
