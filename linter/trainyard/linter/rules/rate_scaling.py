"""The learning rate against batch size, warm-up and pretrained weights."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.estimate import learning_rate
from trainyard.linter.rules.case import Case
from trainyard.linter.rules.learning_rate import POINTER as RATE
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.rules.wording import number
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity
from trainyard.linter.spec.model.architecture import Transfer


class LargeRateWithoutWarmup(Rule):
    """A large batch starts at once at a large rate.

    What it checks:
        SGD with a batch of 1,024 or more and a rate above 0.4, and no schedule with a warm-up (one cycle has one built in).

    Why it fails:
        In the first epochs the loss bends so strongly that steps of this size overshoot; the run diverges or never recovers.

    Evidence:
        Goyal et al. 2017, arXiv 1706.02677: five epochs of warm-up were needed up to batches of 8,192.

    When to ignore:
        When the run goes on from learnt weights.
    """

    code = "LR004"
    name = "large-rate-without-warmup"
    severity = Severity.WARNING
    reads = (RATE, "/optimizer/type", "/optimizer/momentum", "/training/batch_size", "/scheduler", "/model")
    VALID = (
        Valid({"optimizer": {"type": "sgd", "learning_rate": 0.1}, "training": {"batch_size": 1024}}),
        Valid(
            {
                "optimizer": {"type": "sgd", "learning_rate": 0.8},
                "training": {"batch_size": 2048},
                "scheduler": {"type": "cosine", "t_max": {"epochs": 25}, "warmup": {"epochs": 5}},
            }
        ),
    )
    INVALID = (
        Invalid(
            {"optimizer": {"type": "sgd", "learning_rate": 0.8}, "training": {"batch_size": 2048}},
            RATE,
            "warm-up",
            fix={"type": "constant", "warmup": {"epochs": 5}},
            fix_at="/scheduler",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at batch, rate and schedules."""
        optimizer, batch = case.spec.optimizer, case.spec.training.batch_size
        if optimizer.type != "sgd" or batch < 1024 or optimizer.learning_rate <= 0.4 or case.traits.pretrained:
            return
        if any(schedule.warmup is not None or schedule.type == "one_cycle" for schedule in case.spec.scheduler):
            return
        warmup = {"epochs": min(5, max(1, case.epochs // 6))}
        written = case.written.get("scheduler")
        message = (
            f"a batch of {batch:,} at the rate {number(optimizer.learning_rate)} needs a warm-up; write one of {warmup['epochs']} epochs"
        )
        if written:
            place = "/scheduler/0" if isinstance(written, list) else "/scheduler"
            yield Violation(RATE, message, suggestion=Suggestion(f"{place}/warmup", warmup))
        else:
            yield Violation(RATE, message, suggestion=Suggestion("/scheduler", {"type": "constant", "warmup": warmup}))


class FineTuningRateHigh(Rule):
    """A pretrained base is trained at a rate made for random weights.

    What it checks:
        A transfer model whose base learns: Adam and its kin above 0.001 are a warning and above 0.0003 an info, SGD above 0.05 is a
        warning. Where `training.stages` train the base, each stage's own rate is judged.

    Why it fails:
        The first steps, with a new head that knows nothing, throw away what the base had learnt.

    Evidence:
        Keras' transfer-learning guide (a very low rate once the base is unfrozen); Kornblith et al. 2019, arXiv 1805.08974; Li et
        al. 2020, arXiv 2002.11770.

    When to ignore:
        When the base is close to random for this data.
    """

    code = "LR005"
    name = "fine-tuning-rate-too-high"
    severity = Severity.WARNING
    reads = (RATE, "/optimizer/type", "/model", "/training/stages")
    VALID = (
        Valid({"optimizer": {"learning_rate": 1e-5}, "model": {"trainable": "all"}}, onto="transfer"),
        Valid({"optimizer": {"learning_rate": 1e-2}}, onto="transfer"),
        Valid({"model": {"trainable": "all", "weights": None}}, onto="transfer"),
    )
    INVALID = (
        Invalid({"optimizer": {"learning_rate": 3e-3}, "model": {"trainable": "all"}}, RATE, "pretrained", fix=1e-5, onto="transfer"),
        Invalid({"model": {"trainable": {"last": 20}}}, RATE, "0.001", fix=1e-5, onto="transfer", severity=Severity.INFO),
        Invalid(
            {"training": {"stages": [{"trainable": "all", "epochs": 5, "learning_rate": 0.01}]}},
            "/training/stages/0/learning_rate",
            "pretrained",
            fix=1e-5,
            onto="transfer",
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Judge the rate of every part of the run that trains the base."""
        model, optimizer = case.spec.model, case.spec.optimizer
        if not isinstance(model, Transfer) or model.weights is None:
            return
        rates = [(RATE, optimizer.learning_rate)] if model.trainable != "none" else []
        rates += [
            (f"/training/stages/{index}/learning_rate", optimizer.learning_rate if stage.learning_rate is None else stage.learning_rate)
            for index, stage in enumerate(case.spec.training.stages)
            if stage.trainable != "none"
        ]
        for pointer, rate in rates:
            yield from self._judge(case, pointer if case.wrote(pointer) or pointer == RATE else pointer.rpartition("/")[0], rate, pointer)

    @staticmethod
    def _judge(case: Case, place: str, rate: float, pointer: str) -> Iterator[Violation]:
        kind = case.spec.optimizer.type
        warn, inform, value = (1e-3, 3e-4, 1e-5) if kind in learning_rate.ADAPTIVE else (0.05, 0.05, 1e-3)
        # Above the range of the optimizer itself, the rule for that speaks.
        if kind not in learning_rate.ADAPTIVE | {"sgd"} or not inform < rate <= learning_rate.bounds(case.spec.optimizer).error_above:
            return
        severity = None if rate > warn else Severity.INFO
        outcome = "throws" if rate > warn else "may throw"
        problem = f"the pretrained base learns at the rate {number(rate)}, which {outcome} away what it knows; write {number(value)}"
        yield Violation(place, problem, suggestion=Suggestion(pointer, value), severity=severity)


class RateOffScale(Rule):
    """The learning rate does not follow the batch size.

    What it checks:
        SGD on a model with normalization: the rate is more than eight times above or below 0.1 B / 256. Adam and its kin with a batch
        above 1,024 or below 8: more than eight times off 0.001 sqrt(B / 256).

    Why it fails:
        The noise of a gradient falls with the batch, so a rate that suits one batch is too timid or too bold for another.

    Evidence:
        Goyal et al. 2017, arXiv 1706.02677 (linear); Malladi et al. 2022, arXiv 2205.10287 (square root). Shallue et al. 2019,
        arXiv 1811.03600, find no rule that holds across workloads: hence an info.

    When to ignore:
        When the rate was tuned for this batch.
    """

    code = "LR006"
    name = "rate-does-not-follow-batch"
    severity = Severity.INFO
    reads = (RATE, "/optimizer/type", "/optimizer/momentum", "/training/batch_size", "/model")
    VALID = (Valid({"optimizer": {"learning_rate": 3e-4}}), Valid({"training": {"batch_size": 2048}}))
    INVALID = (
        Invalid({"optimizer": {"learning_rate": 1e-4}, "training": {"batch_size": 4096}}, RATE, "4,096", fix=0.004),
        Invalid(
            {"model": {"blocks": [{"filters": 8, "batch_norm": True, "dropout": 0.2}]}, "optimizer": {"type": "sgd", "learning_rate": 0.2}},
            RATE,
            "32",
            fix=0.012,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Compare with the scaling rule of the optimizer."""
        optimizer, batch = case.spec.optimizer, case.spec.training.batch_size
        if not case.traits.learns_deep_from_scratch or batch < 1:
            return
        if optimizer.type == "sgd" and case.traits.normalized and learning_rate.momentum(optimizer):
            scaled = 0.1 * batch / 256 * (1 - learning_rate.momentum(optimizer)) / 0.1
        elif optimizer.type in learning_rate.ADAPTIVE and not 8 <= batch <= 1024:
            scaled = 1e-3 * (batch / 256) ** 0.5
        else:
            return
        scaled, rate, bounds = learning_rate.rounded(scaled), optimizer.learning_rate, learning_rate.bounds(optimizer)
        in_range = bounds.warn_below < learning_rate.effective(optimizer) <= bounds.warn_above
        if scaled > 0 and in_range and not scaled / 8 <= rate <= scaled * 8:
            message = f"for a batch of {batch:,} the usual scaling gives a learning rate of {number(scaled)}; it is {number(rate)}"
            yield Violation(RATE, message, suggestion=Suggestion(RATE, scaled))


RULES = (
    LargeRateWithoutWarmup(),
    FineTuningRateHigh(),
    RateOffScale(),
)
