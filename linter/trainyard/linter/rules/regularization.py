"""What keeps a model from learning its samples by heart: whether there is anything, and whether it is too much."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.rules.case import Case
from trainyard.linter.rules.rule import CLASS_COUNTS, Invalid, Rule, Valid, Violation
from trainyard.linter.rules.traits import dropouts, layers
from trainyard.linter.rules.wording import number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity
from trainyard.linter.spec.model.architecture import Cnn, Mlp, Transfer

# Below this many training samples per class a net from scratch is expected to overfit.
_FEW_PER_CLASS = 200
_DEFAULT_L2 = 1e-4
# Dense nets on tables are published with some dozens of weights per sample and no regularization.
_DENSE_PER_SAMPLE = 100
# Picture nets without any regularization, for the examples.
_BARE = {"blocks": [{"filters": 8}], "head": {"hidden": [], "dropout": 0}}
_LARGE = {"blocks": [{"filters": 64, "convolutions": 2}], "head": {"hidden": [], "dropout": 0}}
_PENALTIES = ("kernel_regularizer", "bias_regularizer", "activity_regularizer", "depthwise_regularizer", "kernel_constraint")


def is_regularized(case: Case) -> bool:
    """Tell whether dropout, a penalty, weight decay or augmentation is on."""
    spec = case.spec
    return bool(
        any(spec.regularization)
        or spec.optimizer.weight_decay
        or spec.augmentation
        or next(dropouts(spec.model), None) is not None
        or any(getattr(layer, field, None) is not None for _, layer in layers(spec.model) for field in _PENALTIES)
    )


def samples_per_class(case: Case) -> float | None:
    """Return the training samples per class (of a task without classes: all of them)."""
    if case.train_samples is None:
        return None
    return case.train_samples / max(1, (case.classes or 1) if case.spec.task == "classification" else 1)


class NoRegularization(Rule):
    """Nothing keeps the model from learning its samples by heart.

    What it checks:
        Dropout, l1, l2, max_norm, weight decay and augmentation are all absent while hidden layers learn. Warning when there are
        fewer than 200 training samples per class or their number is unknown, info otherwise. A frozen base, early stopping
        that the author wrote, batch normalization, or few parameters make it an info: fewer than there are training samples,
        without convolutions fewer than a hundred for each of them.

    Why it fails:
        Nets can fit any labels, random ones included; with few samples the training loss goes to zero while the validation loss
        turns and rises.

    Evidence:
        Zhang et al. 2017, arXiv 1611.03530 (fitting random labels takes more weights than samples; having them is not the cause by
        itself, so it does not raise an alarm alone); Srivastava et al. 2014 (dropout 0.5 in dense layers, less in convolutions);
        Ioffe & Szegedy 2015, arXiv 1502.03167, section 3.4 (batch normalization regularizes). Plain dense nets on small tables
        are published with twenty weights per sample and more (sonar, Reuters). No published tool checks it.

    When to ignore:
        When samples are plenty, or validation shows no gap.
    """

    code = "REG001"
    name = "no-regularization"
    severity = Severity.WARNING
    strict = Severity.WARNING
    reads = ("/regularization", "/model", "/augmentation", "/optimizer/weight_decay", "/callbacks/early_stopping", *CLASS_COUNTS)
    VALID = (
        Valid({"model": {"dropout": 0}, "regularization": {"l2": 1e-4}}, onto="table"),
        Valid({"model": {"dropout": 0}, "optimizer": {"type": "adamw"}}, onto="table"),
        Valid({"model": {"hidden": [], "dropout": 0}}, onto="table"),
        Valid({"model": _BARE, "augmentation": "light"}),
    )
    INVALID = (
        Invalid(
            {"model": {"hidden": [256, 128], "dropout": 0}, "dataset": {"facts": {"class_counts": {"benign": 107, "malignant": 107}}}},
            "/model",
            "75 training samples per class",
            fix=0.3,
            fix_at="/model/dropout",
            onto="table",
        ),
        Invalid(
            {"model": _LARGE, "dataset": {"facts": {"class_counts": [50] * 10}}},
            "/model",
            "35 training samples per class",
            fix={"conv": 0.25},
            fix_at="/model/dropout",
        ),
        Invalid({"model": _BARE}, "/model", "420 training samples per class", severity=Severity.INFO),
        Invalid(
            {
                "model": _BARE,
                "dataset": {"facts": {"class_counts": [50] * 10}},
                "callbacks": {"early_stopping": {"patience": 5}},
            },
            "/model",
            "early stopping",
            severity=Severity.INFO,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look for any technique, then weigh how much it matters."""
        if not case.traits.has_hidden or is_regularized(case):
            return
        few = samples_per_class(case)
        of = " per class" if case.spec.task == "classification" else ""
        per_class = "" if few is None else f" on {number(round(few))} training samples{of}"
        stops = case.spec.callbacks.early_stopping is not None and case.wrote("/callbacks/early_stopping")
        mild = stops or case.traits.frozen or case.traits.batch_norm or _is_small(case)
        matters = (few is None or few < _FEW_PER_CLASS) and not mild
        rest = "only early stopping stands against overfitting" if stops else "nothing stands against overfitting"
        fix = self._fix(case)
        pointer = "/regularization" if case.wrote("/regularization") else "/model"
        message = f"no dropout, l1, l2, weight decay or augmentation{per_class}: {rest}; write {_shown(fix)}"
        yield Violation(pointer, message, "key", fix, None if matters else Severity.INFO)

    def check_strictly(self, case: Case) -> Iterator[Violation]:
        """Warn whenever everything is off, as the seed page does."""
        for violation in self.check(case):
            yield violation._replace(severity=Severity.WARNING)

    @staticmethod
    def _fix(case: Case) -> Suggestion:
        """Return the one change that helps most: dropout where it is not already written as zero, else a small l2."""
        match case.spec.model:
            case Cnn(blocks=blocks) if not any(case.wrote(f"/model/blocks/{index}/dropout") for index in range(len(blocks))):
                return Suggestion("/model/dropout", {"conv": 0.25} if case.wrote("/model/head/dropout") else {"conv": 0.25, "dense": 0.5})
            case Mlp():
                return Suggestion("/model/dropout", 0.3)
            case Transfer():
                return Suggestion("/model/head/dropout", 0.2)
            case _:
                return Suggestion("/regularization/l2", _DEFAULT_L2)


def _is_small(case: Case) -> bool:
    """Tell whether the model has few parameters for the samples that it learns from."""
    if case.parameters is None or case.train_samples is None:
        return False
    return case.parameters < case.train_samples * (1 if case.traits.convolutions else _DENSE_PER_SAMPLE)


def _shown(fix: Suggestion) -> str:
    """Return a suggestion in words: ``dropout 0.3``."""
    name = fix.pointer.rsplit("/", 1)[-1]
    if isinstance(fix.value, dict):
        return f"{name} {' and '.join(f'{value:g} ({key})' for key, value in fix.value.items())}"
    return f"{name} {fix.value:g}"


RULES = (NoRegularization(),)
