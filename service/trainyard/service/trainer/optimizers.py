"""The optimizers of the language: Keras' own, with Keras' own names for their parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from trainyard.linter.spec.model.optimizer import Optimizer
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


def make(optimizer: Optimizer, rates: EpochRates) -> Any:
    """Make the optimizer; its learning rate is what ``rates`` says, step by step."""
    arguments: dict[str, Any] = optimizer._asdict()
    kind = arguments.pop("type")
    arguments.pop("learning_rate")
    if kind == "adamw" and arguments["weight_decay"] is None:
        arguments["weight_decay"] = 0.0  # Keras' AdamW takes no None
    made = _CLASSES[kind](learning_rate=rates, **arguments)
    rates.attach(made)
    return made
