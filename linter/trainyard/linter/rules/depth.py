"""Nets that cannot pass a signal on: too many plain layers in a row, or a backbone of random weights that never learns."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.linter.estimate.learning_rate import ADAPTIVE
from trainyard.linter.rules.case import Case
from trainyard.linter.rules.rule import Invalid, Rule, Valid, Violation
from trainyard.linter.rules.wording import count
from trainyard.linter.source.faults import Suggestion
from trainyard.linter.source.severity import Severity
from trainyard.linter.spec.model.architecture import Cnn, Mlp, Transfer

# He et al. 2015: 22 plain layers learn by SGD from Xavier's initialization, 30 do not. Adaptive steps bear more (measured).
_DEEP, _DEEP_ADAPTIVE = 30, 50
_RELUS = frozenset({"relu", "leaky_relu", "elu", "relu6", "swish", "gelu", "mish", "softplus"})
_WEIGHTED = ("dense", "conv", "separable", "depthwise")
# These keep the size of what passes, or were made to.
_SHRINKING_STARTS = frozenset({"glorot_uniform", "glorot_normal", "random_uniform", "random_normal", "truncated_normal"})


class DeepPlainNet(Rule):
    """Dozens of layers follow each other with nothing that keeps the signal alive.

    What it checks:
        30 or more dense layers and convolutions in a row with relu and its kin, without normalization, without shortcuts, from the default
        initialization; with Adam and its kin a warning from 50 on, an info before. A written initialization of the he, lecun or orthogonal
        kind is silent, and so is selu.

    Why it fails:
        Each such layer halves the variance of what passes, forwards and backwards: behind thirty of them a billionth is left, and the first
        layers learn nothing.

    Evidence:
        He et al. 2015, arXiv 1502.01852, section 2.2: with Xavier's initialization a plain net of 22 layers learns and one of 30 stalls. He
        et al. 2016, arXiv 1512.03385: deeper plain nets do worse even with batch normalization. Measured here on dense relu nets of 64
        units: by SGD with momentum, 30 layers and more stay at the mean in all of 12 runs (1,500 updates), and 10 to 15 learn in all;
        by Adam in Keras, on four classes, ten layers get 88 % right after 15 epochs, 30 get 64 to 69 %, and 50 get 25 %: they guess.

    When to ignore:
        Never from the default initialization.
    """

    code = "NET014"
    name = "deep-plain-net"
    severity = Severity.WARNING
    reads = ("/model", "/optimizer/type")
    optional = ("/optimizer/type",)
    VALID = (
        Valid({"model": {"hidden": [64] * 50, "batch_norm": True}}, onto="table"),
        Valid({"model": {"hidden": [64] * 10}}, onto="table"),
        Valid({"model": {"hidden": [64] * 50, "activation": "selu"}}, onto="table"),
    )
    INVALID = (
        Invalid({"model": {"hidden": [64] * 50}}, "/model/hidden", "50 layers", fix=True, fix_at="/model/batch_norm", onto="table"),
        Invalid(
            {
                "model": {
                    "layers": [
                        *({"type": "conv1d", "filters": 8, "kernel_size": 3, "padding": "same", "activation": "relu"} for _ in range(40)),
                        {"type": "global_average_pooling1d"},
                        {"type": "dense", "units": 4, "activation": "softmax"},
                    ]
                }
            },
            "/model/layers",
            "40 layers",
            onto="layers",
            severity=Severity.INFO,
        ),
    )

    def check(self, case: Case) -> Iterator[Violation]:
        """Count the plain layers."""
        model, traits = case.spec.model, case.traits
        if traits.normalized or traits.pretrained or traits.recurrent:
            return
        if isinstance(model, Cnn | Mlp):
            plain = traits.weighted if model.activation in _RELUS else 0
            pointer = "/model/hidden" if isinstance(model, Mlp) else "/model/blocks"
        elif model.type == "sequential":
            plain, pointer = _longest(case), "/model/layers"
        else:
            return
        if plain >= _DEEP:
            fix = Suggestion("/model/batch_norm", value=True) if isinstance(model, Mlp) else None
            remedy = "write batch_norm true" if isinstance(model, Mlp) else "put batch normalization between them, or take fewer"
            bears = case.spec.optimizer.type in ADAPTIVE and plain < _DEEP_ADAPTIVE
            told = (
                f"{count(plain, 'layer')} in a row without normalization let {'little' if bears else 'next to nothing'} pass to learn from"
            )
            yield Violation(pointer, f"{told}; {remedy}", suggestion=fix, severity=Severity.INFO if bears else None)


def _longest(case: Case) -> int:
    """Return the longest stretch of plain layers; anything that adds its input to its output ends it."""
    longest = now = 0
    for _, layer in case.layers:
        if layer.type.startswith(_WEIGHTED):
            start: object = getattr(layer, "kernel_initializer", "glorot_uniform")
            shrinks = isinstance(start, str) and start in _SHRINKING_STARTS
            now = now + 1 if shrinks and getattr(layer, "activation", "") in _RELUS else 0
        elif "block" in layer.type or layer.type in {"lstm", "gru", "add"}:
            now = 0
        longest = max(longest, now)
    return longest


class FrozenRandomBase(Rule):
    """A backbone of random weights is frozen.

    What it checks:
        A transfer model without `weights` and `initial` whose `trainable` is `none`, and no stage that trains it.

    Why it fails:
        Nothing but the head learns, from features that are as random as on the first day; batch normalization stays at the statistics that
        it started with.

    Evidence:
        Keras' transfer-learning guide freezes layers that were trained. Random features are far behind learnt ones: Frankle et al. 2021,
        arXiv 2003.00152 (ResNets whose convolutions stay random).

    When to ignore:
        When random features are what is studied.
    """

    code = "NET015"
    name = "frozen-random-base"
    severity = Severity.WARNING
    reads = ("/model", "/training/stages")
    optional = ("/training/stages",)
    VALID = (
        Valid({"model": {"weights": None, "trainable": "all"}}, onto="transfer"),
        Valid({"model": {"trainable": "none"}}, onto="transfer"),
    )
    INVALID = (Invalid({"model": {"weights": None, "trainable": "none"}}, "/model/trainable", "random", fix="all", onto="transfer"),)

    def check(self, case: Case) -> Iterator[Violation]:
        """Look whether anything of the base was learnt, or will be."""
        model = case.spec.model
        if not isinstance(model, Transfer) or model.weights is not None or model.initial is not None:
            return
        if model.trainable == "none" and all(stage.trainable == "none" for stage in case.spec.training.stages):
            pointer = (
                "/model/trainable" if case.wrote("/model/trainable") else "/model/weights" if case.wrote("/model/weights") else "/model"
            )
            message = (
                "the backbone has random weights and is frozen, so that nothing but the head learns; write trainable 'all', or weights"
            )
            yield Violation(pointer, message, suggestion=Suggestion("/model/trainable", "all"))


RULES = (DeepPlainNet(), FrozenRandomBase())
