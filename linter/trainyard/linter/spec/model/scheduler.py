"""How the learning rate changes. Several schedules multiply; at most one of them may be a plateau."""

from typing import NamedTuple

from trainyard.linter.spec.model.units import Length


class Constant(NamedTuple):
    """No change after the warm-up."""

    type: str
    warmup: Length | None


class ReduceOnPlateau(NamedTuple):
    """Multiply by ``factor`` when ``monitor`` has not improved for ``patience`` epochs."""

    type: str
    monitor: str
    mode: str
    factor: float
    patience: int
    min_delta: float
    cooldown: int
    min_lr: float
    warmup: Length | None


class Cosine(NamedTuple):
    """Cosine annealing to ``eta_min`` over ``t_max``, then constant unless ``restarts`` is on."""

    type: str
    t_max: Length
    eta_min: float
    restarts: bool
    warmup: Length | None


class Step(NamedTuple):
    """Multiply by ``gamma`` every ``size``, or at each of the ``milestones``."""

    type: str
    size: Length | None
    milestones: tuple[Length, ...] | None
    gamma: float
    warmup: Length | None


class Exponential(NamedTuple):
    """Multiply by ``rate`` once per ``every``; in whole steps when ``staircase``."""

    type: str
    rate: float
    every: Length
    staircase: bool
    warmup: Length | None


class InverseTime(NamedTuple):
    """Divide by ``1 + rate * t / every``."""

    type: str
    rate: float
    every: Length
    staircase: bool
    warmup: Length | None


class Polynomial(NamedTuple):
    """Fall to ``end_lr`` over ``length`` with exponent ``power``."""

    type: str
    length: Length
    end_lr: float
    power: float
    warmup: Length | None


class OneCycle(NamedTuple):
    """Rise to the optimizer's rate over ``rise`` of ``length``, fall far below it (Smith 2018)."""

    type: str
    length: Length | None
    rise: float
    start_divisor: float
    end_divisor: float
    warmup: Length | None


Schedule = Constant | ReduceOnPlateau | Cosine | Step | Exponential | InverseTime | Polynomial | OneCycle
