"""How long and how: epochs, batches, precision, regularization, class balance, callbacks, evaluation."""

from typing import NamedTuple


class Stage(NamedTuple):
    """One stage of staged unfreezing: which layers train, at what rate, for how many epochs."""

    trainable: str | dict[str, int | str]
    learning_rate: float | None
    epochs: int


class Training(NamedTuple):
    """The loop itself; ``batch_size`` is global, over all devices."""

    epochs: int
    batch_size: int
    shuffle: bool
    drop_remainder: bool
    precision: str
    loss_scale: float | str | None
    deterministic: bool
    gradient_accumulation: int
    max_hours: float | None
    stages: tuple[Stage, ...]


class Regularization(NamedTuple):
    """Penalties on every kernel (coupled), and a bound on its norm."""

    l1: float | None
    l2: float | None
    max_norm: float | None


class NoAdjustment(NamedTuple):
    """Classes are taken as they come."""

    type: str


class ClassWeights(NamedTuple):
    """Weigh the loss by class: ``balanced`` is N / (K * n_c), ``effective_number`` is Cui 2019."""

    type: str
    method: str
    beta: float
    weights: dict[str, float] | None


class FocalLoss(NamedTuple):
    """Lin 2017: well-classified samples count less."""

    type: str
    gamma: float
    alpha: float | None


class Oversample(NamedTuple):
    """Repeat samples of rare classes until every class has ``target`` of the largest one's count."""

    type: str
    target: float


Imbalance = NoAdjustment | ClassWeights | FocalLoss | Oversample


class EarlyStopping(NamedTuple):
    """Stop when ``monitor`` has not improved by ``min_delta`` for ``patience`` epochs."""

    monitor: str
    mode: str
    patience: int
    min_delta: float
    restore_best: bool
    start_from_epoch: int


class Checkpoint(NamedTuple):
    """Keep the ``keep`` best models as judged by ``monitor``."""

    monitor: str
    mode: str
    keep: int


class OnDivergence(NamedTuple):
    """What to do when the loss blows up: ``fail``, or ``roll_back`` a few times at a lower rate."""

    action: str
    times: int
    factor: float


class Callbacks(NamedTuple):
    """What happens at the end of epochs; ``None`` is switched off."""

    early_stopping: EarlyStopping | None
    checkpoint: Checkpoint | None
    tensorboard: bool
    on_divergence: OnDivergence


class Evaluation(NamedTuple):
    """How the finished model is judged on the test split."""

    threshold: float
    per_class: bool


class Resources(NamedTuple):
    """All that a spec may ask of the hardware; without a number of GPUs it takes what one slot of the server has."""

    gpus: int | None
