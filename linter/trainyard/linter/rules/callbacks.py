"""What watches the run: whether it watches something that exists, the right way round, and for the right time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from trainyard.linter.rules.case import Case
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.rules.wording import count, listed, number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity
from trainyard.linter.spec.direction import mode as direction

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
        stopping = case.spec.callbacks.early_stopping
        if stopping is not None and not stopping.restore_best and case.spec.callbacks.checkpoint is None:
            pointer = f"{STOPPING}/restore_best"
            message = (
                f"the run ends with weights that are {count(stopping.patience, 'epoch')} past the best, which are not kept; write true"
            )
            yield Violation(pointer, message, suggestion=Suggestion(pointer, value=True))


class WatchingOutOfRange(Rule):
    """A callback has a number that turns its meaning round.

    What it checks:
        `min_delta` of early stopping and plateau at least 0, `keep` of the checkpoint at least 1, `cooldown` and `patience` of the plateau
        at least 0; `times` of `on_divergence` at least 1 and its `factor` between 0 and 1.

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
        Invalid({"scheduler": {"type": "reduce_on_plateau", "patience": -1}}, "/scheduler/patience", "after every epoch", fix=5),
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
                (f"{plateau[0]}/patience", plateau[1].patience, 0, "lowers the rate after every epoch, better ones included", 5),
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
    UnknownMonitor(),
    MonitorDirection(),
    BestModelNotKept(),
)
