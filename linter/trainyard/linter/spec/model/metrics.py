"""What is measured every epoch; ``name`` is how the history calls it."""

from typing import NamedTuple


class PlainMetric(NamedTuple):
    """A metric without parameters."""

    type: str
    name: str


class BinaryAccuracy(NamedTuple):
    """Share of right yes-or-no answers."""

    type: str
    name: str
    threshold: float


class TopKAccuracy(NamedTuple):
    """Share of samples whose class is among the k largest outputs."""

    type: str
    name: str
    k: int


class F1(NamedTuple):
    """Harmonic mean of precision and recall."""

    type: str
    name: str
    average: str
    threshold: float | None


class FBeta(NamedTuple):
    """Mean of precision and recall in which recall weighs beta times as much."""

    type: str
    name: str
    beta: float
    average: str
    threshold: float | None


class PrecisionOrRecall(NamedTuple):
    """Precision, or recall."""

    type: str
    name: str
    threshold: float | None
    top_k: int | None
    class_id: int | None


class Auc(NamedTuple):
    """Area under the ROC or the precision-recall curve."""

    type: str
    name: str
    curve: str
    num_thresholds: int
    multi_label: bool
    from_logits: bool


class PrecisionAtRecall(NamedTuple):
    """Best precision where the recall is at least the one written."""

    type: str
    name: str
    recall: float
    num_thresholds: int
    class_id: int | None


class RecallAtPrecision(NamedTuple):
    """Best recall where the precision is at least the one written."""

    type: str
    name: str
    precision: float
    num_thresholds: int
    class_id: int | None


class SensitivityAtSpecificity(NamedTuple):
    """Best sensitivity where the specificity is at least the one written."""

    type: str
    name: str
    specificity: float
    num_thresholds: int
    class_id: int | None


class SpecificityAtSensitivity(NamedTuple):
    """Best specificity where the sensitivity is at least the one written."""

    type: str
    name: str
    sensitivity: float
    num_thresholds: int
    class_id: int | None


class ConfusionCount(NamedTuple):
    """How many samples are in one cell of the confusion matrix."""

    type: str
    name: str
    threshold: float | None


class R2Score(NamedTuple):
    """Share of the target's variance that is explained."""

    type: str
    name: str
    class_aggregation: str


class AxisMetric(NamedTuple):
    """A correlation or similarity along an axis."""

    type: str
    name: str
    axis: int


class BinaryCrossentropyMetric(NamedTuple):
    """As the loss, without penalties."""

    type: str
    name: str
    from_logits: bool
    label_smoothing: float


class CategoricalCrossentropyMetric(NamedTuple):
    """As the loss, without penalties."""

    type: str
    name: str
    from_logits: bool
    label_smoothing: float
    axis: int


class SparseCategoricalCrossentropyMetric(NamedTuple):
    """As the loss, without penalties."""

    type: str
    name: str
    from_logits: bool
    ignore_class: int | None
    axis: int


Metric = (
    PlainMetric
    | BinaryAccuracy
    | TopKAccuracy
    | F1
    | FBeta
    | PrecisionOrRecall
    | Auc
    | PrecisionAtRecall
    | RecallAtPrecision
    | SensitivityAtSpecificity
    | SpecificityAtSensitivity
    | ConfusionCount
    | R2Score
    | AxisMetric
    | BinaryCrossentropyMetric
    | CategoricalCrossentropyMetric
    | SparseCategoricalCrossentropyMetric
)
