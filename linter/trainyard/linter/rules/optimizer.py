"""The optimizer's own parameters, apart from the learning rate."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.estimate import learning_rate
from trainyard.linter.rules.case import Case
from trainyard.linter.rules.learning_rate import optimizer_name
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.rules.wording import number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity

# Above these a decay is far from usual; Lion's steps are smaller, and its paper decays ten to thirty times as strongly.
_STRONG_DECAYS = {"sgd": 0.05, "lion": 10.0}


def fix_of(pointer: str, problem: str, value: float, severity: Severity | None = None) -> Violation:
    """Return the finding that another number in this field repairs."""
    return Violation(pointer, f"{problem}; write {number(value)}", suggestion=Suggestion(pointer, value), severity=severity)


class MomentumOutOfRange(Rule):
    """The momentum is outside of what keeps a ball from running away.

    What it checks:
        `optimizer.momentum` is at least 0 and below 1; above 0.99 is a warning.

    Why it fails:
        Steps add up to rate / (1 - momentum): at 1 they grow without end, above 0.99 a hundredfold and slowly.

    Evidence:
        Stability of the heavy-ball iteration; the rules on the learning rate judge rate / (1 - momentum) for the same reason.

    When to ignore:
        Above 0.99, when the run is long and the rate small.
    """

    code = "OPT001"
    name = "momentum-out-of-range"
    severity = Severity.ERROR
    reads = ("/optimizer/type", "/optimizer/momentum")
    VALID = (Valid({"optimizer": {"type": "sgd", "momentum": 0.95, "learning_rate": 0.01}}), Valid({"optimizer": {"type": "sgd"}}))
    INVALID = (
        Invalid({"optimizer": {"type": "sgd", "momentum": 1.0}}, "/optimizer/momentum", "without end", fix=0.9),
        Invalid({"optimizer": {"type": "sgd", "momentum": -0.9}}, "/optimizer/momentum", "negative", fix=0.9),
        Invalid({"optimizer": {"type": "sgd", "momentum": 0.999}}, "/optimizer/momentum", "1,000", fix=0.9, severity=Severity.WARNING),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at the momentum, where the optimizer has one."""
        momentum: float | None = getattr(case.spec.optimizer, "momentum", None)
        if momentum is None or 0 <= momentum <= 0.99:
            return
        pointer = "/optimizer/momentum"
        if momentum < 0:
            yield fix_of(pointer, f"momentum {number(momentum)} is negative", 0.9)
        elif momentum >= 1:
            yield fix_of(pointer, f"with momentum {number(momentum)} steps grow without end", 0.9)
        else:
            times = number(round(1 / (1 - momentum)))
            yield fix_of(pointer, f"momentum {number(momentum)} makes steps {times} times the learning rate", 0.9, Severity.WARNING)


class EpsilonOutOfRange(Rule):
    """The optimizer's epsilon is zero, negative or larger than any gradient.

    What it checks:
        `optimizer.epsilon` is above 0 and at most 1; with `float16` variables, at least 1e-7.

    Why it fails:
        It guards a division: at zero the first step divides by zero, far above the gradients it decides the step alone. In
        float16 everything below 6e-8 is zero.

    Evidence:
        TensorFlow's documentation names values up to 1.0 for Inception, so those are silent; AdeDZY/K-NRM#10 trains only with 1e-4
        or 1e-3. Float16's smallest number is 2^-24.

    When to ignore:
        Above 1, when the value was tuned.
    """

    code = "OPT002"
    name = "epsilon-out-of-range"
    severity = Severity.WARNING
    reads = ("/optimizer/type", "/optimizer/epsilon", "/training/precision")
    VALID = (Valid({"optimizer": {"epsilon": 0.1}}), Valid({"training": {"precision": "mixed_float16"}, "optimizer": {"epsilon": 1e-8}}))
    INVALID = (
        Invalid({"optimizer": {"epsilon": 0}}, "/optimizer/epsilon", "division by zero", fix=1e-7),
        Invalid({"optimizer": {"epsilon": 50}}, "/optimizer/epsilon", "larger than any gradient", fix=1e-7),
        Invalid(
            {"optimizer": {"epsilon": 1e-8}, "training": {"precision": "float16"}},
            "/optimizer/epsilon",
            "is zero in float16",
            fix=1e-4,
            severity=Severity.ERROR,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at epsilon, where the optimizer has one."""
        epsilon: float | None = getattr(case.spec.optimizer, "epsilon", None)
        pointer = "/optimizer/epsilon"
        if epsilon is None:
            return
        if epsilon <= 0:
            yield fix_of(pointer, f"epsilon {number(epsilon)} does not guard against a division by zero", 1e-7)
        elif epsilon > 1:
            yield fix_of(pointer, f"epsilon {number(epsilon)} is larger than any gradient and decides the steps alone", 1e-7)
        elif case.spec.training.precision == "float16" and epsilon < 1e-7:
            yield fix_of(pointer, f"epsilon {number(epsilon)}{case.origin(pointer)} is zero in float16", 1e-4, Severity.ERROR)


class DecayRateOutOfRange(Rule):
    """A running mean of gradients has a decay outside of 0 to 1.

    What it checks:
        `beta_1`, `beta_2` and `rho` are at least 0 and below 1.

    Why it fails:
        At 1 the mean never takes anything in, and its bias correction divides by zero; beyond, it runs away.

    Evidence:
        Kingma & Ba 2015, algorithm 1 (both betas in [0, 1)).

    When to ignore:
        Never.
    """

    code = "OPT003"
    name = "running-mean-out-of-range"
    severity = Severity.ERROR
    reads = ("/optimizer/type", "/optimizer/beta_1", "/optimizer/beta_2", "/optimizer/rho")
    VALID = (Valid({"optimizer": {"beta_1": 0.0, "beta_2": 0.9999}}),)
    INVALID = (
        Invalid({"optimizer": {"beta_2": 1}}, "/optimizer/beta_2", "never takes anything in", fix=0.999),
        Invalid({"optimizer": {"type": "rmsprop", "rho": -0.9}}, "/optimizer/rho", "at least 0", fix=0.9),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at each decay that the optimizer has."""
        optimizer = case.spec.optimizer
        usual = {"beta_1": 0.9, "beta_2": 0.99 if optimizer.type == "lion" else 0.999, "rho": 0.95 if optimizer.type == "adadelta" else 0.9}
        for field, value in usual.items():
            decay: float = getattr(optimizer, field, value)
            if not 0 <= decay < 1:
                why = "has to be at least 0" if decay < 0 else "never takes anything in" if decay == 1 else "has to be below 1"
                told = f"with {field} 1 the running mean {why}" if decay == 1 else f"{field} {number(decay)} {why}"
                yield fix_of(f"/optimizer/{field}", told, value)


class WeightDecayStrong(Rule):
    """The decoupled weight decay is far above the usual.

    What it checks:
        `optimizer.weight_decay` above 0.3 (0.01 to 0.1 is usual); for SGD above 0.05, for Lion above 10. Negative values are an error.

    Why it fails:
        Each step shrinks every weight by rate times decay; too much of it holds the weights near zero and the model underfits.
        A negative decay makes them grow without end.

    Evidence:
        Loshchilov & Hutter 2019, arXiv 1711.05101. In use: 0.05 (facebookresearch/deit#68), 0.1 (shariqfarooq123/AdaBins#42). For SGD
        the usual 5e-4 is a hundredth of that. Lion with up to 10: Chen et al. 2023, arXiv 2302.06675.

    When to ignore:
        When it was tuned together with the rate.
    """

    code = "OPT006"
    name = "weight-decay-too-strong"
    severity = Severity.WARNING
    reads = ("/optimizer/type", "/optimizer/weight_decay")
    VALID = (
        Valid({"optimizer": {"type": "adamw", "weight_decay": 0.1}}),
        Valid({"optimizer": {"type": "lion", "learning_rate": 1e-4, "weight_decay": 1.0}}),
    )
    INVALID = (
        Invalid({"optimizer": {"type": "adamw", "weight_decay": 1.0}}, "/optimizer/weight_decay", "far above", fix=0.01),
        Invalid({"optimizer": {"type": "sgd", "weight_decay": 0.1}}, "/optimizer/weight_decay", "far above", fix=0.0005),
        Invalid({"optimizer": {"type": "adamw", "weight_decay": -0.01}}, "/optimizer/weight_decay", "negative", severity=Severity.ERROR),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at the decay."""
        optimizer = case.spec.optimizer
        decay = optimizer.weight_decay or 0.0
        pointer, usual = "/optimizer/weight_decay", 5e-4 if optimizer.type == "sgd" else 0.01
        if decay < 0:
            yield fix_of(pointer, f"weight decay {number(decay)} is negative, so weights grow", usual, Severity.ERROR)
        elif decay > _STRONG_DECAYS.get(optimizer.type, 0.3):
            name = optimizer_name(optimizer.type)
            yield fix_of(pointer, f"weight decay {number(decay)} is far above what is usual with {name} ({number(usual)})", usual)


class PenaltyInsideAdaptive(Rule):
    """An l2 penalty meets an adaptive optimizer.

    What it checks:
        `regularization.l2` above 0.0001 with Adam, Nadam, Adamax or RMSprop.

    Why it fails:
        The gradient of the penalty is divided by the running size of the gradients, so weights with large gradients are hardly
        penalised. Decoupled decay is not.

    Evidence:
        Loshchilov & Hutter 2019, arXiv 1711.05101. On convolutional nets the accuracy hardly differs
        (Alibaba-MIIL/ImageNet21K#33), hence an info.

    When to ignore:
        When a recipe with l2 is reproduced.
    """

    code = "OPT007"
    name = "l2-inside-adaptive-optimizer"
    severity = Severity.INFO
    reads = ("/optimizer/type", "/regularization/l2")
    VALID = (Valid({"regularization": {"l2": 1e-4}, "optimizer": {"type": "sgd"}}),)
    INVALID = (Invalid({"regularization": {"l2": 0.001}}, "/regularization/l2", "AdamW", fix="adamw", fix_at="/optimizer/type"),)

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at both."""
        kind = case.spec.optimizer.type
        # Up to the usual strength it makes no difference that anyone has measured.
        if (case.spec.regularization.l2 or 0.0) > 1e-4 and kind in learning_rate.ADAPTIVE - {"adamw"}:
            fix = Suggestion("/optimizer/type", "adamw") if kind == "adam" else None
            message = f"{optimizer_name(kind)} weakens an l2 penalty where gradients are large; AdamW's weight_decay is not weakened"
            yield Violation("/regularization/l2", message, suggestion=fix)


RULES = (
    MomentumOutOfRange(),
    EpsilonOutOfRange(),
    DecayRateOutOfRange(),
    WeightDecayStrong(),
    PenaltyInsideAdaptive(),
)
