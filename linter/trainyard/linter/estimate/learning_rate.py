"""A learning rate to start from, and the ranges in which each optimizer is used. A starting point, never a verdict.

Tuned optima span two decades (Schmidt et al. 2021, arXiv 2007.01547), so every range here is wide on purpose.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from trainyard.linter.spec.model.optimizer import Optimizer, Sgd

ADAPTIVE = frozenset({"adam", "adamw", "nadam", "adamax", "rmsprop"})

# Where the parameter count is unknown, the fit is read at this one.
_TYPICAL_PARAMETERS = 1_000_000
_LOWEST, _HIGHEST = 1e-5, 1e-2


class Bounds(NamedTuple):
    """Rates for one optimizer: the usual range, where it is expected to fail, where it cannot work, and where nothing moves.

    For SGD with momentum they hold for ``rate / (1 - momentum)``, the size of the steps that momentum adds up to.
    """

    usual_low: float
    usual_high: float
    warn_above: float
    error_above: float
    warn_below: float


# Adam-like: the seed page's 0.01 and 1e-5, and 1 as an error, since an Adam step is about the rate itself per weight
# (Kingma & Ba 2015, section 2.1). SGD: Goyal et al. 2017 and Bengio 2012 (arXiv 1206.5533). Adagrad and Adadelta: their
# papers; Keras' default of 0.001 for Adadelta is known to be slow. Lion: a third to a tenth of Adam's (Chen et al. 2023).
_BOUNDS = {
    "adam": Bounds(1e-4, 3e-3, 1e-2, 1.0, 1e-5),
    "rmsprop": Bounds(1e-4, 3e-3, 1e-2, 0.5, 1e-5),
    "sgd": Bounds(1e-2, 0.5, 1.0, 2.0, 0.0),
    "momentum": Bounds(0.02, 2.0, 3.0, 20.0, 0.0),
    "adagrad": Bounds(1e-3, 0.1, 0.5, 5.0, 1e-5),
    "adadelta": Bounds(0.1, 1.0, 10.0, math.inf, 1e-2),
    "lion": Bounds(3e-5, 1e-3, 3e-3, 0.3, 1e-6),
}


def bounds(optimizer: Optimizer) -> Bounds:
    """Return the rates of this optimizer."""
    if optimizer.type == "sgd":
        return _BOUNDS["momentum" if momentum(optimizer) else "sgd"]
    return _BOUNDS["adam" if optimizer.type in ADAPTIVE - {"rmsprop"} else optimizer.type]


def momentum(optimizer: Optimizer) -> float:
    """Return SGD's momentum; 0 for other optimizers and for one outside [0, 1)."""
    value = optimizer.momentum if isinstance(optimizer, Sgd) else 0.0
    return value if 0.0 <= value < 1.0 else 0.0


def effective(optimizer: Optimizer) -> float:
    """Return the rate that the bounds are made for: divided by 1 - momentum for SGD."""
    return optimizer.learning_rate / (1.0 - momentum(optimizer))


def suggested(optimizer: Optimizer, batch_size: int, parameters: int | None, *, normalized: bool) -> float:
    """Return a rate to start from, rounded to two digits.

    Adam and its kin: a(P) sqrt(B / 32), kept between 1e-5 and 1e-2, where a(P) = 0.003239 - 0.0001395 ln P falls with the
    parameter count (the fit of Kaplan et al. 2020, arXiv 2001.08361, appendix D, made on transformers) and the square root
    follows Malladi et al. 2022 (arXiv 2205.10287). SGD: 0.1 B / 256 with normalization (Goyal et al. 2017, arXiv 1706.02677),
    a tenth of that without (VGG's 0.01 at 256), for a momentum of 0.9 and scaled to the one written.
    """
    batch = max(1, batch_size)
    match optimizer.type:
        case "sgd":
            rate = (0.1 if normalized else 0.01) * batch / 256 * (1.0 - momentum(optimizer)) / 0.1
            limits = bounds(optimizer)
            rate = min(max(rate, 1e-3), limits.usual_high * (1.0 - momentum(optimizer)))
        case "adagrad":
            rate = 0.01
        case "adadelta":
            rate = 1.0
        case _:
            fit = 0.003239 - 0.0001395 * math.log(max(1, parameters or _TYPICAL_PARAMETERS))
            rate = min(max(fit * math.sqrt(batch / 32), _LOWEST), _HIGHEST)
            rate = rate / 5 if optimizer.type == "lion" else rate
    return rounded(rate)


def rounded(rate: float) -> float:
    """Return the rate with two digits, as a person would write it."""
    return float(f"{rate:.1e}")
