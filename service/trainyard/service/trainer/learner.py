"""The model that is trained: its kept twin with augmentation in front, and losses that know of blended samples.

Where two samples were blended (mix-up, cut-mix), the loss is that of both labels, each by its share (Zhang 2018, section 2:
for a loss that is linear in the label the same as blending the labels, and it works for class numbers too). Metrics are
those of a sample's own label.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from trainyard.service.trainer.blending import Blend
from trainyard.service.trainer.spread import ALONE

# With these reductions the loss is divided by the number of rows, which grows with every blend.
_MEANS = frozenset({"sum_over_batch_size", "mean"})


@dataclass(frozen=True, slots=True)
class Blends:
    """The blending layers of a model, in the order in which samples pass them, out of sight of Keras' own bookkeeping."""

    layers: tuple[Blend, ...] = ()


# From one device's shares and partners to those of the whole batch.
Whole = Callable[[Any, Any], tuple[Any, Any]]


def as_it_is(shares: Any, partners: Any) -> tuple[Any, Any]:
    """Return both as they are: one device has the whole batch."""
    return shares, partners


class Learner(keras.Model):  # type: ignore[misc] # Keras ships no types
    """A functional model; ``blends`` are the layers in it that mix samples of a batch, ``spread`` the devices that share one.

    ``whole`` turns the shares and partners of a blend into those of the batch that the loss is taken over.
    """

    blends = Blends()
    spread = ALONE
    whole: Whole = staticmethod(as_it_is)

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True) -> Any:
        """Return the loss of a batch, penalties included."""
        if not training or not self.blends.layers:
            return super().compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training)
        shares = ops.ones((ops.shape(y_pred)[0],)) if sample_weight is None else ops.reshape(sample_weight, (-1,))
        rows = [(y, shares)]
        for blend in self.blends.layers:
            own, partners = self.whole(blend.shares, blend.partners)
            rows = [pair for row in rows for pair in _halves(row, own, partners)]
        factor = float(len(rows)) if self.loss.reduction in _MEANS else 1.0
        return super().compute_loss(
            x=x,
            y=ops.concatenate([target for target, _ in rows], axis=0),
            y_pred=ops.concatenate([y_pred] * len(rows), axis=0),
            sample_weight=ops.concatenate([share * factor for _, share in rows], axis=0),
            training=training,
        )


def _halves(row: tuple[Any, Any], own: Any, partners: Any) -> list[tuple[Any, Any]]:
    """Return the labels that a blend leaves of one row of labels: its own by its share, the partners' by the rest."""
    targets, shares = row
    return [(targets, shares * own), (ops.take(targets, partners, axis=0), ops.take(shares, partners, axis=0) * (1.0 - own))]
