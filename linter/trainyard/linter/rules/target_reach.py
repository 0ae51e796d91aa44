"""Targets that adaptive optimizers cannot reach: no weight moves further than rate times updates, and so much do the outputs grow."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from trainyard.linter.estimate import learning_rate
from trainyard.linter.rules.case import Case
from trainyard.linter.rules.learning_rate import POINTER as RATE
from trainyard.linter.rules.output import loss_type, place_of, target_range
from trainyard.linter.rules.rule import STEPS, Invalid, Rule, Valid, Violation
from trainyard.linter.rules.wording import count, number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity

# Mean size of a standardized input, sqrt(2 / pi).
_INPUT = 0.8
# About the size of outputs under the initial weights.
_START = 0.5
# Outputs that come to less than this share of the targets did worse than their mean in every run (test_target_reach.py).
_SHARE = 0.2
# Outputs of these losses are the targets themselves, and an adaptive step does not care how large the loss is.
_LOSSES = frozenset({"mean_squared_error", "mean_absolute_error", "huber", "log_cosh"})
_SCALED = frozenset({"standardize", "unit", "min_max"})
_DEEPEST = 2
# Those that may be written instead; three times the targets is where all runs did well.
_RATES = (0.001, 0.002, 0.003, 0.005, 0.01)


def reach(features: int, widths: tuple[int, ...], distance: float) -> float:
    """Return about how large the outputs of a dense relu net can become when every weight moves by ``distance``.

    Layer by layer, from inputs of ordinary size: what comes in, times its number, times the distance, or what the first weights make of it.
    """
    size = _INPUT
    for width in (features, *widths):
        size = min(1e100, max(_START, size * width * distance))
    return size


class TargetsOutOfReach(Rule):
    """The targets are larger than the outputs can become in this run.

    What it checks:
        A regression by squared, absolute, Huber or log-cosh error with Adam or one of its kin, on scaled inputs, by a net of at most two
        hidden layers, all dense, without normalization: the largest target against five times what the outputs come to when every weight
        moves by rate times updates.

    Why it fails:
        An adaptive step is about the rate, however large the error: the run is over before the outputs are of the size of the targets,
        and its answers are further off than their mean would be.

    Evidence:
        Kingma & Ba 2015, section 2.1 (a step is at most about the rate). Measured here, on relu nets of one and two hidden layers of 16 to
        256 units, targets that span 100 to 1,000,000 and 400 to 4,000 updates: R2 crosses 0 where the product of all widths, 0.8 times the
        inputs and the distance for each layer comes to a third of the targets up to all of them; below a fifth it was -0.6 and less in
        every run (tests/unit/linter/rules/test_target_reach.py repeats it). Nets of three came up to ten times as far as that: their
        gradients grow from step to step, and Adam's steps with them; so they are silent.

    When to ignore:
        When the targets are scaled before training: declare the range that they have then.
    """

    code = "TGT002"
    name = "targets-out-of-reach"
    severity = Severity.WARNING
    reads = (RATE, "/optimizer", "/model", "/loss", "/task", "/dataset/scaling", "/dataset/facts/target", *STEPS)
    optional = ("/loss", "/dataset/scaling")
    VALID = (
        Valid({"dataset": {"facts": {"target": {"range": {"min": 0, "max": 500}}}}}, onto="regression"),
        Valid({"dataset": {"facts": {"target": {"range": {"min": 0, "max": 1000000}}}}}, onto="regression"),
    )
    INVALID = (
        Invalid(
            {
                "dataset": {"facts": {"samples": 1600, "target": {"range": {"min": 0, "max": 1000000}}}},
                "optimizer": {"type": "adam", "learning_rate": 0.001},
                "training": {"epochs": 80},
            },
            RATE,
            "1,000,000",
            fix=0.005,
            onto="regression",
        ),
        Invalid(
            {"dataset": {"facts": {"samples": 1600, "target": {"range": {"min": 0, "max": 1e12}}}}, "training": {"epochs": 80}},
            "/model",
            "scale the targets",
            onto="regression",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare how far outputs come with the largest target."""
        spec, widths, shape = case.spec, _widths(case), case.input_shape
        low, high = target_range(case)
        if (
            widths is None
            or len(widths) > _DEEPEST
            or shape is None
            or low is None
            or high is None
            or not case.updates
            or not self._applies(case)
        ):
            return
        largest, features = max(abs(low), abs(high)), prod(shape)
        rate = max(spec.optimizer.learning_rate, 0.0 if case.curve is None else case.curve.highest())
        reached = reach(features, widths, rate * case.updates)
        if rate <= 0 or reached >= _SHARE * largest:
            return
        told = f"over {count(case.updates, 'update')} at the rate {number(spec.optimizer.learning_rate)} outputs come to about "
        message = f"{told}{number(float(f'{reached:.1g}'))}, and targets lie in {number(low)} to {number(high)}; scale the targets"
        enough = next((step for step in _RATES if step > rate and reach(features, widths, step * case.updates) >= 3 * largest), None)
        if enough is None:
            yield Violation(place_of(case, RATE), message)
        else:
            fix = Suggestion(RATE, enough) if case.wrote("/optimizer") else None
            yield Violation(place_of(case, RATE), f"{message}, or write {number(enough)}", suggestion=fix)

    @staticmethod
    def _applies(case: Case) -> bool:
        spec, output = case.spec, case.final
        plain = case.traits.dense_only and not case.traits.normalized and not case.traits.pretrained
        adaptive = spec.optimizer.type in learning_rate.ADAPTIVE and spec.task == "regression"
        linear = output is not None and output.activation == "linear" and loss_type(case) in _LOSSES
        return plain and adaptive and linear and spec.dataset.scaling in _SCALED


def _widths(case: Case) -> tuple[int, ...] | None:
    """Return the units of the hidden layers of a net that is nothing but dense layers in a row; ``None`` for any other."""
    model = case.spec.model
    hidden: tuple[int, ...] | None = getattr(model, "hidden", None)
    if hidden is not None:
        return hidden
    if model.type != "sequential" or case.shapes is None:
        return None
    units = tuple(getattr(layer, "units", 0) for _, layer in case.layers if layer.type == "dense")
    others = {layer.type for _, layer in case.layers} - {"dense", "dropout", "activation", "flatten"}
    return None if others or not all(units) else units if getattr(model, "output", None) is not None else units[:-1]


RULES = (TargetsOutOfReach(),)
