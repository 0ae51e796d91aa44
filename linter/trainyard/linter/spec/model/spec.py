"""The whole training spec, resolved."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from trainyard.linter.spec.model.architecture import Model
    from trainyard.linter.spec.model.augmentation import Transform
    from trainyard.linter.spec.model.dataset import Dataset
    from trainyard.linter.spec.model.experiment import Experiment, Suppression
    from trainyard.linter.spec.model.loss import Loss
    from trainyard.linter.spec.model.metrics import Metric
    from trainyard.linter.spec.model.optimizer import Optimizer
    from trainyard.linter.spec.model.scheduler import Schedule
    from trainyard.linter.spec.model.training import Callbacks, Evaluation, Imbalance, Regularization, Resources, Training


class Spec(NamedTuple):
    """What to learn, from what, and how.

    ``loss`` is ``None`` only where the task is ``other`` and nothing was written. Of a partial spec,
    whatever the author still owes is ``None``, too.
    """

    version: str
    experiment: Experiment
    task: str
    dataset: Dataset
    augmentation: tuple[Transform, ...]
    model: Model
    loss: Loss | None
    metrics: tuple[Metric, ...]
    optimizer: Optimizer
    scheduler: tuple[Schedule, ...]
    training: Training
    regularization: Regularization
    imbalance: Imbalance
    callbacks: Callbacks
    evaluation: Evaluation
    resources: Resources
    lint: tuple[Suppression, ...]
