"""What training makes small: the losses of Keras 3 with their own parameters."""

from typing import NamedTuple


class BinaryCrossentropy(NamedTuple):
    """One yes-or-no question per output."""

    type: str
    from_logits: bool
    label_smoothing: float
    axis: int
    reduction: str


class BinaryFocalCrossentropy(NamedTuple):
    """Binary cross-entropy in which well-classified samples count less (Lin 2017)."""

    type: str
    apply_class_balancing: bool
    alpha: float
    gamma: float
    from_logits: bool
    label_smoothing: float
    axis: int
    reduction: str


class CategoricalCrossentropy(NamedTuple):
    """One class of several; labels are one-hot vectors."""

    type: str
    from_logits: bool
    label_smoothing: float
    axis: int
    reduction: str


class CategoricalFocalCrossentropy(NamedTuple):
    """Categorical cross-entropy in which well-classified samples count less."""

    type: str
    alpha: float
    gamma: float
    from_logits: bool
    label_smoothing: float
    axis: int
    reduction: str


class CategoricalGeneralizedCrossEntropy(NamedTuple):
    """Between cross-entropy and absolute error; bears wrong labels (Zhang & Sabuncu 2018)."""

    type: str
    q: float
    reduction: str


class SparseCategoricalCrossentropy(NamedTuple):
    """One class of several; labels are class numbers."""

    type: str
    from_logits: bool
    ignore_class: int | None
    axis: int
    reduction: str


class CategoricalHinge(NamedTuple):
    """A margin between the true class and the best other one."""

    type: str
    reduction: str


class Hinge(NamedTuple):
    """A margin around zero; labels are -1 and 1."""

    type: str
    reduction: str


class SquaredHinge(NamedTuple):
    """The square of the hinge."""

    type: str
    reduction: str


class CosineSimilarity(NamedTuple):
    """The angle between output and target."""

    type: str
    axis: int
    reduction: str


class KlDivergence(NamedTuple):
    """How far one distribution is from another."""

    type: str
    reduction: str


class Poisson(NamedTuple):
    """Counts."""

    type: str
    reduction: str


class MeanSquaredError(NamedTuple):
    """The square of the error."""

    type: str
    reduction: str


class MeanAbsoluteError(NamedTuple):
    """The size of the error."""

    type: str
    reduction: str


class MeanAbsolutePercentageError(NamedTuple):
    """The error as a share of the target."""

    type: str
    reduction: str


class MeanSquaredLogarithmicError(NamedTuple):
    """The error of the logarithms."""

    type: str
    reduction: str


class LogCosh(NamedTuple):
    """Squared for small errors, absolute for large ones, smooth between."""

    type: str
    reduction: str


class Huber(NamedTuple):
    """Squared for small errors, absolute for large ones."""

    type: str
    delta: float
    reduction: str


class Dice(NamedTuple):
    """Overlap of output and target."""

    type: str
    axis: int | tuple[int, ...] | None
    reduction: str


class Tversky(NamedTuple):
    """Overlap that weighs both kinds of error."""

    type: str
    alpha: float
    beta: float
    axis: int | tuple[int, ...] | None
    reduction: str


class Circle(NamedTuple):
    """Distances between embeddings (Sun 2020)."""

    type: str
    gamma: float
    margin: float
    remove_diagonal: bool
    reduction: str


class Ctc(NamedTuple):
    """Labels of a sequence without their places (Graves 2006)."""

    type: str
    reduction: str


Loss = (
    BinaryCrossentropy
    | BinaryFocalCrossentropy
    | CategoricalCrossentropy
    | CategoricalFocalCrossentropy
    | CategoricalGeneralizedCrossEntropy
    | SparseCategoricalCrossentropy
    | CategoricalHinge
    | Hinge
    | SquaredHinge
    | CosineSimilarity
    | KlDivergence
    | Poisson
    | MeanSquaredError
    | MeanAbsoluteError
    | MeanAbsolutePercentageError
    | MeanSquaredLogarithmicError
    | LogCosh
    | Huber
    | Dice
    | Tversky
    | Circle
    | Ctc
)
