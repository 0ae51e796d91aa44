"""How large the steps of SGD may be for targets of a given size: measured, and asked by two rules."""

from __future__ import annotations

from trainyard.linter.estimate import learning_rate
from trainyard.linter.rules.case import Case
from trainyard.linter.rules.output import loss_type, target_range

# Rate / (1 - momentum) times the targets' span at which a relu net of so many hidden layers diverged in our runs.
DIVERGES = {1: 6.0, 2: 3.0, 3: 1.5}
# Without momentum half of it was enough.
_PLAIN = 0.5
_RELUS = frozenset({"relu", "leaky_relu", "elu", "selu", "gelu", "swish", "mish", "softplus"})


def limit(hidden_layers: int, momentum: float) -> float:
    """Return the product of effective rate and target span from which on training by squared error diverges."""
    return DIVERGES[min(3, max(1, hidden_layers))] * (1.0 if momentum else _PLAIN)


def highest_rate(case: Case) -> float | None:
    """Return the rate that SGD can be given for these targets with a wide margin; ``None`` where their size does not matter."""
    optimizer, traits = case.spec.optimizer, case.traits
    low, high = target_range(case)
    if case.spec.task != "regression" or optimizer.type != "sgd" or not traits.has_hidden or traits.normalized:
        return None
    if low is None or high is None or high <= low or loss_type(case) != "mean_squared_error" or _is_bounded(case):
        return None
    momentum = learning_rate.momentum(optimizer)
    return float(f"{limit(traits.weighted, momentum) / 10 * (1 - momentum) / (high - low):.1g}")


def _is_bounded(case: Case) -> bool:
    """Tell whether clipping, a bounded output or saturating layers keep the steps small."""
    optimizer, output = case.spec.optimizer, case.final
    if any(getattr(optimizer, field, None) is not None for field in ("clipnorm", "clipvalue", "global_clipnorm")):
        return True
    if output is None or output.activation != "linear" or case.traits.recurrent:
        return True
    return getattr(case.spec.model, "activation", "relu") not in _RELUS
