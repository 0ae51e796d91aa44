"""How weights start, what penalty they carry, and what condition they keep."""

from typing import NamedTuple


class ConstantInitializer(NamedTuple):
    """One value everywhere."""

    type: str
    value: float


class RandomNormal(NamedTuple):
    """Normal distribution."""

    type: str
    mean: float
    stddev: float


class RandomUniform(NamedTuple):
    """Uniform distribution."""

    type: str
    minval: float
    maxval: float


class TruncatedNormal(NamedTuple):
    """Normal distribution without values beyond two standard deviations."""

    type: str
    mean: float
    stddev: float


class VarianceScaling(NamedTuple):
    """Standard deviation follows the layer's size."""

    type: str
    scale: float
    mode: str
    distribution: str


class Orthogonal(NamedTuple):
    """A random orthogonal matrix."""

    type: str
    gain: float


class Identity(NamedTuple):
    """The identity matrix."""

    type: str
    gain: float


class L1(NamedTuple):
    """Sum of absolute values."""

    type: str
    l1: float


class L2(NamedTuple):
    """Sum of squares."""

    type: str
    l2: float


class L1L2(NamedTuple):
    """Both penalties."""

    type: str
    l1: float
    l2: float


class OrthogonalRegularizer(NamedTuple):
    """Pushes rows or columns to be orthogonal."""

    type: str
    factor: float
    mode: str


class MaxNorm(NamedTuple):
    """Norms are cut down to a value."""

    type: str
    max_value: float
    axis: int | tuple[int, ...]


class MinMaxNorm(NamedTuple):
    """Norms are kept between two values."""

    type: str
    min_value: float
    max_value: float
    rate: float
    axis: int | tuple[int, ...]


class NonNeg(NamedTuple):
    """Weights below zero become zero."""

    type: str


class UnitNorm(NamedTuple):
    """Every norm is one."""

    type: str
    axis: int | tuple[int, ...]


Initializer = ConstantInitializer | RandomNormal | RandomUniform | TruncatedNormal | VarianceScaling | Orthogonal | Identity

Regularizer = L1 | L2 | L1L2 | OrthogonalRegularizer

Constraint = MaxNorm | MinMaxNorm | NonNeg | UnitNorm
