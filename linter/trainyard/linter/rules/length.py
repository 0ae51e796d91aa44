"""How long the run is: enough updates to learn, and some way to keep the best."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.estimate.learning_rate import ADAPTIVE
from trainyard.linter.rules.case import Case
from trainyard.linter.rules.rule import STEPS, Invalid, Rule, Valid, Violation
from trainyard.linter.rules.wording import count, number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity

EPOCHS = "/training/epochs"
_FEW_EPOCHS = 10
_BUDGET, _SMALL_BUDGET, _NO_BUDGET = 1000, 100, 10
_SHALLOW = 3
# A hundred times the longest runs that were published; what is written instead is one of these.
_ENDLESS, _ENDLESS_EPOCHS, _LONGEST = 100_000_000, 10_000_000, 1_000_000


class TooFewUpdates(Rule):
    """The run is too short to learn from scratch.

    What it checks:
        Hidden layers learn from scratch and the updates (epochs times steps per epoch) are fewer than 100; or fewer than 1,000
        with fewer than 10 epochs, unless the net is a few dense layers with an adaptive optimizer or a schedule brings the
        learning rate down over exactly this run, which was then meant to be short: both are an info. Fewer than 10 updates are
        an error. Where the number of samples is unknown, fewer than 10 epochs are an info.

    Why it fails:
        Weights move by about the learning rate per update; a few dozen updates leave them near where they started.

    Evidence:
        Masters & Luschi 2018, arXiv 1804.07612, and Shallue et al. 2019, arXiv 1811.03600: progress is counted in updates, not
        in epochs. Wrong epochs are 7 of the 53 real faults in DeepDiagnosis' benchmark. The seed page warns below 10 epochs.
        Short runs that are published: two dense layers on IMDB reach 88 % after 120 updates (Chollet, Deep Learning with Python,
        section 4.1), one cycle on Imagenette about 86 % after 740 (fastai/imagenette, leaderboard).

    When to ignore:
        When it is a smoke test.
    """

    code = "EPO001"
    name = "too-few-updates"
    severity = Severity.WARNING
    strict = Severity.WARNING
    reads = (EPOCHS, "/model", "/scheduler", "/optimizer/type", "/training/stages", *STEPS)
    optional = ("/scheduler", "/optimizer/type")
    VALID = (
        Valid({"training": {"epochs": 8}}),
        Valid({"training": {"epochs": 3}}, onto="transfer"),
        Valid({"training": {"epochs": 30}}, onto="table"),
    )
    INVALID = (
        Invalid({"training": {"epochs": 3}}, EPOCHS, "396 updates", fix=10),
        Invalid({"training": {"epochs": 7}}, EPOCHS, "perhaps too few", fix=40, onto="table", severity=Severity.INFO),
        Invalid({"training": {"epochs": 2, "batch_size": 256}}, EPOCHS, "4 updates", fix=500, onto="table", severity=Severity.ERROR),
        Invalid(
            {"training": {"epochs": 2, "batch_size": 398}}, EPOCHS, "one batch takes in all samples", onto="table", severity=Severity.ERROR
        ),
        Invalid(
            {"training": {"epochs": 5}, "dataset": {"facts": {"samples": None}}},
            EPOCHS,
            "5 epochs",
            fix=10,
            onto="regression",
            severity=Severity.INFO,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Count the updates."""
        if case.epochs <= 0 or not case.traits.learns_deep_from_scratch:
            return
        if case.samples_per_epoch is not None and case.spec.training.batch_size > case.samples_per_epoch:
            return  # then it is the batch that is wrong, or there are no samples: other rules say it
        updates = case.updates
        if updates is None:
            if case.all_epochs < _FEW_EPOCHS:
                yield self._violation(f"{count(case.epochs, 'epoch')} from scratch may be too few", _FEW_EPOCHS, Severity.INFO)
        elif updates < _SMALL_BUDGET or (updates < _BUDGET and case.all_epochs < _FEW_EPOCHS):
            meant = updates >= _SMALL_BUDGET and (_is_shallow(case) or _anneals(case))
            # Stages of unfreezing count, and the main training makes up what is missing.
            enough = max(_FEW_EPOCHS, -(-_BUDGET * case.all_epochs // max(1, updates)) - case.all_epochs + case.epochs)
            steps = case.steps_per_epoch or 0
            told = (
                f"{count(case.all_epochs, 'epoch')} of {count(steps, 'step')} are {count(updates, 'update')}, too few to learn from scratch"
            )
            severity = Severity.INFO if meant else Severity.ERROR if updates < _NO_BUDGET else Severity.WARNING
            told = told.replace("too few", "perhaps too few") if meant else told
            if steps == 1:  # more epochs would hide what is wrong
                yield Violation(EPOCHS, f"{told}: one batch takes in all samples; make it smaller", severity=severity)
            elif steps:
                yield self._violation(told, enough, severity)

    def check_strictly(self, case: Case) -> Iterator[Violation]:
        """Warn below 10 epochs, as the seed page does."""
        found = [violation._replace(severity=max(violation.severity or self.severity, Severity.WARNING)) for violation in self.check(case)]
        if not found and 0 < case.epochs < _FEW_EPOCHS:
            found = [self._violation(f"{count(case.epochs, 'epoch')} may underfit", _FEW_EPOCHS, Severity.WARNING)]
        yield from found

    @staticmethod
    def _violation(told: str, epochs: int, severity: Severity) -> Violation:
        return Violation(EPOCHS, f"{told}; write {number(epochs)}", suggestion=Suggestion(EPOCHS, epochs), severity=severity)


def _is_shallow(case: Case) -> bool:
    """Tell whether the model is a few dense layers under an adaptive optimizer, which settle within a few hundred updates."""
    return case.traits.dense_only and case.traits.weighted <= _SHALLOW and case.spec.optimizer.type in ADAPTIVE


def _anneals(case: Case) -> bool:
    """Tell whether schedules bring the learning rate down to a tenth of its peak by the end of this very run."""
    curve = case.curve
    return curve is not None and bool(curve.factors) and bool(curve.steps) and curve.at(curve.steps - 1) <= curve.highest() / 10


class EpochsNotPositive(Rule):
    """The run has no epoch, no batch, or adds up no gradients.

    What it checks:
        `training.epochs`, `training.batch_size`, `training.gradient_accumulation`, `training.max_hours` and the epochs of each stage are
        above zero.

    Why it fails:
        Nothing is trained.

    Evidence:
        Definition.

    When to ignore:
        Never.
    """

    code = "EPO002"
    name = "nothing-to-run"
    severity = Severity.ERROR
    reads = ("/training",)
    VALID = (Valid({"training": {"epochs": 10, "gradient_accumulation": 4}}),)
    INVALID = (
        Invalid({"training": {"epochs": 0}}, EPOCHS, "epochs is 0", fix=10),
        Invalid({"training": {"batch_size": -1}}, "/training/batch_size", "batch_size is -1", fix=32),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at each number."""
        training = case.spec.training
        wanted = [
            (EPOCHS, training.epochs, 10),
            ("/training/batch_size", training.batch_size, 32),
            ("/training/gradient_accumulation", training.gradient_accumulation, 1),
            *((f"/training/stages/{index}/epochs", stage.epochs, 5) for index, stage in enumerate(training.stages)),
        ]
        if training.max_hours is not None and training.max_hours <= 0:
            pointer = "/training/max_hours"
            message = f"max_hours is {number(training.max_hours)}, so the run ends before it begins; write null, or hours above 0"
            yield Violation(pointer, message, suggestion=Suggestion(pointer, None))
        for pointer, value, usual in wanted:
            if value < 1:
                message = f"{pointer.rsplit('/', 1)[-1]} is {number(value)}, so nothing is trained; write {usual}"
                yield Violation(pointer, message, suggestion=Suggestion(pointer, usual))


class LongRunKeepsNothing(Rule):
    """A long run neither stops early nor keeps its best model.

    What it checks:
        More than 100 epochs with early stopping and checkpoint both off, on fewer than 50,000 samples.

    Why it fails:
        Nothing breaks, but the last epoch's model is rarely the best one.

    Evidence:
        The Google tuning playbook (google-research/tuning_playbook) prefers a fixed length with the best checkpoint kept.

    When to ignore:
        When the schedule ends at a rate so low that the last model is the best.
    """

    code = "EPO003"
    name = "long-run-keeps-nothing"
    severity = Severity.INFO
    reads = (EPOCHS, "/callbacks/early_stopping", "/callbacks/checkpoint", "/dataset")
    VALID = (Valid({"training": {"epochs": 200}}),)
    INVALID = (
        Invalid(
            {"training": {"epochs": 200}, "callbacks": {"early_stopping": None, "checkpoint": None}},
            EPOCHS,
            "keeps its best",
            fix={},
            fix_at="/callbacks/checkpoint",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look whether anything ends the run or keeps the best."""
        callbacks = case.spec.callbacks
        if callbacks.early_stopping is not None or callbacks.checkpoint is not None or case.epochs <= 100:
            return
        if (case.train_samples or 0) < 50_000:
            message = f"a run of {count(case.epochs, 'epoch')} neither stops early nor keeps its best model; switch the checkpoint on"
            yield Violation(EPOCHS, message, suggestion=Suggestion("/callbacks/checkpoint", {}))


class RunWithoutEnd(Rule):
    """The run is hundreds of times longer than any that was published, and nothing ends it before.

    What it checks:
        100 million updates and more, or ten million epochs where their steps are not known, without early stopping or `max_hours`.

    Why it fails:
        It does not end in any useful time: at a tenth of a millisecond for each update it is hours, at the usual ten it is weeks to years.

    Evidence:
        Long runs that were published: 1,000,000 updates of BERT (Devlin et al. 2019, arXiv 1810.04805), as many on one small table until it
        generalized (Power et al. 2022, arXiv 2201.02177).

    When to ignore:
        When somebody ends the run by hand.
    """

    code = "EPO004"
    name = "run-without-end"
    severity = Severity.WARNING
    reads = (EPOCHS, "/callbacks/early_stopping", "/training/max_hours", *STEPS)
    optional = ("/callbacks/early_stopping", "/training/max_hours", *STEPS)
    VALID = (
        Valid({"training": {"epochs": 10000}}),
        Valid({"training": {"epochs": 1000000000, "max_hours": 8}}),
        Valid({"training": {"epochs": 1000000000}, "callbacks": {"early_stopping": {"patience": 20}}}),
    )
    INVALID = (
        Invalid({"training": {"epochs": 1000000000}, "callbacks": {"early_stopping": None}}, EPOCHS, "nothing ends the run", fix=8000),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Count the updates."""
        callbacks, updates = case.spec.callbacks, case.updates
        if callbacks.early_stopping is not None or case.spec.training.max_hours is not None:
            return
        if (updates or 0) >= _ENDLESS or (updates is None and case.epochs >= _ENDLESS_EPOCHS):
            told = f"{count(case.epochs, 'epoch')}{f' of {updates:,} updates' if updates else ''}, and nothing ends the run before"
            usual = int(float(f"{max(10, min(10_000, _LONGEST // max(1, case.steps_per_epoch or 100))):.1g}"))
            message = f"{told}; write {number(usual)}, or early stopping, or max_hours"
            yield Violation(EPOCHS, message, suggestion=Suggestion(EPOCHS, usual))


RULES = (TooFewUpdates(), EpochsNotPositive(), LongRunKeepsNothing(), RunWithoutEnd())
