"""The plan as plain values, section by section in the order in which they are shown.

Numbers are exact where they can be, and intervals with ``low`` and ``high`` elsewhere. Units are in the names; rates are
learning rates, epochs count from 1 to the last one that runs.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from trainyard.linter.engine.report import Report
    from trainyard.linter.estimate.batches import Choice
    from trainyard.linter.estimate.disk import Disk
    from trainyard.linter.estimate.hardware import Bytes, HardwareProfile
    from trainyard.linter.estimate.memory import Memory
    from trainyard.linter.estimate.regularization import Technique
    from trainyard.linter.estimate.stopping import Likelihood
    from trainyard.linter.estimate.time import Seconds, Times


class Need(NamedTuple):
    """What is missing for a section, and what would tell it."""

    section: str
    text: str


class Assumed(NamedTuple):
    """A value that failed the schema and was cut away; the default that stands in its place (``None`` where there is none)."""

    pointer: str
    value: Any


class Subject(NamedTuple):
    """What is trained on what."""

    name: str
    description: str
    tags: tuple[str, ...]
    task: str
    dataset_type: str
    dataset_path: str
    input_shape: tuple[int, ...] | None
    samples: int | None
    classes: int | None
    model_type: str
    parameters: int | None
    trainable: int | None


class Stage(NamedTuple):
    """One stretch of training: a stage of unfreezing, or the main one after them. ``trainable`` is what of the base learns."""

    name: str
    trainable: str
    learning_rate: float
    first_epoch: int
    last_epoch: int


class Steps(NamedTuple):
    """How much there is to do.

    ``samples_per_epoch`` are the training samples, more where rare classes are repeated; ``per_epoch`` is the ceiling of them over the
    batch size (the floor where a remainder is dropped); ``total`` counts batches, ``updates`` changes of the weights.
    """

    train_samples: int
    samples_per_epoch: int
    validation_samples: int | None
    test_samples: int | None
    batch_size: int
    gradient_accumulation: int
    drop_remainder: bool
    epochs: int
    per_epoch: int
    total: int
    updates: int


class Placement(enum.StrEnum):
    """Where a rate lies among those that its optimizer is used with."""

    TOO_LOW = "too_low"
    LOW = "low"
    USUAL = "usual"
    HIGH = "high"
    TOO_HIGH = "too_high"


class RateRange(NamedTuple):
    """The learning rate among the usual ones; the bounds are rates as the spec writes them, for its momentum."""

    learning_rate: float
    placement: Placement
    too_low_below: float
    usual_low: float
    usual_high: float
    too_high_above: float
    suggested: float


class OptimizerRow(NamedTuple):
    """One row of the comparison: rules of thumb, and what it stores (``slots`` numbers per weight that learns)."""

    name: str
    speed: str
    stability: str
    slots: int
    best_for: str
    used: bool
    stored_bytes: int | None

    @property
    def memory(self) -> str:
        """What the slots mean beside the weights themselves."""
        return "High" if self.slots > 1 else "Low"


class CurvePoint(NamedTuple):
    """The rate after ``epoch`` epochs; low and high differ where a plateau may have reduced it."""

    epoch: float
    low: float
    high: float


class AtEpoch(NamedTuple):
    """The rate of the last step of an epoch; ``None`` where the run ends before."""

    epoch: int
    low: float | None
    high: float | None


class RateCurve(NamedTuple):
    """The learning rate over the run. ``below_epoch`` is the first epoch with steps below 1e-7, ``share_below`` their share."""

    points: tuple[CurvePoint, ...]
    at_epochs: tuple[AtEpoch, ...]
    lowest: float
    highest: float
    warmup_epochs: float
    share_below: float
    below_epoch: int | None
    plateau: bool


class ClassRow(NamedTuple):
    """One class: samples in all and in training, its weight in the loss as things are, and what balanced weights would be."""

    name: str
    samples: int
    train_samples: int | None
    weight: float
    balanced: float
    effect: str


class Classes(NamedTuple):
    """Class balance. ``ratio`` is the largest count over the smallest, ``method`` what is done about it."""

    ratio: float
    method: str
    rows: tuple[ClassRow, ...]


class Stopping(NamedTuple):
    """Early stopping: the first epoch after which it can end the run (``None``: not before the last one), and how likely."""

    monitor: str
    patience: int
    min_delta: float
    restore_best: bool
    first_epoch: int | None
    likelihood: Likelihood | None


class Checkpoints(NamedTuple):
    """What is kept of the best models."""

    monitor: str
    keep: int


class Callbacks(NamedTuple):
    """What happens at the ends of epochs."""

    stopping: Stopping | None
    checkpoints: Checkpoints | None
    tensorboard: bool
    reductions: tuple[int, ...]
    stages: tuple[Stage, ...]


class CardFit(NamedTuple):
    """Whether the run fits a card: yes, no, or ``None`` where the interval leaves it open."""

    name: str
    device: str
    memory_bytes: int
    fits: bool | None


class MemoryNeed(NamedTuple):
    """Device memory by phase. ``fits`` is about the named card, and ``None`` without one or where the interval leaves it open."""

    phases: Mapping[str, Memory]
    peak_phase: str
    peak: Bytes
    hardware: HardwareProfile | None
    fits: bool | None
    cards: tuple[CardFit, ...]


class TimeNeed(NamedTuple):
    """How long it takes on the named card; without one, on some well-known cards. ``total`` spans all of them then."""

    times: Times | None
    total: Seconds
    elsewhere: tuple[tuple[str, Seconds], ...]
    calibrated: bool


class BatchRow(NamedTuple):
    """One batch size: the estimate's row, and samples per second over those of the spec's own size (without a card: on several)."""

    choice: Choice
    speed_low: float
    speed_high: float


class BatchTable(NamedTuple):
    """What other batch sizes would change; ``card`` is false where no card was named, so that times are missing."""

    rows: tuple[BatchRow, ...]
    disputed: bool
    card: bool


class Regularization(NamedTuple):
    """What holds against overfitting, and how strong it is in all (0 none, 1 to 3 usual)."""

    techniques: tuple[Technique, ...]
    strength: float


class Status(enum.StrEnum):
    """How one literal check came out."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    UNKNOWN = "unknown"


class Check(NamedTuple):
    """One literal check: what is asked, how it came out, and the figure behind it."""

    name: str
    asks: str
    status: Status
    detail: str
    pointer: str


class TrainingPlan(NamedTuple):
    """Everything that is known before the start. A section is ``None`` where ``needs`` says what is missing for it."""

    report: Report
    subject: Subject | None = None
    steps: Steps | None = None
    rate: RateRange | None = None
    optimizers: tuple[OptimizerRow, ...] = ()
    curve: RateCurve | None = None
    time: TimeNeed | None = None
    batches: BatchTable | None = None
    regularization: Regularization | None = None
    classes: Classes | None = None
    callbacks: Callbacks | None = None
    memory: MemoryNeed | None = None
    disk: Disk | None = None
    checks: tuple[Check, ...] = ()
    configuration: Mapping[str, Any] | None = None
    written: Mapping[str, Any] | None = None
    needs: tuple[Need, ...] = ()
    assumed: tuple[Assumed, ...] = ()
