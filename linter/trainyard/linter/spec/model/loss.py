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


class PlainLoss(NamedTuple):
    """A loss without parameters of its own."""

    type: str
    reduction: str


class CosineSimilarity(NamedTuple):
    """The angle between output and target."""

    type: str
    axis: int
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


Loss = (
    BinaryCrossentropy
    | BinaryFocalCrossentropy
    | CategoricalCrossentropy
    | CategoricalFocalCrossentropy
    | CategoricalGeneralizedCrossEntropy
    | SparseCategoricalCrossentropy
    | PlainLoss
    | CosineSimilarity
    | Huber
    | Dice
    | Tversky
    | Circle
)
