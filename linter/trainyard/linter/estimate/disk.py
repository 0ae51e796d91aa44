"""How much a run leaves on disk: model files, checkpoints to resume from, logs. Exact for weights, an interval for the rest."""

from __future__ import annotations

from typing import NamedTuple

from trainyard.linter.estimate.hardware import Bytes
from trainyard.linter.estimate.memory import slot_count, variable_bytes
from trainyard.linter.shapes.layers import Shapes
from trainyard.linter.spec.model.optimizer import Optimizer

# A ``.keras`` file adds its configuration and the HDF5 tables of its groups: 16 kB around one layer with weights, 28 to 37 kB
# around three, 109 to 129 kB around eighteen (measured, Keras 3.15).
_FILE = (8_000, 30_000)
_LAYER = (5_000, 15_000)
# Layers with weights in a backbone, which stands as one: MobileNetV2's file has 589 kB around its weights.
_WITHIN = (10, 100)
# An epoch's lines in the journal, the history and the manifest of the bundle: 2.1 kB each (measured on 25 epochs of a
# classification with two metrics); more metrics and a table per class take more.
_EPOCH = (800, 5_000)
_STATE = (1_000, 20_000)
# Scalars of an epoch in a TensorBoard event file, and the graph that it may start with (not measured).
_EVENT, _GRAPH = (200, 1_500), (20_000, 2_000_000)
_NOTHING = Bytes(0, 0)


class Disk(NamedTuple):
    """Bytes on disk by kind: the model that is kept, ``kept`` checkpoints to resume from, logs; ``total`` is their sum.

    While a file is replaced, the old one and the new one exist side by side: ``peak`` is what has to be free.
    """

    model: Bytes
    checkpoint: Bytes
    kept: int
    logs: Bytes

    @property
    def total(self) -> Bytes:
        """What lies there at the end."""
        return Bytes(
            self.model.low + self.kept * self.checkpoint.low + self.logs.low,
            self.model.high + self.kept * self.checkpoint.high + self.logs.high,
        )

    @property
    def peak(self) -> Bytes:
        """What has to be free: the total, and the largest file once more."""
        return Bytes(
            self.total.low + max(self.model.low, self.checkpoint.low), self.total.high + max(self.model.high, self.checkpoint.high)
        )


def disk(shapes: Shapes, optimizer: Optimizer, precision: str, *, kept: int, epochs: int, tensorboard: bool = False) -> Disk:
    """Return what a run writes: one model, ``kept`` checkpoints to resume from, logs of ``epochs`` epochs.

    A checkpoint holds weights and optimizer, and at the high end the weights of the best epoch besides.
    """
    width = variable_bytes(precision)
    weighted = [sum(_WITHIN[end] if layer.kind == "Functional" else 1 for layer in shapes.layers if layer.parameters) for end in (0, 1)]
    weights = shapes.parameters * width
    slots = shapes.trainable * width * slot_count(optimizer)
    around = Bytes(_FILE[0] + weighted[0] * _LAYER[0], _FILE[1] + weighted[1] * _LAYER[1])
    model = Bytes(weights + around.low, weights + around.high)
    checkpoint = Bytes(weights + slots + _STATE[0], 2 * weights + slots + around.high + _STATE[1])
    return Disk(model, checkpoint if kept else _NOTHING, max(0, kept), _logs(max(0, epochs), tensorboard=tensorboard))


def _logs(epochs: int, *, tensorboard: bool) -> Bytes:
    low, high = epochs * _EPOCH[0], epochs * _EPOCH[1]
    if not tensorboard:
        return Bytes(low, high)
    return Bytes(low + epochs * _EVENT[0] + _GRAPH[0], high + epochs * _EVENT[1] + _GRAPH[1])
