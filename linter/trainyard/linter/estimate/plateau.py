"""What a plateau does to the learning rate, once the watched values are known: Keras' ``ReduceLROnPlateau`` as a pure function.

Before a run only the band is known (``schedule.plateau_band``); after it, or on a history, this says which reductions were made.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from trainyard.linter.spec.model.scheduler import ReduceOnPlateau

MAX = "max"


def scales(plateau: ReduceOnPlateau, rates: Sequence[float], values: Sequence[float]) -> tuple[float, ...]:
    """Return what the rate is multiplied by after each epoch.

    ``values`` are the watched ones, one per epoch; ``rates`` those that the next epoch would begin with without the plateau.
    As in keras/src/callbacks/reduce_lr_on_plateau.py: a cool-down counts down first, an improvement is one by more than
    ``min_delta``, and a rate that is at ``min_lr`` already is not reduced and starts no cool-down.
    """
    sign = -1.0 if plateau.mode == MAX else 1.0
    best, waited, cooling, scale = math.inf, 0, 0, 1.0
    found = []
    for rate, value in zip(rates, values, strict=True):
        if cooling > 0:
            cooling, waited = cooling - 1, 0
        if sign * value < best - abs(plateau.min_delta) or (math.isinf(best) and not math.isnan(value)):
            best, waited = sign * value, 0
        elif cooling <= 0:
            waited += 1
            if waited >= plateau.patience and _is_above(rate * scale, plateau.min_lr):
                scale *= max(rate * scale * plateau.factor, plateau.min_lr) / (rate * scale)
                cooling, waited = plateau.cooldown, 0
        found.append(scale)
    return tuple(found)


def _is_above(rate: float, lowest: float) -> bool:
    """Tell whether a rate can be reduced: equal means equal in float32, in which Keras keeps it."""
    return rate > lowest and not math.isclose(rate, lowest, rel_tol=1e-6)
