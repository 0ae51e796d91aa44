"""The loss of a batch that several devices share on TensorFlow: each says its part, and the parts add up to the loss.

Keras divides a mean over samples by the number of devices that work together, and nothing else: a sum, or a loss that is one
number for the whole batch, would be counted once per device (keras/src/losses/loss.py, reduce_values).
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


class SharedLoss(keras.losses.Loss):  # type: ignore[misc] # Keras ships no types
    """Another loss, of which every device says its part."""

    def __init__(self, inner: Any) -> None:
        super().__init__(name=inner.name, reduction=inner.reduction)
        self._inner = inner
        # Dice and Tversky without an axis are one number for all samples.
        self._undivided = inner.reduction == "sum" or getattr(inner, "axis", 0) is None

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return this device's part; all of it where no others are at work."""
        loss = self._inner(y_true, y_pred, sample_weight)
        devices: int = tf.distribute.get_strategy().num_replicas_in_sync
        return loss / devices if self._undivided else loss
