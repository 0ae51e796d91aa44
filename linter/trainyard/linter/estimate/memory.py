"""How much device memory a training step needs: an interval, term by term.

The model of it: weights, gradients and optimizer slots follow from the parameter count; activations are the
tensors that the backward pass reads, times the batch, plus the gradients that are alive at once; workspace is what
convolutions like to have; context is what the device's libraries take before the first tensor. The low end keeps
only what no compiler can avoid, the high end keeps every layer's output, so an honest "does not fit" needs only the
low end and an honest "fits" the high one. Published estimators that add terms up are off by about 15 %
(DNNMem, doi 10.1145/3368089.3417050): a single number would be wrong for every job near the limit.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from trainyard.linter.estimate.hardware import Bytes, HardwareProfile
from trainyard.linter.shapes.layers import Layer, Shapes
from trainyard.linter.spec.model.optimizer import Adam, AdamW, Optimizer, RmsProp, Sgd

if TYPE_CHECKING:
    from trainyard.linter.estimate.xla import Plan

_NOTHING = Bytes(0, 0)
_FLOAT32, _BOOL = 4, 1
_MOST_BITS = 1000  # the largest float has 1024
_RESIDENT_SHARE = 0.25
_ALIASES = frozenset({"Flatten", "Reshape"})

# Bytes of a stored variable and of a computed activation, by Keras precision policy.
_VARIABLE_BYTES = {"float32": 4, "mixed_float16": 4, "mixed_bfloat16": 4, "bfloat16": 2, "float16": 2}
_COMPUTE_BYTES = {"float32": 4, "mixed_float16": 2, "mixed_bfloat16": 2, "bfloat16": 2, "float16": 2}

# Extra variables per trainable weight (the optimizer classes below keras/src/optimizers; a test builds each).
_SLOTS = {"sgd": 0, "adam": 2, "adamw": 2, "nadam": 2, "adamax": 2, "rmsprop": 1, "adagrad": 1, "adadelta": 2, "lion": 1}


class Phase(StrEnum):
    """What a run does with the device, one after the other."""

    START = "start"
    TRAIN = "train"
    EVALUATE = "evaluate"
    SAVE = "save"


class Memory(NamedTuple):
    """Device memory in one phase, by term; ``total`` is their sum. ``data`` are samples that stay on the device."""

    weights: Bytes
    gradients: Bytes
    optimizer_slots: Bytes
    activations: Bytes
    workspace: Bytes
    context: Bytes
    data: Bytes = _NOTHING

    @property
    def total(self) -> Bytes:
        """All terms together."""
        return Bytes(sum(term.low for term in self), sum(term.high for term in self))


class Demand:
    """What one model, optimizer and precision ask of a device, for any batch size.

    ``batch`` is what one device sees: a global batch over several devices is divided before.
    """

    def __init__(self, shapes: Shapes, optimizer: Optimizer, precision: str, *, accumulates: bool = False) -> None:
        variable, compute = variable_bytes(precision), compute_bytes(precision)
        largest = max((layer.trainable for layer in shapes.layers), default=0)
        copies = shapes.trainable * compute if compute != variable else 0
        slots = shapes.trainable * variable * (slot_count(optimizer) + accumulates)
        self.weights = Bytes(shapes.parameters * variable, shapes.parameters * variable + copies)
        self.gradients = Bytes(largest * variable, shapes.trainable * variable)
        self.optimizer_slots = Bytes(slots, slots)
        self.sample = _sample_bytes(shapes, compute)
        self.forward = _forward_bytes(shapes, compute)
        self._shapes, self._precision = shapes, precision
        self._optimizer = "amsgrad" if getattr(optimizer, "amsgrad", False) else optimizer.type
        self.patches = max((_patch_elements(shapes, index) for index in range(len(shapes.layers))), default=0) * compute

    def memory(self, batch: int, profile: HardwareProfile | None = None) -> Memory:
        """Return the memory of a training step with ``batch`` samples; without a profile, that of the tensors alone."""
        if profile is not None and profile.compiles_on_cpu:
            return self._compiled(batch, profile)
        low_factor, high_factor = profile.activation_factor if profile else (1.0, 1.0)
        activations = Bytes(_scaled(self.sample.low * batch, low_factor), _scaled(self.sample.high * batch, high_factor))
        workspace = _NOTHING if profile is None else Bytes(profile.workspace.low, min(self.patches * batch, profile.workspace.high))
        context = _NOTHING if profile is None else profile.context
        return Memory(self.weights, self.gradients, self.optimizer_slots, activations, workspace, context)

    @cached_property
    def plan(self) -> Plan:
        """What XLA lays out for a step on a processor."""
        from trainyard.linter.estimate import xla

        return xla.plan(self._shapes, self._optimizer, self._precision, _kept_tensors(self._shapes.layers))

    def _compiled(self, batch: int, profile: HardwareProfile) -> Memory:
        """Return the memory of a step that XLA compiled: what it lays out beside its arguments, which are the state and the batch."""
        taken = prod(self._shapes.input_shape) * _FLOAT32 * batch
        low, high = (
            _scaled(int(end * _FLOAT32) * batch, factor) for end, factor in zip(self.plan.sample, profile.activation_factor, strict=True)
        )
        gradients = Bytes(*(int(end * _FLOAT32) for end in self.plan.weights))
        weights = Bytes(self.weights.low, self.weights.low)
        return Memory(weights, gradients, self.optimizer_slots, Bytes(low + taken, high + taken), _NOTHING, profile.context)

    def phases(self, batch: int, profile: HardwareProfile | None = None, *, data_bytes: int = 0) -> dict[Phase, Memory]:
        """Return the memory of every phase with ``batch`` samples, where ``data_bytes`` of samples stay on the device.

        Start (and resume): weights and slots, and the copy that they are filled from. Evaluation: no gradients, and of the
        activations what one layer takes and gives. Saving: the copy that goes to disk, where it is made on the device.
        """
        train = self.memory(batch, profile)
        train = train._replace(data=Bytes(data_bytes, data_bytes))
        idle = train._replace(gradients=_NOTHING, activations=_NOTHING, workspace=_NOTHING)
        copied = self.weights._replace(high=2 * self.weights.high), self.optimizer_slots._replace(high=2 * self.optimizer_slots.high)
        low_factor, high_factor = profile.activation_factor if profile else (1.0, 1.0)
        # Training passes forward, too, and holds more on the way: a margin on both must not turn that around.
        most = min(_scaled(self.forward.high * batch, high_factor), train.activations.high)
        forward = Bytes(min(_scaled(self.forward.low * batch, low_factor), most), most)
        moving = idle._replace(weights=copied[0], optimizer_slots=copied[1])
        return {
            Phase.START: moving,
            Phase.TRAIN: train,
            Phase.EVALUATE: train._replace(gradients=_NOTHING, activations=forward),
            Phase.SAVE: moving,
        }

    def peak(self, batch: int, profile: HardwareProfile | None = None, *, data_bytes: int = 0) -> tuple[Phase, Memory]:
        """Return the phase that needs the most, by the high end, and its memory."""
        found = self.phases(batch, profile, data_bytes=data_bytes)
        return max(found.items(), key=lambda item: item[1].total.high)

    def largest_batch(self, profile: HardwareProfile, most: int) -> int:
        """Return the largest batch up to ``most`` whose high end fits the profile, 0 where not even one sample does."""
        low, high = 0, most
        while low < high:
            middle = (low + high + 1) // 2
            if self.memory(middle, profile).total.high <= profile.usable_bytes:
                low = middle
            else:
                high = middle - 1
        return low


def resident_bytes(samples_bytes: int, profile: HardwareProfile) -> int:
    """Return the bytes of samples that stay on the device: all of them if they take a quarter of it at most, else none.

    The trainer lays them there when they fit so, and hands them over batch by batch otherwise (``service.trainer.speed``).
    """
    return samples_bytes if samples_bytes <= _RESIDENT_SHARE * profile.usable_bytes else 0


def variable_bytes(precision: str) -> int:
    """Return the bytes of one stored weight under a Keras precision policy."""
    return _VARIABLE_BYTES.get(precision, _FLOAT32)


def compute_bytes(precision: str) -> int:
    """Return the bytes of one computed number under a Keras precision policy."""
    return _COMPUTE_BYTES.get(precision, _FLOAT32)


def _scaled(size: int, factor: float) -> int:
    """Return a size times a factor; a size beyond every float, as odd shapes give it, stays what it is."""
    return int(size * factor) if size.bit_length() < _MOST_BITS else size


def slot_count(optimizer: Optimizer) -> int:
    """Return how many variables the optimizer keeps per trainable weight."""
    match optimizer:
        case Sgd():
            return int(optimizer.momentum != 0)
        case RmsProp():
            return 1 + int(optimizer.momentum > 0) + int(optimizer.centered)
        case Adam() | AdamW():
            return _SLOTS[optimizer.type] + int(optimizer.amsgrad)
        case _:
            return _SLOTS[optimizer.type]


def _sample_bytes(shapes: Shapes, compute: int) -> Bytes:
    """Return the activation bytes of one sample: what the backward pass reads, plus gradients alive at once.

    Low: each tensor that a weighted layer, a normalization or a pooling needs again, once, and one gradient of the
    largest. TensorFlow comes close to it, since relu writes over its input. High: every layer's output and what it computes
    inside, masks as wide as numbers, and the two gradients that meet in the largest layer; XLA comes close to that.
    """
    sizes = [prod(shapes.input_shape), *(layer.elements for layer in shapes.layers)]
    largest = max(sizes[1:], default=0)
    low = sum(sizes[tensor] for tensor in _kept_tensors(shapes.layers)) * compute + largest * compute
    masks = outputs = 0
    for layer in shapes.layers:
        # Of a backbone that learns, about half of what it computes is read again (a convolution's and an activation's
        # output, not the normalization's between them).
        low += layer.inner // 2 * compute if layer.kind == "Functional" and layer.trainable else 0
        if layer.kind == "Dropout":
            masks += layer.elements
        if layer.kind != "Flatten":
            outputs += layer.elements + layer.inner
    high = (sizes[0] + outputs + masks + 2 * largest) * compute + 2 * sizes[0] * _FLOAT32
    return Bytes(low + masks * _BOOL, high)


def _forward_bytes(shapes: Shapes, compute: int) -> Bytes:
    """Return the activation bytes of one sample that is only judged: the widest layer with what it takes; high: twice that.

    Inside of a backbone nothing is kept for a way back either: one output is alive, and the next.
    """
    sizes = [prod(shapes.input_shape), *(layer.elements for layer in shapes.layers)]
    widest = max((sum(sizes[tensor] for tensor in layer.inputs) + layer.elements for layer in shapes.layers), default=sizes[0])
    inside = max((layer.inner if layer.within is None else layer.within.passing for layer in shapes.layers), default=0)
    return Bytes(max(widest - sizes[0], 0) * compute, (2 * widest + inside) * compute + sizes[0] * _FLOAT32)


def _kept_tensors(layers: tuple[Layer, ...]) -> set[int]:
    """Return which tensors the backward pass reads: 0 is the input, ``i + 1`` the output of layer ``i``."""
    stored = [0]  # the tensor whose memory each one shares: flattening copies nothing
    kept: set[int] = set()
    for index, layer in enumerate(layers, start=1):
        if layer.parameters or layer.kind.startswith("MaxPooling"):
            kept.update(stored[tensor] for tensor in layer.inputs)
        if layer.kind == "Activation":
            kept.add(index)
        stored.append(stored[layer.inputs[0]] if layer.kind in _ALIASES else index)
    return kept


def _patch_elements(shapes: Shapes, index: int) -> int:
    """Return the elements of one sample's patch matrix (``im2col``) of a convolution; 0 for other layers."""
    layer = shapes.layers[index]
    if not layer.kind.startswith("Conv") or not layer.multiply_adds:
        return 0
    return layer.multiply_adds // layer.output_shape[-1]
