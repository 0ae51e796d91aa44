"""Losses that take class numbers and not rows: what they need of task and output, and what can not be said of places in space."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.rules.case import CLASSIFICATION, Case
from trainyard.linter.rules.output import SPARSE, loss_type, place_of
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity

# Its output is a place in space, near those of alike samples, and not one number per class.
_EMBEDDING = "circle"
_CLASS_NUMBERS = frozenset({_EMBEDDING, "categorical_generalized_cross_entropy"})
_BLENDS = frozenset({"mix_up", "cut_mix"})
_RIGHT = {"multilabel": "binary_crossentropy", "regression": "mean_squared_error"}


class LossWithoutClassNumbers(Rule):
    """A loss that tells classes apart gets no class numbers, or a single output.

    What it checks:
        A sparse categorical or generalized cross-entropy or a circle loss on a task that is no classification; the last two on a single
        output; a ctc loss anywhere.

    Why it fails:
        These losses read one class number per sample. Flags and measurements are none; and with one output there is nothing to compare, so
        the loss of every sample is the same. A ctc loss reads a sequence of class numbers, and a sample has one label, flags or numbers.

    Evidence:
        keras/src/losses/losses.py: the generalized cross-entropy makes one-hot rows of its labels, the circle loss compares them for
        equality, and ctc takes rows of them (Sun et al. 2020, arXiv 2002.10857; Zhang & Sabuncu 2018, arXiv 1805.07836; Graves et al. 2006,
        doi 10.1145/1143844.1143891).

    When to ignore:
        Never.
    """

    code = "OUT020"
    name = "loss-without-class-numbers"
    severity = Severity.ERROR
    reads = ("/loss", "/task", "/model")
    VALID = (Valid({"loss": {"type": "categorical_generalized_cross_entropy"}}),)
    INVALID = (
        Invalid(
            {"loss": {"type": "categorical_generalized_cross_entropy"}},
            "/loss",
            "a regression has numbers",
            fix={"type": "mean_squared_error"},
            onto="regression",
        ),
        Invalid(
            {"loss": {"type": "categorical_generalized_cross_entropy"}, "model": {"output": {"units": 1, "activation": "sigmoid"}}},
            "/loss",
            "there is only one",
            fix={"type": "binary_crossentropy"},
            onto="table",
        ),
        Invalid({"loss": {"type": "ctc"}}, "/loss", "sequences", fix={"type": "sparse_categorical_crossentropy"}),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare the loss with the task, then with the number of outputs."""
        loss, task, output = loss_type(case), case.spec.task, case.final
        if loss == "ctc" and task != "other":
            right = _RIGHT.get(task, "sparse_categorical_crossentropy")
            yield self._other(case, "ctc compares sequences of labels, and a sample has none", right)
        elif loss not in _CLASS_NUMBERS | SPARSE or task == "other":
            return
        elif task != CLASSIFICATION:
            if loss in SPARSE and task == "regression":  # a rule on regressions says so of every cross-entropy
                return
            has = "a multilabel task has flags" if task == "multilabel" else "a regression has numbers"
            yield self._other(case, f"{loss} reads one class number per sample, and {has}", _RIGHT[task])
        elif loss in _CLASS_NUMBERS and output is not None and output.units == 1:
            right = "binary_crossentropy" if (case.classes or 2) == 2 else "sparse_categorical_crossentropy"
            yield self._other(case, f"{loss} compares outputs with each other, and there is only one", right)

    @staticmethod
    def _other(case: Case, problem: str, right: str) -> Violation:
        return Violation(place_of(case, "/loss"), f"{problem}; write {right}", suggestion=Suggestion("/loss", {"type": right}))


class EmbeddingTreatedAsClasses(Rule):
    """The output is a place in space, and is to be measured or blended as if it were classes.

    What it checks:
        Metrics, the default ones too, and the transforms `mix_up` and `cut_mix` beside the loss `circle`.

    Why it fails:
        With this loss the output is an embedding: no number in it belongs to a class, so every metric compares labels with coordinates.
        And a blend of two samples has no place of its own: it would have to be near both classes, which the loss pushes apart.

    Evidence:
        Sun et al. 2020, arXiv 2002.10857: similarities of pairs; keras/src/losses/losses.py, `Circle`.

    When to ignore:
        Never; the finished model is judged by the nearest class mean, whatever the metrics.
    """

    code = "OUT021"
    name = "embedding-treated-as-classes"
    severity = Severity.ERROR
    reads = ("/loss", "/metrics", "/augmentation")
    optional = ("/augmentation",)
    VALID = (Valid({"loss": {"type": "circle"}, "metrics": []}),)
    INVALID = (
        Invalid({"loss": {"type": "circle"}}, "/loss", "write metrics []", fix=[], fix_at="/metrics"),
        Invalid({"loss": {"type": "circle"}, "metrics": ["accuracy"]}, "/metrics", "coordinates", fix=[]),
        Invalid(
            {"loss": {"type": "circle"}, "metrics": [], "augmentation": [{"type": "mix_up"}]},
            "/augmentation/0",
            "no place",
            fix=[],
            fix_at="/augmentation",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look for metrics and for blends."""
        if loss_type(case) != _EMBEDDING or case.spec.task == "other":
            return
        if case.spec.metrics:
            told = f"with the loss circle outputs are coordinates, and a metric{case.origin('/metrics')} compares them with classes"
            pointer = "/metrics" if case.wrote("/metrics") else "/loss"
            yield Violation(pointer, f"{told}; write metrics []", suggestion=Suggestion("/metrics", []))
        written = case.written.get("augmentation")
        if not isinstance(written, list):
            return
        blended = [index for index, transform in enumerate(case.spec.augmentation) if transform.type in _BLENDS]
        rest = [entry for index, entry in enumerate(written) if index not in blended]
        for index in blended:
            told = f"{case.spec.augmentation[index].type} blends samples, and a blend of two classes has no place of its own"
            yield Violation(f"/augmentation/{index}", f"{told}; take it out", suggestion=Suggestion("/augmentation", rest))


RULES = (LossWithoutClassNumbers(), EmbeddingTreatedAsClasses())
