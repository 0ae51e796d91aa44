"""The optimizers of the language: Keras' own, with Keras' own names for their parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from trainyard.linter.spec.model.optimizer import Optimizer
from trainyard.linter.spec.model.training import Training
from trainyard.service.trainer.rates import EpochRates

_CLASSES: dict[str, Callable[..., Any]] = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "sgd": keras.optimizers.SGD,
    "rmsprop": keras.optimizers.RMSprop,
    "adagrad": keras.optimizers.Adagrad,
    "adadelta": keras.optimizers.Adadelta,
    "adamax": keras.optimizers.Adamax,
    "nadam": keras.optimizers.Nadam,
    "lion": keras.optimizers.Lion,
}
_DYNAMIC = "dynamic"


def make(optimizer: Optimizer, rates: EpochRates, training: Training) -> Any:
    """Make the optimizer; its learning rate is what ``rates`` says, step by step.

    Gradients of ``training.gradient_accumulation`` batches are averaged into one update. A fixed ``training.loss_scale``
    multiplies the loss and divides the gradients; a dynamic one also skips updates whose gradients overflow.
    """
    arguments: dict[str, Any] = optimizer._asdict()
    kind = arguments.pop("type")
    arguments.pop("learning_rate")
    if kind == "adamw" and arguments["weight_decay"] is None:
        arguments["weight_decay"] = 0.0  # Keras' AdamW takes no None
    if training.gradient_accumulation > 1:
        arguments["gradient_accumulation_steps"] = training.gradient_accumulation
    if isinstance(training.loss_scale, int | float):
        arguments["loss_scale_factor"] = float(training.loss_scale)
    made = _CLASSES[kind](learning_rate=rates, **arguments)
    rates.attach(made)
    return keras.optimizers.LossScaleOptimizer(made) if training.loss_scale == _DYNAMIC else made
