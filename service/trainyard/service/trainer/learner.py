"""The model that is trained: its kept twin with augmentation in front, and losses that know of blended samples.

Where two samples were blended (mix-up, cut-mix), the loss is that of both labels, each by its share (Zhang 2018, section 2:
for a loss that is linear in the label the same as blending the labels, and it works for class numbers too). Metrics are
those of a sample's own label.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from trainyard.service.trainer.blending import Blend

# With these reductions the loss is divided by the number of rows, which grows with every blend.
_MEANS = frozenset({"sum_over_batch_size", "mean"})


@dataclass(frozen=True, slots=True)
class Blends:
    """The blending layers of a model, in the order in which samples pass them, out of sight of Keras' own bookkeeping."""

    layers: tuple[Blend, ...] = ()


class Learner(keras.Model):  # type: ignore[misc] # Keras ships no types
    """A functional model; ``blends`` are the layers in it that mix samples of a batch."""

    blends = Blends()

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True) -> Any:
        """Return the loss of a batch, penalties included."""
        if not training or not self.blends.layers:
            return super().compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training)
        shares = ops.ones((ops.shape(y_pred)[0],)) if sample_weight is None else ops.reshape(sample_weight, (-1,))
        rows = [(y, shares)]
        for blend in self.blends.layers:
            rows = [pair for row in rows for pair in _halves(row, blend)]
        factor = float(len(rows)) if self.loss.reduction in _MEANS else 1.0
        return super().compute_loss(
            x=x,
            y=ops.concatenate([target for target, _ in rows], axis=0),
            y_pred=ops.concatenate([y_pred] * len(rows), axis=0),
            sample_weight=ops.concatenate([share * factor for _, share in rows], axis=0),
            training=training,
        )


def _halves(row: tuple[Any, Any], blend: Blend) -> list[tuple[Any, Any]]:
    """Return the labels that a blend leaves of one row of labels: its own by its share, the partners' by the rest."""
    targets, shares = row
    own, partners = blend.shares, blend.partners
    return [(targets, shares * own), (ops.take(targets, partners, axis=0), ops.take(shares, partners, axis=0) * (1.0 - own))]
