"""The learning rate of the optimizer, against what the optimizer, the model and the length of the run can use."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.estimate import learning_rate
from trainyard.linter.rules.case import CLASSIFICATION, Case
from trainyard.linter.rules.rule import STEPS, Invalid, Rule, Valid, Violation
from trainyard.linter.rules.target_steps import highest_rate
from trainyard.linter.rules.wording import count, number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity
from trainyard.linter.spec.model.architecture import Transfer

POINTER = "/optimizer/learning_rate"
# The seed page's thresholds, for every optimizer alike.
_LITERAL_HIGH, _LITERAL_LOW = 0.01, 1e-5
# From here on a frozen base excuses no longer: an Adam step moves every weight of the head by a tenth.
_HIGH_FOR_ANY_ADAPTIVE = 0.1
# Weights cannot move further than rate times updates; less than this is no training (see LearningRateTooLow).
_REACH_ADAPTIVE, _REACH_SGD = 0.02, 0.1

# Where a pretrained base learns: Keras' transfer-learning guide, and a hundredth of SGD's usual 0.1.
_FINE_TUNING, _FINE_TUNING_SGD = 1e-5, 1e-3
# Up to this batch SGD's bounds stand as they are; beyond, they follow linear scaling.
_LARGE_BATCH = 256
# Only the middle of one cycle is spent near its peak, with the momentum lowered: three times the rate is in use there.
_ONE_CYCLE = 3.0
# With normalization Keras' own X-ray example trains at this share of the plain bound for adaptive optimizers.
_NORMALIZED = 1.5
# The squared error of a probability has gradients an order below those of a cross-entropy, or less.
_SQUARED_ON_PROBABILITIES = 10.0
# From here on epsilon and not the size of the gradients decides an adaptive step, which is then that of SGD.
_DAMPING_EPSILON = 1e-3

_NAMES = {"adam": "Adam", "adamw": "AdamW", "nadam": "Nadam", "adamax": "Adamax", "rmsprop": "RMSprop", "sgd": "SGD"}


def optimizer_name(kind: str) -> str:
    """Return an optimizer's name as its paper writes it."""
    return _NAMES.get(kind, kind.capitalize())


def suggested(case: Case) -> float:
    """Return the rate to write instead, for this optimizer, batch and model."""
    spec = case.spec
    if isinstance(spec.model, Transfer) and spec.model.weights is not None and spec.model.trainable != "none":
        return _FINE_TUNING if spec.optimizer.type in learning_rate.ADAPTIVE else _FINE_TUNING_SGD
    rate = learning_rate.suggested(spec.optimizer, spec.training.batch_size, case.parameters, normalized=case.traits.normalized)
    usual = learning_rate.bounds(spec.optimizer).usual_high * (1 - learning_rate.momentum(spec.optimizer))
    most = highest_rate(case)
    return learning_rate.rounded(min(rate, usual, usual if most is None else most))


def _violation(case: Case, problem: str, severity: Severity | None = None) -> Violation:
    value = suggested(case)
    return Violation(POINTER, f"{problem}; write {number(value)}", suggestion=Suggestion(POINTER, value), severity=severity)


def _told(case: Case) -> str:
    return f"learning rate {number(case.spec.optimizer.learning_rate)}{case.origin(POINTER)}"


class LearningRateTooHigh(Rule):
    """The learning rate is above what the optimizer can use.

    What it checks:
        `optimizer.learning_rate` against the range of its optimizer. Adam, AdamW, Nadam, Adamax and RMSprop: above 0.01 when hidden
        layers learn from scratch, error above 1 (RMSprop 0.5). SGD: the rate over (1 - momentum), above 3 (1 without momentum; 0.5
        without normalization when more than six layers learn), error above 20 (2 without momentum); beyond a batch of 256 these
        grow with it when there is normalization, three times under a one-cycle schedule, and ten times for a squared error on
        probabilities. Adagrad 0.5 and 5, Adadelta 10, Lion 0.003 and 0.3. An info for Adam and its kin up to 0.015 with normalization.
        Exempt from the warnings are frozen bases, models without hidden layers, and an `epsilon` of 0.001 or more,
        which turns an adaptive step into one of SGD; Adam and its kin are warned all the same above 1 without hidden layers, and from
        0.1 on with a frozen base and a hidden head.

    Why it fails:
        Each step overshoots: the loss jumps, stays at the level of guessing, or becomes no number. An Adam step moves every
        weight by about the rate itself, and weights start at a few hundredths.

    Evidence:
        Kingma & Ba 2015, section 2.1 (size of an Adam step); Goyal et al. 2017, arXiv 1706.02677, and Bengio 2012, arXiv
        1206.5533 (SGD); Smith 2018, arXiv 1803.09820 (range test). LR too high is 6 of the 53 real faults in DeepDiagnosis'
        benchmark (ICSE 2022). UMLAUT's single bound of 0.01 for every optimizer raises false alarms on SGD recipes. Published
        beyond the plain ranges: RMSprop 0.045 with epsilon 1 (Szegedy et al. 2016, arXiv 1512.00567) and 0.256 with 0.001 (Tan &
        Le 2019, arXiv 1905.11946); SGD 3 in one cycle (Smith & Topin 2018, arXiv 1708.07120) and on a squared error of sigmoids
        (Nielsen 2015, neuralnetworksanddeeplearning.com, chapter 1: 95 % on MNIST); Adam 0.015 with batch normalization (Keras'
        example on X-rays).

        The rate to write is a starting point. For Adam and its kin it is (0.003239 - 0.0001395 ln P) sqrt(B / 32) for P parameters and a
        batch of B, kept between 1e-5 and 1e-2: the fit is equation D.1 of Kaplan et al. 2020, arXiv 2001.08361, made on transformers of
        up to 1.5 billion parameters and not checked on other nets; the root follows Malladi et al. 2022, arXiv 2205.10287. For SGD it is
        0.1 B / 256 with normalization (Goyal et al. 2017), a tenth of that without (VGG's 0.01 at 256).

    When to ignore:
        When a range test on this very model and data showed that the loss still falls at this rate.
    """

    code = "LR001"
    name = "learning-rate-too-high"
    severity = Severity.WARNING
    strict = Severity.WARNING
    # Not the batch size: it only widens SGD's bounds, and a partial spec that leaves it out is still judged.
    reads = (POINTER, "/optimizer", "/model", "/scheduler", "/loss")
    optional = ("/scheduler", "/loss")
    VALID = (
        Valid({"optimizer": {"learning_rate": 0.01}}),
        Valid({"optimizer": {"type": "rmsprop", "learning_rate": 0.045, "epsilon": 1.0}}),
        Valid({"optimizer": {"type": "sgd", "learning_rate": 0.8, "momentum": 0.9}, "scheduler": {"type": "one_cycle"}}),
        Valid(
            {
                "model": {"blocks": [{"filters": 64, "batch_norm": True, "dropout": 0.1}]},
                "optimizer": {"type": "sgd", "learning_rate": 3.2, "momentum": 0.9},
                "training": {"batch_size": 8192},
            }
        ),
        Valid({"optimizer": {"type": "sgd", "learning_rate": 0.1, "momentum": 0.9}}),
        Valid({"model": {"hidden": []}, "optimizer": {"learning_rate": 0.05}}, onto="table"),
        Valid({"optimizer": {"learning_rate": 0.02}}, onto="transfer"),
        Valid({"optimizer": {"type": "adadelta", "learning_rate": 1.0}}),
    )
    INVALID = (
        Invalid({"optimizer": {"learning_rate": 0.5}}, POINTER, "far above what Adam can use", fix=0.0018),
        Invalid(
            {"optimizer": {"learning_rate": 0.015}, "model": {"blocks": [{"filters": 64, "batch_norm": True, "dropout": 0.1}]}},
            POINTER,
            "above what is usual",
            severity=Severity.INFO,
        ),
        Invalid({"optimizer": {"learning_rate": 3}}, POINTER, "cannot work", fix=0.0018, severity=Severity.ERROR),
        Invalid({"optimizer": {"type": "sgd", "learning_rate": 5, "momentum": 0.0}}, POINTER, "cannot work", severity=Severity.ERROR),
        Invalid({"optimizer": {"type": "sgd", "learning_rate": 0.5, "momentum": 0.9}}, POINTER, "adds up to 5"),
        Invalid(
            {"model": {"head": {"hidden": [32], "dropout": 0.2}}, "optimizer": {"learning_rate": 0.2}}, POINTER, "Adam", onto="transfer"
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare with the optimizer's bounds."""
        optimizer = case.spec.optimizer
        bounds, rate = learning_rate.bounds(optimizer), learning_rate.effective(optimizer)
        if rate <= bounds.usual_high:
            return
        if not case.traits.has_hidden:
            if optimizer.type in learning_rate.ADAPTIVE and rate > bounds.error_above:
                yield _violation(case, f"{_told(case)} is beyond what even a linear model bears: {self._why(case, rate)}", Severity.WARNING)
            return
        name = optimizer_name(optimizer.type)
        scale = self._scale(case)
        if rate > bounds.error_above * scale:
            yield _violation(case, f"{_told(case)} cannot work: {self._why(case, rate)}", Severity.ERROR)
        elif rate > self._warn_above(case, bounds) * scale:
            usual = f"{number(bounds.usual_low)} to {number(bounds.usual_high)}"
            detail = (
                f" (usual: {usual})"
                if rate == optimizer.learning_rate
                else f": with the momentum it adds up to {number(rate)}, usual is {usual}"
            )
            band = case.traits.normalized and optimizer.type in learning_rate.ADAPTIVE and rate <= bounds.warn_above * _NORMALIZED
            amount = "above what is usual with" if band else "far above what"
            problem = f"{_told(case)} is {amount} {name}{'' if band else ' can use here'}{detail}"
            yield _violation(case, problem, Severity.INFO if band else None)

    def check_strictly(self, case: Case) -> Iterator[Violation]:
        """Apply the seed page's 0.01 to every optimizer and model."""
        found = list(self.check(case))
        if not found and case.spec.optimizer.learning_rate > _LITERAL_HIGH:
            found = [_violation(case, f"{_told(case)} is above {number(_LITERAL_HIGH)}, likely too high")]
        yield from found

    @staticmethod
    def _scale(case: Case) -> float:
        """Return how far SGD's bounds move: linearly with a large batch under normalization, and under one cycle."""
        if case.spec.optimizer.type != "sgd":
            return 1.0
        cycle = _ONE_CYCLE if any(schedule.type == "one_cycle" for schedule in case.spec.scheduler) else 1.0
        if case.spec.loss is not None and case.spec.loss.type == "mean_squared_error" and case.spec.task == CLASSIFICATION:
            output = case.final
            cycle *= _SQUARED_ON_PROBABILITIES if output is not None and output.activation in {"sigmoid", "softmax"} else 1.0
        return cycle * max(1.0, case.spec.training.batch_size / _LARGE_BATCH) if case.traits.normalized else cycle

    @staticmethod
    def _warn_above(case: Case, bounds: learning_rate.Bounds) -> float:
        kind, traits = case.spec.optimizer.type, case.traits
        if kind in learning_rate.ADAPTIVE and getattr(case.spec.optimizer, "epsilon", 0.0) >= _DAMPING_EPSILON:
            return bounds.error_above
        if traits.pretrained:
            return _HIGH_FOR_ANY_ADAPTIVE if kind in learning_rate.ADAPTIVE and traits.frozen else bounds.error_above
        if kind == "sgd" and bounds.warn_above > 1 and not traits.normalized and traits.weighted > 6:
            return bounds.usual_high / 4
        return bounds.warn_above

    @staticmethod
    def _why(case: Case, rate: float) -> str:
        if case.spec.optimizer.type == "sgd":
            return (
                f"a step of {number(rate)} times the gradient overshoots"
                if rate == case.spec.optimizer.learning_rate
                else (f"with the momentum it adds up to {number(rate)} times the gradient, which overshoots")
            )
        return f"each step of {optimizer_name(case.spec.optimizer.type)} moves every weight by about that much"


class LearningRateTooLow(Rule):
    """The learning rate is so low that the weights hardly move.

    What it checks:
        Hidden layers that learn from scratch: below 1e-5 for Adam and its kin and for Adagrad, 0.01 for Adadelta, 1e-6 for Lion;
        and, where the number of updates U is known, rate * U below 0.02 for adaptive optimizers, rate / (1 - momentum) * U
        below 0.1 for SGD.

    Why it fails:
        No weight can move further than rate times updates, give or take the size of its gradient, and useful weights lie a few
        tenths away from where they start. The run ends before it has learnt.

    Evidence:
        Kingma & Ba 2015, section 2.1: an Adam step is at most about the rate; the bound on the distance follows. Keras'
        own default for Adadelta (0.001) is a thousandth of the paper's and is known to be slow.

    When to ignore:
        When the run goes on from weights that are nearly right and the spec cannot say so.
    """

    code = "LR002"
    name = "learning-rate-too-low"
    severity = Severity.WARNING
    strict = Severity.WARNING
    reads = (POINTER, "/optimizer", "/model", *STEPS)
    VALID = (
        Valid({"optimizer": {"learning_rate": 1e-4}}),
        Valid({"optimizer": {"learning_rate": 5e-6}, "model": {"trainable": "all"}}, onto="transfer"),
        Valid({"optimizer": {"learning_rate": 1e-6}, "model": {"initial": "earlier/bundle"}}),
    )
    INVALID = (
        Invalid({"optimizer": {"learning_rate": 1e-6}}, POINTER, "far below what Adam can use", fix=0.0018),
        Invalid({"optimizer": {"type": "adadelta"}}, POINTER, "the default", fix=1.0),
        Invalid(
            {"optimizer": {"learning_rate": 2e-5}, "training": {"epochs": 2}}, POINTER, "no weight can move further than 0.00", fix=0.0018
        ),
        Invalid({"optimizer": {"type": "sgd", "learning_rate": 1e-6}}, POINTER, "no weight can move", fix=0.0012),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare with the optimizer's lower bound and with the reach of the whole run."""
        optimizer = case.spec.optimizer
        if optimizer.learning_rate <= 0 or not case.traits.learns_deep_from_scratch:
            return
        bounds = learning_rate.bounds(optimizer)
        rate = learning_rate.effective(optimizer)
        if rate < bounds.warn_below:
            usual = f"{number(bounds.usual_low)} to {number(bounds.usual_high)}"
            yield _violation(case, f"{_told(case)} is far below what {optimizer_name(optimizer.type)} can use here (usual: {usual})")
        elif case.updates and optimizer.type not in {"adagrad", "adadelta", "lion"}:
            least = _REACH_SGD if optimizer.type == "sgd" else _REACH_ADAPTIVE
            # Where the rate is usual it is the run that is too short, which another rule says.
            if rate * case.updates < least and rate < bounds.usual_low:
                reach = f"over {count(case.updates, 'update')} no weight can move further than {number(rate * case.updates)}"
                yield _violation(case, f"{_told(case)} is too low for this run: {reach}")

    def check_strictly(self, case: Case) -> Iterator[Violation]:
        """Apply the seed page's 1e-5 to every optimizer and model."""
        found = list(self.check(case))
        if not found and 0 < case.spec.optimizer.learning_rate < _LITERAL_LOW:
            found = [_violation(case, f"{_told(case)} is below {number(_LITERAL_LOW)}, likely too low")]
        yield from found


class LearningRateNotPositive(Rule):
    """The learning rate is zero or negative.

    What it checks:
        `optimizer.learning_rate`, and that of each entry of `training.stages`, is above zero.

    Why it fails:
        At zero nothing is learnt; below zero every step climbs instead of descending.

    Evidence:
        Definition of gradient descent. All six trainers of strands-labs/robots accepted a rate of 0 without a word
        (strands-labs/robots#1943).

    When to ignore:
        Never: to judge a model without training it, use evaluation instead.
    """

    code = "LR003"
    name = "learning-rate-not-positive"
    severity = Severity.ERROR
    reads = (POINTER, "/optimizer/type", "/training/stages")
    VALID = (Valid({"optimizer": {"learning_rate": 1e-5}}),)
    INVALID = (
        Invalid({"optimizer": {"learning_rate": 0}}, POINTER, "learning rate 0 teaches nothing", fix=0.0018),
        Invalid({"optimizer": {"learning_rate": -0.001}}, POINTER, "climbs", fix=0.0018),
        Invalid(
            {"training": {"stages": [{"trainable": "all", "epochs": 3, "learning_rate": 0}]}},
            "/training/stages/0/learning_rate",
            "teaches nothing",
            onto="transfer",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at the optimizer and at every stage."""
        places = [(POINTER, case.spec.optimizer.learning_rate)]
        places += [
            (f"/training/stages/{index}/learning_rate", stage.learning_rate)
            for index, stage in enumerate(case.spec.training.stages)
            if stage.learning_rate is not None
        ]
        for pointer, rate in places:
            if rate <= 0:
                value = suggested(case)
                why = "teaches nothing" if rate == 0 else "climbs the loss instead of descending it"
                yield Violation(
                    pointer, f"learning rate {number(rate)} {why}; write {number(value)}", suggestion=Suggestion(pointer, value)
                )


RULES = (LearningRateTooHigh(), LearningRateTooLow(), LearningRateNotPositive())
