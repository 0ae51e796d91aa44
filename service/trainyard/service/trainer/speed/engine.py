"""What the training loop asks of a framework: take these steps, judge, and tell the metrics.

The loop decides which steps, when to look up and when to end. An engine knows nothing of epochs, files or requests.
"""

from __future__ import annotations

from typing import Any, Protocol

from trainyard.service.trainer import backend
from trainyard.service.trainer.batches import Batches
from trainyard.service.trainer.speed import samples
from trainyard.service.trainer.speed.settings import Settings


class Engine(Protocol):
    """Takes steps of one compiled learner on one set of batches. Steps are counted within an epoch."""

    def begin(self) -> None:
        """Take over the order of samples that ``Batches.begin`` laid out."""

    def steps(self, first: int, count: int) -> None:
        """Take ``count`` training steps from step ``first`` on, and wait until they are done."""

    def judge(self, first: int, count: int) -> None:
        """Judge ``count`` validation batches from batch ``first`` on, and wait until it is done."""

    def reset_metrics(self) -> None:
        """Begin to measure anew."""

    def metrics(self) -> dict[str, float]:
        """Return what was measured since the last reset, by Keras' names."""

    @property
    def wait_seconds(self) -> float:
        """Seconds in which the device had to wait for samples, since the engine was made."""


def make(learner: Any, train: Batches, validation: Batches | None, settings: Settings) -> Engine:
    """Make the engine of the backend that runs."""
    prime(learner, train)
    if backend.name() == backend.JAX:
        from trainyard.service.trainer.speed.on_jax import JaxEngine

        return JaxEngine(learner, train, validation, settings)
    from trainyard.service.trainer.speed.on_tensorflow import TensorFlowEngine

    return TensorFlowEngine(learner, train, validation, settings)


def resident(batches: Batches) -> bool:
    """Tell whether the samples would lie on the device."""
    return samples.fit(batches, backend.free_memory_bytes())


def prime(learner: Any, train: Batches) -> None:
    """Make every variable that training needs, so that a compiled step finds them all there; changes no weight."""
    inputs, targets, weights = (*(part[:1] for part in train[0]), None)[:3]
    learner.optimizer.build(learner.trainable_variables)
    outputs = learner(inputs, training=False)
    learner.compute_loss(x=inputs, y=targets, y_pred=outputs, sample_weight=weights, training=False)
    learner.compute_metrics(inputs, targets, outputs, sample_weight=weights)
    learner.reset_metrics()
