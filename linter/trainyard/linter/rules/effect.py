"""Settings that are known and written, and change nothing here."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.rules.case import Case
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.source.severity import Severity
from trainyard.linter.spec.model.architecture import Cnn, Transfer
from trainyard.linter.spec.model.training import ClassWeights


class SettingWithoutEffect(Rule):
    """A setting was written that changes nothing in this spec.

    What it checks:
        `loss_scale` without float16, `nesterov` without momentum, `beta` or `weights` of class weights whose method does not read them,
        `stages` of a model without a base, `pool_size` of a block without pooling, a split
        `group` with another method.

    Why it fails:
        It does not do what it seems to say: usually another field was meant, or forgotten.

    Evidence:
        Law 1 of the language: a known key without effect is a warning.

    When to ignore:
        When specs are generated from one template.
    """

    code = "EFF001"
    name = "setting-without-effect"
    severity = Severity.WARNING
    reads = ("/training", "/optimizer", "/imbalance", "/model", "/task", "/dataset/split", "/callbacks")
    VALID = (
        Valid({"training": {"precision": "mixed_float16", "loss_scale": 1024}}),
        Valid({"imbalance": {"type": "class_weights", "method": "effective_number", "beta": 0.99}}),
    )
    INVALID = (
        Invalid({"training": {"loss_scale": "dynamic"}}, "/training/loss_scale", "only float16 reads it"),
        Invalid({"optimizer": {"type": "sgd", "momentum": 0.0, "nesterov": True}}, "/optimizer/nesterov", "momentum is 0"),
        Invalid({"imbalance": {"type": "class_weights", "beta": 0.99}}, "/imbalance/beta", "effective_number"),
        Invalid({"training": {"stages": [{"trainable": "all", "epochs": 3}]}}, "/training/stages", "pretrained base"),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Look at every setting that the author wrote and nothing reads."""
        for pointer, why in self._candidates(case):
            if case.wrote(pointer):
                yield Violation(pointer, f"{pointer.rsplit('/', 1)[-1]} has no effect: {why}", "key")

    @staticmethod
    def _candidates(case: Case) -> Iterator[tuple[str, str]]:
        spec = case.spec
        if spec.training.precision not in {"float16", "mixed_float16"} and spec.training.loss_scale is not None:
            yield "/training/loss_scale", "only float16 reads it"
        if getattr(spec.optimizer, "nesterov", False) and getattr(spec.optimizer, "momentum", 1.0) == 0:
            yield "/optimizer/nesterov", "momentum is 0"
        if spec.training.stages and not isinstance(spec.model, Transfer):
            yield "/training/stages", "only a model with a pretrained base is trained in stages"
        if isinstance(spec.imbalance, ClassWeights):
            yield from _of_weights(spec.imbalance)
        if spec.dataset.split.group is not None and spec.dataset.split.method != "group":
            yield "/dataset/split/group", f"the method is '{spec.dataset.split.method}'"
        if isinstance(spec.model, Cnn):
            yield from (
                (f"/model/blocks/{i}/pool_size", "the block has no pooling") for i, b in enumerate(spec.model.blocks) if b.pooling is None
            )


def _of_weights(imbalance: ClassWeights) -> Iterator[tuple[str, str]]:
    if imbalance.method != "effective_number":
        yield "/imbalance/beta", f"the method is '{imbalance.method}', and only 'effective_number' reads it"
    if imbalance.method != "explicit" and imbalance.weights is not None:
        yield "/imbalance/weights", f"the method is '{imbalance.method}', and only 'explicit' reads them"


RULES = (SettingWithoutEffect(),)
