"""The batch against the number of samples and against batch normalization."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.rules.batch_choice import SHORT_EPOCH, fits, for_data
from trainyard.linter.rules.case import Case
from trainyard.linter.rules.rule import STEPS, Invalid, Rule, Valid, Violation
from trainyard.linter.rules.wording import number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity

POINTER = "/training/batch_size"
_ENOUGH = 16
# As many updates as this make something of a small table, one for each epoch.
_LONG, _SMALL = 500, 1000
_NORMED = {"blocks": [{"filters": 32, "batch_norm": True, "dropout": 0.2}]}


class BatchExceedsData(Rule):
    """A batch is larger than the training part.

    What it checks:
        `training.batch_size` against the training samples; with `drop_remainder` it is an error. An info for up to 1,000 samples and 500
        epochs or more: that is full-batch descent at length.

    Why it fails:
        Every epoch is one step on all samples, so the run has as many updates as epochs. With `drop_remainder` the only batch is
        incomplete and dropped: no step is ever made.

    Evidence:
        Follows from steps = samples / batch. Batch sizes are 4 of the 53 real faults in DeepDiagnosis' benchmark.

    When to ignore:
        When full-batch descent is wanted.
    """

    code = "BAT001"
    name = "batch-exceeds-data"
    severity = Severity.WARNING
    reads = STEPS
    VALID = (Valid({"training": {"batch_size": 256}}),)
    INVALID = (
        Invalid({"training": {"batch_size": 512}}, POINTER, "398 training samples", fix=32, onto="table"),
        Invalid(
            {"training": {"batch_size": 512, "drop_remainder": True}}, POINTER, "no step", fix=32, onto="table", severity=Severity.ERROR
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare with the training samples."""
        training, samples = case.spec.training, case.samples_per_epoch
        if not samples or training.batch_size <= samples:
            return
        value = for_data(case) or 1
        told = f"batch size {number(training.batch_size)}{case.origin(POINTER)} is more than the {samples:,} training samples"
        told += "" if samples == case.train_samples else ", repeated ones counted"
        outcome = "no step is ever made" if training.drop_remainder else "every epoch is a single step"
        severity = Severity.ERROR if training.drop_remainder else Severity.INFO if case.epochs >= _LONG and samples <= _SMALL else None
        yield Violation(POINTER, f"{told}, so {outcome}; write {value}", suggestion=Suggestion(POINTER, value), severity=severity)


class BatchNormOnTinyBatch(Rule):
    """Batch normalization estimates its statistics from very few samples.

    What it checks:
        Batch normalization with a batch of 4 samples or fewer is a warning, with 8 an info; with a single one and nothing but
        dense layers an error. For a model that is only declared it is an info. On several GPUs the trainer takes the statistics
        over the whole batch.

    Why it fails:
        Mean and variance of a handful of samples are noise, and differ from the moving ones that are used afterwards. Of one
        vector the variance is zero: every output is the offset, whatever the input.

    Evidence:
        Wu & He 2018, arXiv 1803.08494: ImageNet error of 34.7 % with batch normalization at 2 images per device, 24.1 % with group
        normalization.

    When to ignore:
        When the statistics are frozen, or larger batches were tried and did not help.
    """

    code = "BAT002"
    name = "batch-norm-on-tiny-batch"
    severity = Severity.WARNING
    reads = (POINTER, "/model")
    VALID = (
        Valid({"model": _NORMED, "training": {"batch_size": 16}}),
        Valid({"training": {"batch_size": 2}}),
        Valid({"model": _NORMED, "training": {"batch_size": 16}, "resources": {"gpus": 4}}),
    )
    INVALID = (
        Invalid({"model": _NORMED, "training": {"batch_size": 2}}, POINTER, "2 samples", fix=16),
        Invalid({"model": _NORMED, "training": {"batch_size": 8}}, POINTER, "8 samples", fix=16, severity=Severity.INFO),
        Invalid(
            {"model": {"batch_norm": True}, "training": {"batch_size": 1}}, POINTER, "zero", fix=16, onto="table", severity=Severity.ERROR
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare the batch with what the statistics need."""
        traits, batch = case.traits, case.spec.training.batch_size
        if not traits.batch_norm or traits.frozen or batch > 8 or getattr(case.spec.model, "freeze_batch_norm", False):
            return
        alone = batch == 1 and traits.dense_only
        why = "whose variance is zero, so its output does not depend on the input" if alone else "which is too few for its statistics"
        severity = Severity.ERROR if alone else None if batch <= 4 and case.spec.model.type != "declared" else Severity.INFO
        gpus = max(1, case.spec.resources.gpus or 1)
        value = -(-_ENOUGH // gpus) * gpus
        told = f"batch normalization sees {batch} samples at once" if batch > 1 else "batch normalization sees one sample at a time"
        if not fits(case, value):
            yield Violation(POINTER, f"{told}, {why}; more do not fit the device, so leave batch normalization out", severity=severity)
        elif case.train_samples is not None and case.train_samples < value:
            why += f"; with {case.train_samples:,} training samples, leave batch normalization out"
            yield Violation(POINTER, f"{told}, {why}", severity=severity)
        else:
            yield Violation(POINTER, f"{told}, {why}; write {value}", suggestion=Suggestion(POINTER, value), severity=severity)


class BatchNotSharedEvenly(Rule):
    """A batch can not be shared evenly by the GPUs that the spec asks for.

    What it checks:
        `training.batch_size` against `resources.gpus`: it has to be a multiple.

    Why it fails:
        `training.batch_size` is that of the whole batch, and every GPU takes the same number of its samples. Shares of different
        sizes would leave GPUs waiting for the largest in every step, so the trainer and the server refuse them. A last batch that is
        not full is shared as it comes.

    Evidence:
        Follows from the definition of data parallel training: Keras' `DataParallel` shards the first axis evenly, and JAX refuses an
        axis that does not divide.

    When to ignore:
        Never: such a run is refused.
    """

    code = "BAT005"
    name = "batch-not-shared-evenly"
    severity = Severity.ERROR
    reads = (POINTER, "/resources/gpus")
    VALID = (Valid({"training": {"batch_size": 64}, "resources": {"gpus": 4}}), Valid({"training": {"batch_size": 50}}))
    INVALID = (
        Invalid({"training": {"batch_size": 50}, "resources": {"gpus": 4}}, POINTER, "4 GPUs", fix=48),
        Invalid({"training": {"batch_size": 2}, "resources": {"gpus": 8}}, POINTER, "8 GPUs", fix=8),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Divide."""
        batch, gpus = case.spec.training.batch_size, max(1, case.spec.resources.gpus or 1)
        if batch % gpus:
            value = max(gpus, batch // gpus * gpus)
            told = f"a batch of {number(batch)} samples{case.origin(POINTER)} can not be shared evenly by {gpus} GPUs"
            yield Violation(POINTER, f"{told}; write {value}", suggestion=Suggestion(POINTER, value))


class LastBatchOfOne(Rule):
    """The last batch of every epoch is a single sample, and batch normalization sees it.

    What it checks:
        The training samples leave a remainder of 1 when divided by the batch, with batch normalization and without
        `drop_remainder`.

    Why it fails:
        Once per epoch the statistics come from one sample; in dense layers its output is then constant.

    Evidence:
        Follows from the definition of batch statistics.

    When to ignore:
        When one odd step per epoch does not matter.
    """

    code = "BAT003"
    name = "last-batch-of-one"
    severity = Severity.INFO
    reads = ("/model", *STEPS)
    VALID = (Valid({"model": {"batch_norm": True}}, onto="table"),)
    INVALID = (
        Invalid(
            {"model": {"batch_norm": True}, "dataset": {"facts": {"class_counts": {"benign": 357, "malignant": 216}}}},
            POINTER,
            "a single sample",
            fix=True,
            fix_at="/training/drop_remainder",
            onto="table",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Divide the samples by the batch."""
        training, samples = case.spec.training, case.samples_per_epoch
        if not case.traits.batch_norm or training.drop_remainder or not samples or training.batch_size < 2:
            return
        if samples > training.batch_size and samples % training.batch_size == 1:
            told = f"the last of {case.steps_per_epoch:,} batches is a single sample, which batch normalization sees"
            message = f"{told}; write drop_remainder true"
            yield Violation(POINTER, message, suggestion=Suggestion("/training/drop_remainder", value=True))


class BatchVeryLarge(Rule):
    """A batch is more than a fifth of the training part.

    What it checks:
        `training.batch_size` against a fifth of the training samples.

    Why it fails:
        There are few updates per epoch, and gradients with little noise may end in sharper minima.

    Evidence:
        Keskar et al. 2017, arXiv 1609.04836, against Shallue et al. 2019, arXiv 1811.03600 (no loss once rate and steps are tuned
        again): disputed, hence an info.

    When to ignore:
        When rate and epochs were tuned for this batch.
    """

    code = "BAT004"
    name = "batch-very-large"
    severity = Severity.INFO
    reads = STEPS
    VALID = (Valid({"training": {"batch_size": 64}}, onto="table"),)
    INVALID = (Invalid({"training": {"batch_size": 128}}, POINTER, "4 steps", fix=32, onto="table"),)

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare with a fifth of the samples."""
        batch, samples = case.spec.training.batch_size, case.samples_per_epoch
        if samples and samples / SHORT_EPOCH < batch <= samples:
            value = for_data(case) or 1
            told = (
                f"batch size {number(batch)}{case.origin(POINTER)} leaves {case.steps_per_epoch} steps in an epoch of {samples:,} samples"
            )
            yield Violation(POINTER, f"{told}; {value} would make it {-(-samples // value):,}", suggestion=Suggestion(POINTER, value))


RULES = (BatchExceedsData(), BatchNormOnTinyBatch(), LastBatchOfOne(), BatchVeryLarge(), BatchNotSharedEvenly())
