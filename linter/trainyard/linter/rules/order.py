"""The order of the samples, against how they are divided and fed."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.rules.case import CLASSIFICATION, Case
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity

METHOD = "/dataset/split/method"
SHUFFLE = "/training/shuffle"


class TimeShuffled(Rule):
    """Samples in the order of time are divided at random.

    What it checks:
        Declared `order` of `by_time` and a split that takes fractions at random or stratified. A warning for a regression, an info for a
        classification.

    Why it fails:
        Validation samples lie between training samples: the model has seen the day before and the day after, and the score says nothing
        about the days to come.

    Evidence:
        Hyndman & Athanasopoulos, Forecasting: Principles and Practice, section 5.8 (training data comes before test data); Kaufman et al.
        2012, doi 10.1145/2382577.2382579 (leakage in time). Classifications of events are published with random splits, hence the info.

    When to ignore:
        When samples far apart in time do not depend on each other.
    """

    code = "SPL006"
    name = "time-order-divided-at-random"
    severity = Severity.WARNING
    reads = (METHOD, "/dataset/facts/order", "/dataset/facts/samples", "/task")
    optional = (METHOD, "/dataset/facts/samples")
    VALID = (
        Valid({"dataset": {"facts": {"order": "by_time"}, "split": {"method": "tail"}}}, onto="regression"),
        Valid({"dataset": {"facts": {"order": "shuffled"}}}, onto="regression"),
    )
    INVALID = (
        Invalid(
            {"dataset": {"facts": {"order": "by_time"}}}, "/dataset/facts/order", "at random", fix="tail", fix_at=METHOD, onto="regression"
        ),
        Invalid(
            {"dataset": {"facts": {"order": "by_time"}, "split": {"method": "stratified"}}},
            METHOD,
            "at random",
            fix="tail",
            onto="layers",
            severity=Severity.INFO,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare order and method."""
        dataset = case.spec.dataset
        split = dataset.split
        drawn = any(part is not None and part.path is None for part in (split.validation, split.test))
        declared = getattr(dataset.facts.samples, "train", None) is not None
        if dataset.facts.order != "by_time" or split.method not in {"random", "stratified"} or not drawn or declared:
            return
        pointer = METHOD if case.wrote(METHOD) else "/dataset/facts/order"
        told = f"the samples are in the order of time, and '{split.method}'{case.origin(METHOD)} divides them at random"
        message = f"{told}: validation lies in the midst of training; write 'tail'"
        severity = Severity.INFO if case.spec.task == CLASSIFICATION else None
        yield Violation(pointer, message, suggestion=Suggestion(METHOD, "tail"), severity=severity)


class ClassByClass(Rule):
    """Samples are fed class after class.

    What it checks:
        `training.shuffle` off while the samples are ordered by class: declared, or an image folder, which lists one class after the other.

    Why it fails:
        Batches hold a single class: each stretch of the epoch pulls the model towards one answer and undoes the last one.

    Evidence:
        Bengio 2012, arXiv 1206.5533, section 2 (samples in random order); the same order is behind post 56103207 of NeuraLint's set, where
        the validation accuracy was 0.

    When to ignore:
        Never; a fixed seed makes a shuffled order repeatable.
    """

    code = "SPL007"
    name = "fed-class-by-class"
    severity = Severity.WARNING
    reads = (SHUFFLE, "/dataset/type", "/dataset/facts/order", "/task")
    optional = ("/dataset/facts/order",)
    VALID = (
        Valid({"training": {"shuffle": False}}, onto="regression"),
        Valid({"training": {"shuffle": False}, "dataset": {"facts": {"order": "shuffled"}}}, onto="layers"),
    )
    INVALID = (
        Invalid({"training": {"shuffle": False}}, SHUFFLE, "one class after the other", fix=True),
        Invalid(
            {"training": {"shuffle": False}, "dataset": {"facts": {"order": "by_class"}}}, SHUFFLE, "single class", fix=True, onto="layers"
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at the order and at shuffling."""
        dataset = case.spec.dataset
        if case.spec.training.shuffle or case.spec.task != CLASSIFICATION:
            return
        order = dataset.facts.order or ("by_class" if dataset.type == "image_directory" else None)
        if order == "by_class":
            message = "the samples come one class after the other, so without shuffling batches hold a single class; write true"
            yield Violation(SHUFFLE, message, suggestion=Suggestion(SHUFFLE, value=True))


RULES = (TimeShuffled(), ClassByClass())
