"""Bounds on gradients: above zero, one at a time, and where recurrent layers need one."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.estimate import learning_rate
from trainyard.linter.rules.case import Case
from trainyard.linter.rules.optimizer import fix_of
from trainyard.linter.rules.rule import STEPS, Invalid, Rule, Valid, Violation
from trainyard.linter.rules.traits import RECURRENT
from trainyard.linter.rules.wording import number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity

# As for a learning rate that is too low.
_SMALL_REACH = 0.1
_UNBOUNDED = frozenset({"relu", "leaky_relu", "elu", "selu", "gelu", "swish", "mish", "linear", "exponential"})


class ClippingNotPositive(Rule):
    """Gradients are clipped to nothing, or to next to nothing.

    What it checks:
        `clipnorm`, `clipvalue` and `global_clipnorm` are above zero, where they are written. A warning for SGD where the norm bound times
        rate / (1 - momentum) times the updates of the run is below 0.1.

    Why it fails:
        At zero every gradient is lost, or changes its sign. A tiny bound on the norm is a tiny step: no weight can move further than bound
        times rate times updates. Adam and its kin divide the bound out again.

    Evidence:
        Definition of clipping; Pascanu, Mikolov & Bengio 2013, arXiv 1211.5063, bound norms at 1 and more.

    When to ignore:
        Never; null switches clipping off.
    """

    code = "OPT004"
    name = "clipping-not-positive"
    severity = Severity.ERROR
    reads = ("/optimizer/clipnorm", "/optimizer/clipvalue", "/optimizer/global_clipnorm", *STEPS)
    optional = STEPS
    VALID = (Valid({"optimizer": {"clipnorm": 1.0}}), Valid({"optimizer": {"clipnorm": 1e-6}}))
    INVALID = (
        Invalid({"optimizer": {"clipnorm": 0}}, "/optimizer/clipnorm", "to nothing", fix=1),
        Invalid(
            {"optimizer": {"type": "sgd", "learning_rate": 0.01, "clipnorm": 1e-8}},
            "/optimizer/clipnorm",
            "no weight can move further",
            fix=1,
            severity=Severity.WARNING,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at each bound."""
        for field in ("clipnorm", "clipvalue", "global_clipnorm"):
            bound: float | None = getattr(case.spec.optimizer, field, None)
            if bound is not None and bound <= 0:
                yield fix_of(f"/optimizer/{field}", f"{field} {number(bound)} cuts every gradient to nothing", 1)
            elif bound is not None and field != "clipvalue":
                yield from self._tiny(case, field, bound)

    @staticmethod
    def _tiny(case: Case, field: str, bound: float) -> Iterator[Violation]:
        optimizer = case.spec.optimizer
        if optimizer.type != "sgd" or not case.updates or not case.traits.learns_deep_from_scratch or optimizer.learning_rate <= 0:
            return
        reach = bound * learning_rate.effective(optimizer) * case.updates
        if reach < _SMALL_REACH <= learning_rate.effective(optimizer) * case.updates:
            told = f"{field} {number(bound)} makes every step so small that no weight can move further than {reach:.1g} in this run"
            yield fix_of(f"/optimizer/{field}", told, 1, Severity.WARNING)


class RecurrentWithoutClipping(Rule):
    """A recurrent net trains without gradient clipping.

    What it checks:
        A model with LSTM or GRU layers and none of `clipnorm`, `clipvalue`, `global_clipnorm`: an info, and a warning where the layer's
        activation is not bounded, as relu.

    Why it fails:
        Gradients are products over the time steps and may explode on single batches. With relu in place of tanh the state itself grows
        from step to step, and the loss becomes no number.

    Evidence:
        Pascanu, Mikolov & Bengio 2013, arXiv 1211.5063. Many recipes with gated units train without, hence an info. Le, Jaitly & Hinton
        2015, arXiv 1504.00941, train relu recurrences with clipping and an initialization of their own.

    When to ignore:
        When sequences are short.
    """

    code = "OPT005"
    name = "recurrent-without-clipping"
    severity = Severity.INFO
    reads = ("/model", "/optimizer/clipnorm", "/optimizer/clipvalue", "/optimizer/global_clipnorm")
    VALID = (Valid({}),)
    INVALID = (
        Invalid(
            {
                "model": {
                    "layers": [
                        {"type": "lstm", "units": 32},
                        {"type": "dropout", "rate": 0.3},
                        {"type": "dense", "units": 4, "activation": "softmax"},
                    ]
                }
            },
            "/optimizer",
            "clipnorm 1",
            fix=1.0,
            fix_at="/optimizer/clipnorm",
            onto="layers",
        ),
        Invalid(
            {
                "model": {
                    "layers": [
                        {"type": "lstm", "units": 32, "activation": "relu"},
                        {"type": "dropout", "rate": 0.3},
                        {"type": "dense", "units": 4, "activation": "softmax"},
                    ]
                }
            },
            "/model/layers/0/activation",
            "grows without bound",
            fix="tanh",
            onto="layers",
            severity=Severity.WARNING,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look for recurrent layers and for a bound."""
        optimizer = case.spec.optimizer
        if any(getattr(optimizer, field, None) is not None for field in ("clipnorm", "clipvalue", "global_clipnorm")):
            return
        recurrent = [(pointer, layer) for pointer, layer in case.layers if layer.type in RECURRENT]
        growing = next(((pointer, layer) for pointer, layer in recurrent if getattr(layer, "activation", "tanh") in _UNBOUNDED), None)
        if growing is not None:
            pointer, activation = f"{growing[0]}/activation", getattr(growing[1], "activation", "")
            message = (
                f"the state of an {growing[1].type} with {activation} grows without bound, and nothing clips its gradients; write 'tanh'"
            )
            yield Violation(pointer, message, suggestion=Suggestion(pointer, "tanh"), severity=Severity.WARNING)
        elif recurrent:
            message = f"the {recurrent[0][1].type} layers' gradients may explode on single batches; write clipnorm 1"
            yield Violation("/optimizer", message, "key", Suggestion("/optimizer/clipnorm", 1.0))


class SeveralClippings(Rule):
    """Gradients are bounded in more than one way.

    What it checks:
        At most one of `clipnorm`, `clipvalue` and `global_clipnorm` is written.

    Why it fails:
        Keras takes one of them and raises for more.

    Evidence:
        keras/src/optimizers/base_optimizer.py: only one of the three can be set.

    When to ignore:
        Never.
    """

    code = "OPT008"
    name = "several-clippings"
    severity = Severity.ERROR
    reads = ("/optimizer/clipnorm", "/optimizer/clipvalue", "/optimizer/global_clipnorm")
    optional = reads
    VALID = (Valid({"optimizer": {"global_clipnorm": 1.0}}),)
    INVALID = (Invalid({"optimizer": {"clipnorm": 1.0, "clipvalue": 0.5}}, "/optimizer/clipvalue", "clipnorm", fix=None),)

    def check(self, case: Case) -> Iterator[Violation]:
        """Count the bounds."""
        found = [field for field in ("clipnorm", "clipvalue", "global_clipnorm") if getattr(case.spec.optimizer, field, None) is not None]
        for field in found[1:]:
            pointer = f"/optimizer/{field}"
            message = f"Keras bounds gradients one way at a time, and {found[0]} is set; write null"
            yield Violation(pointer, message, suggestion=Suggestion(pointer, None))


RULES = (SeveralClippings(), ClippingNotPositive(), RecurrentWithoutClipping())
