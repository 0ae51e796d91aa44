"""How the samples are divided: whether anything is left to learn from, and whether the judgement is worth something."""

from __future__ import annotations

import math
from collections.abc import Iterator

from trainyard.linter.rules.case import CLASSIFICATION, Case
from trainyard.linter.rules.rule import CLASS_COUNTS, Invalid, Rule, Valid, Violation
from trainyard.linter.rules.wording import count, number, percent
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity

SPLIT = "/dataset/split"
_TOO_RARE, _RARE = 5, 20
# Beyond this fraction, what judging gains training loses.
_MOST_HELD = 0.25


class NoValidation(Rule):
    """There is no validation part, and callbacks judge the run by what it was trained on.

    What it checks:
        `dataset.split.validation` is null while early stopping, a checkpoint or a plateau that the author wrote watches the training loss;
        an info when nothing watches, or only what is on by default.

    Why it fails:
        The training loss keeps falling while the model learns its samples by heart: the best model by that measure is the most
        overfitted one.

    Evidence:
        Keras' training guide; no published tool reports a missing validation part (comparison of DeepDiagnosis, UMLAUT,
        AUTOTRAINER and NeuraLint).

    When to ignore:
        When the length of the run was tuned before and all samples are to be used.
    """

    code = "SPL001"
    name = "no-validation"
    severity = Severity.WARNING
    reads = (f"{SPLIT}/validation", "/dataset/facts/samples", "/callbacks", "/scheduler")
    VALID = (Valid({"dataset": {"split": {"validation": "val-images"}}}),)
    INVALID = (
        Invalid(
            {"dataset": {"split": {"validation": None}}, "callbacks": {"early_stopping": {"patience": 5}}},
            f"{SPLIT}/validation",
            "no validation part",
            fix=0.15,
        ),
        Invalid(
            {"dataset": {"split": {"validation": None}}, "callbacks": {"early_stopping": None, "checkpoint": None}},
            f"{SPLIT}/validation",
            "overfitting",
            fix=0.15,
            severity=Severity.INFO,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look for a validation part and for what would use it."""
        if case.spec.dataset.split.validation is not None or case.validation_samples != 0:
            return
        callbacks = case.spec.callbacks
        stops = callbacks.early_stopping is not None and case.wrote("/callbacks/early_stopping")
        keeps = callbacks.checkpoint is not None and case.wrote("/callbacks/checkpoint")
        watched = stops or keeps or case.plateau is not None
        pointer = f"{SPLIT}/validation"
        why = "the best model is chosen by the training loss" if watched else "overfitting cannot be seen"
        message = f"there is no validation part, so {why}; write 0.15"
        yield Violation(pointer, message, suggestion=Suggestion(pointer, 0.15), severity=None if watched else Severity.INFO)


class RareClassHardlyValidated(Rule):
    """A rare class has next to no samples in the validation part.

    What it checks:
        The rarest class's samples in the validation part: fewer than 20 are an info, fewer than 5 a warning where a fraction of up to
        a quarter would hold 5; of a class with fewer than 20 samples in all, no fraction would, and it is an info, too.

    Why it fails:
        With 5 samples the standard error of that class's recall is up to 22 points: its curve is noise, and so is every choice
        made by it.

    Evidence:
        Binomial standard error, sqrt(p (1 - p) / n). In MalImg the rarest family keeps 12 of its 80 samples.

    When to ignore:
        When only the overall score matters.
    """

    code = "SPL002"
    name = "rare-class-hardly-validated"
    severity = Severity.WARNING
    reads = CLASS_COUNTS
    VALID = (Valid({"dataset": {"split": {"validation": 0.05}}}),)
    INVALID = (
        Invalid(
            {"dataset": {"facts": {"class_counts": {"benign": 300, "malignant": 31}}, "split": {"validation": 0.1}}},
            f"{SPLIT}/validation",
            "3 of 31",
            fix=0.17,
            onto="table",
        ),
        Invalid(
            {"dataset": {"facts": {"class_counts": {"benign": 357, "malignant": 80}}}},
            "/dataset",
            "12 of 80",
            onto="table",
            severity=Severity.INFO,
        ),
        Invalid(
            {"dataset": {"facts": {"class_counts": {"benign": 357, "malignant": 12}}, "split": {"validation": 0.2}}},
            f"{SPLIT}/validation",
            "only more samples of it tell more",
            onto="table",
            severity=Severity.INFO,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Count the rarest class in the validation part."""
        counts, parts = case.class_counts, case.class_parts
        if counts is None or parts is None or not sum(parts.validation) or max(counts) == 0:
            return
        present = [index for index, amount in enumerate(counts) if amount > 0]
        rarest = min(present, key=lambda index: (parts.validation[index], counts[index]))
        held = parts.validation[rarest]
        if held >= _RARE:
            return
        told = f"the validation part holds {held} of {counts[rarest]:,} samples of '{case.class_name(rarest)}'"
        if held:
            told += f": the standard error of its recall is up to {percent(math.sqrt(0.25 / held))}"
        else:
            told += ": nothing tells how well it is recognised"
        yield self._advising(case, told, held, counts[rarest])

    @staticmethod
    def _advising(case: Case, told: str, held: int, samples: int) -> Violation:
        """Return the finding with a larger fraction, where one that leaves enough to learn from holds more of the class."""
        pointer = f"{SPLIT}/validation"
        place = pointer if case.wrote(pointer) else "/dataset"
        part = case.spec.dataset.split.validation
        wanted = next((least for least in (_RARE, _TOO_RARE) if math.ceil(100 * least / samples) <= 100 * _MOST_HELD), held)
        severity = Severity.INFO if held >= _TOO_RARE or wanted <= held else None
        if wanted <= held:
            return Violation(place, f"{told}; only more samples of it tell more", severity=severity)
        if part is None or part.fraction is None:
            return Violation(place, told, severity=severity)
        share = math.ceil(100 * wanted / samples) / 100
        advice = f"{told}; a fraction of {number(share)} would hold {wanted}"
        if severity is Severity.INFO:
            return Violation(place, advice, severity=severity)
        return Violation(place, f"{advice}: write {number(share)}", suggestion=Suggestion(pointer, share))


class OrderedSplit(Rule):
    """Samples that are ordered by class are cut into parts without shuffling.

    What it checks:
        `split.method` is `head` or `tail` for a classification: an error when the samples are ordered by class (declared, or an image
        directory, which lists one class after the other), an info when the order is unknown.

    Why it fails:
        Whole classes end up in validation or test and are never trained on.

    Evidence:
        Keras' `validation_split` takes the last fraction before shuffling: keras-team/keras#597, #6422.

    When to ignore:
        Never for data ordered by class; for data ordered by time it is right to cut the end off: declare the order.
    """

    code = "SPL003"
    name = "ordered-samples-cut"
    severity = Severity.ERROR
    reads = (f"{SPLIT}/method", "/dataset/type", "/dataset/facts/order", "/task")
    VALID = (Valid({"dataset": {"split": {"method": "tail"}, "facts": {"order": "by_time"}}}, onto="layers"), Valid({}))
    INVALID = (
        Invalid({"dataset": {"split": {"method": "tail"}}}, f"{SPLIT}/method", "one class after the other", fix="stratified"),
        Invalid(
            {"dataset": {"split": {"method": "head"}}},
            f"{SPLIT}/method",
            "not known",
            fix="stratified",
            onto="layers",
            severity=Severity.INFO,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare method and order."""
        dataset = case.spec.dataset
        if case.spec.task != CLASSIFICATION or dataset.split.method not in {"head", "tail"}:
            return
        order = "by_class" if dataset.type == "image_directory" else dataset.facts.order
        if order not in {"by_class", None}:
            return
        pointer = f"{SPLIT}/method"
        told = "the samples come one class after the other" if order else "the order of the samples is not known"
        outcome = f"{told}, and '{dataset.split.method}' cuts them without shuffling, so whole classes may never be trained on"
        severity = None if order else Severity.INFO
        yield Violation(pointer, f"{outcome}; write 'stratified'", suggestion=Suggestion(pointer, "stratified"), severity=severity)


class PartsOverlap(Rule):
    """The parts of the split share samples.

    What it checks:
        Declared `overlap` of `same` or `partial`; a validation or test part with the path of the training data, or, an info, of each other.

    Why it fails:
        The model is judged on what it has learnt by heart: every score is too good, and nothing shows overfitting.

    Evidence:
        Definition of held-out data. Many public MalImg scripts use one part as validation and as test.

    When to ignore:
        When the score is not reported.
    """

    code = "SPL004"
    name = "parts-overlap"
    severity = Severity.WARNING
    reads = (SPLIT, "/dataset/path", "/dataset/facts/overlap")
    VALID = (Valid({"dataset": {"split": {"validation": "val", "test": "test"}}}),)
    INVALID = (
        Invalid({"dataset": {"split": {"validation": "digits/images"}}}, f"{SPLIT}/validation", "also the training data", fix=0.15),
        Invalid(
            {"dataset": {"split": {"validation": "held", "test": "held"}}},
            f"{SPLIT}/test",
            "also the validation part",
            severity=Severity.INFO,
        ),
        Invalid({"dataset": {"facts": {"overlap": "same"}}}, "/dataset/facts/overlap", "the same samples"),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare paths and declarations."""
        dataset = case.spec.dataset
        seen = {dataset.path.strip("/"): "the training data"}
        for name, part in (("validation", dataset.split.validation), ("test", dataset.split.test)):
            if part is None or part.path is None:
                continue
            other = seen.setdefault(part.path.strip("/"), f"the {name} part")
            if other != f"the {name} part":
                pointer = f"{SPLIT}/{name}"
                message = f"the {name} part '{part.path}' is also {other}; write a part of its own, such as the fraction 0.15"
                # A score that was chosen by is a little too good; one of samples that were learnt says nothing.
                severity = None if other == "the training data" else Severity.INFO
                yield Violation(pointer, message, suggestion=Suggestion(pointer, 0.15), severity=severity)
        if dataset.facts.overlap in {"same", "partial"}:
            shared = "the same samples" if dataset.facts.overlap == "same" else "some samples in common"
            yield Violation("/dataset/facts/overlap", f"the parts have {shared}, so every score is too good; separate them")


class PartOutOfRange(Rule):
    """A part of the split is no part: negative, empty, or it leaves nothing to learn from.

    What it checks:
        Fractions lie between 0 and 1, numbers of samples are not negative, each part gets samples, and what is left for training is not
        empty.

    Why it fails:
        Without training samples there is no step.

    Evidence:
        Definition.

    When to ignore:
        Never.
    """

    code = "SPL005"
    name = "nothing-left-for-training"
    severity = Severity.ERROR
    reads = (SPLIT, "/dataset/facts/samples", "/dataset/facts/class_counts")
    VALID = (Valid({"dataset": {"split": {"validation": {"samples": 500}, "test": 0.5}}}),)
    INVALID = (
        Invalid({"dataset": {"split": {"validation": 0.6, "test": 0.4}}}, SPLIT, "nothing is left", fix=0.15, fix_at=f"{SPLIT}/validation"),
        Invalid({"dataset": {"split": {"validation": -0.1}}}, f"{SPLIT}/validation", "between 0 and 1", fix=0.15),
        Invalid({"dataset": {"facts": {"samples": -1}}}, "/dataset/facts/samples", "-1 samples", onto="regression"),
        Invalid({"dataset": {"split": {"validation": 15}}}, f"{SPLIT}/validation", "between 0 and 1", fix=0.15),
        Invalid({"dataset": {"split": {"test": 0.001}, "facts": {"samples": 60}}}, f"{SPLIT}/test", "would hold none", onto="regression"),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at each part, then at what is left."""
        declared = "/dataset/facts/samples"
        if (samples := case.samples) is not None and samples < 1 and case.wrote(declared):
            yield Violation(declared, f"the data is declared to have {count(samples, 'sample')}: there is nothing to learn from")
            return
        split = case.spec.dataset.split
        parts = {"validation": split.validation, "test": split.test}
        wrong = False
        for name, part in parts.items():
            fraction = None if part is None else part.fraction
            samples = None if part is None else part.samples
            if (fraction is not None and not 0 <= fraction <= 1) or (samples is not None and samples < 0):
                wrong = True
                pointer = f"{SPLIT}/{name}"
                told = f"the {name} part {number(fraction if fraction is not None else samples or 0)} is no fraction between 0 and 1"
                told = told if samples is None else f"the {name} part asks for {count(samples, 'sample')}"
                yield Violation(pointer, f"{told}; write 0.15", suggestion=Suggestion(pointer, 0.15))
            elif part is not None and not self._left(case, name):
                wrong = True
                told = f"the {name} part of {count(case.samples or 0, 'sample')} would hold none; write a larger part, or null"
                yield Violation(f"{SPLIT}/{name}" if case.wrote(f"{SPLIT}/{name}") else SPLIT, told)
        asked = sum(part.fraction or 0.0 for part in parts.values() if part is not None)
        if not wrong and (case.train_samples == 0 or asked >= 1):
            fix = Suggestion(f"{SPLIT}/validation", 0.15)
            yield Violation(
                SPLIT, "validation and test take all samples, so nothing is left for training; write 0.15 for validation", "key", fix
            )

    @staticmethod
    def _left(case: Case, name: str) -> bool:
        """Tell whether a part gets samples; yes, where that is not known, and groups are as large as they are."""
        samples = case.validation_samples if name == "validation" else case.test_samples
        return samples != 0 or case.train_samples == 0 or case.spec.dataset.split.method == "group"


class GroupsUnknown(Rule):
    """Groups are to be kept together, and nothing says which sample belongs to which.

    What it checks:
        `split.method` is `group` without a `group`, or on an image folder.

    Why it fails:
        A group is named by a column of the table or an array of the archive. A folder of pictures has neither.

    Evidence:
        Definition of a grouped split.

    When to ignore:
        Never; pictures that belong together go into parts with a path of their own.
    """

    code = "SPL008"
    name = "groups-unknown"
    severity = Severity.ERROR
    reads = (f"{SPLIT}/method", f"{SPLIT}/group", "/dataset/type")
    optional = (f"{SPLIT}/group",)
    VALID = (Valid({"dataset": {"split": {"group": "patient"}}}, onto="table"),)
    INVALID = (
        Invalid({"dataset": {"split": {"method": "group"}}}, f"{SPLIT}/method", "no group", fix="stratified", onto="table"),
        Invalid({"dataset": {"split": {"group": "camera"}}}, f"{SPLIT}/group", "folder", fix=None),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look for what names the groups."""
        dataset = case.spec.dataset
        if dataset.split.method != "group":
            return
        if dataset.type == "image_directory":
            pointer = next(at for at in (f"{SPLIT}/group", f"{SPLIT}/method") if case.wrote(at))
            fix = Suggestion(pointer, None if pointer.endswith("group") else "stratified")
            told = "a folder of pictures has no column that names groups; give the parts paths of their own"
            yield Violation(pointer, told, suggestion=fix)
        elif dataset.split.group is None:
            method = "stratified" if case.spec.task == CLASSIFICATION else "random"
            pointer = f"{SPLIT}/method"
            message = f"the method 'group' has no group to go by; name a column in split.group, or write '{method}'"
            yield Violation(pointer, message, suggestion=Suggestion(pointer, method))


RULES = (NoValidation(), RareClassHardlyValidated(), OrderedSplit(), PartsOverlap(), PartOutOfRange(), GroupsUnknown())
