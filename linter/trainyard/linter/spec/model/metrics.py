"""What is measured every epoch; ``name`` is how the history calls it."""

from typing import NamedTuple


class Accuracy(NamedTuple):
    """Share of right answers, in the form that fits the labels."""

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


class Precision(NamedTuple):
    """Share of predictions that are right."""

    type: str
    name: str
    threshold: float | None
    top_k: int | None
    class_id: int | None


class Recall(NamedTuple):
    """Share of the samples of a class that are found."""

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


class TruePositives(NamedTuple):
    """Right yes answers."""

    type: str
    name: str
    threshold: float | None


class TrueNegatives(NamedTuple):
    """Right no answers."""

    type: str
    name: str
    threshold: float | None


class FalsePositives(NamedTuple):
    """Wrong yes answers."""

    type: str
    name: str
    threshold: float | None


class FalseNegatives(NamedTuple):
    """Wrong no answers."""

    type: str
    name: str
    threshold: float | None


class MeanSquaredErrorMetric(NamedTuple):
    """The square of the error."""

    type: str
    name: str


class RootMeanSquaredError(NamedTuple):
    """Error in the target's own unit; large errors count more."""

    type: str
    name: str


class MeanAbsoluteErrorMetric(NamedTuple):
    """Error in the target's own unit."""

    type: str
    name: str


class MeanAbsolutePercentageErrorMetric(NamedTuple):
    """The error as a share of the target."""

    type: str
    name: str


class MeanSquaredLogarithmicErrorMetric(NamedTuple):
    """The error of the logarithms."""

    type: str
    name: str


class LogCoshError(NamedTuple):
    """Squared for small errors, absolute for large ones."""

    type: str
    name: str


class R2Score(NamedTuple):
    """Share of the target's variance that is explained."""

    type: str
    name: str
    class_aggregation: str


class PearsonCorrelation(NamedTuple):
    """Linear correlation of output and target."""

    type: str
    name: str
    axis: int


class ConcordanceCorrelation(NamedTuple):
    """Agreement of output and target."""

    type: str
    name: str
    axis: int


class CosineSimilarityMetric(NamedTuple):
    """The angle between output and target."""

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


class KlDivergenceMetric(NamedTuple):
    """How far one distribution is from another."""

    type: str
    name: str


class PoissonMetric(NamedTuple):
    """As the loss, without penalties."""

    type: str
    name: str


class HingeMetric(NamedTuple):
    """As the loss, without penalties."""

    type: str
    name: str


class SquaredHingeMetric(NamedTuple):
    """As the loss, without penalties."""

    type: str
    name: str


class CategoricalHingeMetric(NamedTuple):
    """As the loss, without penalties."""

    type: str
    name: str


Metric = (
    Accuracy
    | BinaryAccuracy
    | TopKAccuracy
    | F1
    | FBeta
    | Precision
    | Recall
    | Auc
    | PrecisionAtRecall
    | RecallAtPrecision
    | SensitivityAtSpecificity
    | SpecificityAtSensitivity
    | TruePositives
    | TrueNegatives
    | FalsePositives
    | FalseNegatives
    | MeanSquaredErrorMetric
    | RootMeanSquaredError
    | MeanAbsoluteErrorMetric
    | MeanAbsolutePercentageErrorMetric
    | MeanSquaredLogarithmicErrorMetric
    | LogCoshError
    | R2Score
    | PearsonCorrelation
    | ConcordanceCorrelation
    | CosineSimilarityMetric
    | BinaryCrossentropyMetric
    | CategoricalCrossentropyMetric
    | SparseCategoricalCrossentropyMetric
    | KlDivergenceMetric
    | PoissonMetric
    | HingeMetric
    | SquaredHingeMetric
    | CategoricalHingeMetric
)
