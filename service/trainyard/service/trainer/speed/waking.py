"""One step of a tiny model, taken by a standby while nobody waits: what frameworks put off until the first step is done then.

It leaves nothing behind: no layer's name, no random state, no variable. On a processor only, since a context on a GPU is memory
of somebody else's.
"""

from __future__ import annotations

import gc
import sys

import keras
import numpy as np

from trainyard.service.trainer import backend
from trainyard.service.trainer.learner import Learner


def wake() -> None:
    """Train and judge a tiny model on one batch; whatever goes wrong is told on standard error, and a standby without it is one, too."""
    try:
        _step()
    except Exception as error:  # noqa: BLE001 -- the run itself will say what this framework can not do
        sys.stderr.write(f"the first step in advance failed: {type(error).__name__}: {error}\n")
    keras.backend.clear_session()
    gc.collect()


def _step() -> None:
    backend.prepare(deterministic=False, seed=0, hide_gpus=True)
    given = keras.Input((8, 8, 1))
    inside = keras.layers.Conv2D(2, 3, activation="relu")(keras.layers.Rescaling(1 / 255)(given))
    inside = keras.layers.Flatten()(keras.layers.MaxPooling2D()(inside))
    inside = keras.layers.Dropout(0.5)(keras.layers.BatchNormalization()(inside))
    model = Learner(given, keras.layers.Activation("softmax", dtype="float32")(keras.layers.Dense(2)(inside)))
    model.compile(
        optimizer="adam",
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=backend.compile_choice(deterministic=False),
    )
    samples, labels = np.zeros((4, 8, 8, 1), np.uint8), np.array([0, 1, 0, 1])
    model.train_on_batch(samples, labels)
    model.test_on_batch(samples, labels)
