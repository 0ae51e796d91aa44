"""How much memory a training step takes on a processor (CPU) once XLA has compiled it: the JAX backend without a GPU.

XLA plans every buffer of a step before it runs. What it keeps was read from its own buffer assignments and calibrated on
``tests/bench/results/memory_xla.json`` (Keras 3.15, JAX 0.10): outputs that the way back reads stay; a largest
pooling is rewritten with the index of every number along every axis, all of them laid out at once; a convolution's way
back turns its input and its gradient around, which copies both; all gradients of the weights exist before the first is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from trainyard.linter.shapes.layers import Layer, Shapes

# How far the plan was from what XLA reported: low and high factor on everything but weights, slots and inputs. Backbones are
# known by their layers' outputs only: what a family keeps over those was measured on one or two of it (pooled ones most),
# and what has never been measured gets the middle of all and a margin as wide as they are.
MARGIN, BACKBONE_MARGIN, UNMEASURED_MARGIN = (0.82, 1.22), (0.8, 1.3), (0.5, 2.0)
_BACKBONES = {
    "vgg": 3.2,
    "convnext": 2.7,
    "xception": 1.85,
    "efficientnet": 1.62,
    "mobilenet_v3": 1.2,
    "resnet": 0.94,
    "densenet": 0.75,
    "mobilenet": 0.78,
}
_UNMEASURED = 1.2
# A frozen backbone holds two outputs at a time, partly in place; residual ones the shortcut besides.
_FROZEN, _FROZEN_RESIDUAL = 0.66, 1.6
# Half precision is computed in float32 on a processor; some buffers stay half as wide.
_HALF = 0.85
# Gradients of all weights, in float32, by optimizer: AdaDelta updates its two sums out of place, AMSGrad in place.
_GRADIENTS = {"adadelta": (3.0, 3.0), "amsgrad": (0.5, 1.0)}
# Casts and scaled copies of weights beside the gradients, by precision policy (low, high).
_CAST = {"mixed_float16": (0.0, 1.0), "mixed_bfloat16": (0.0, 0.4), "bfloat16": (0.0, 0.4), "float16": (0.0, 0.4)}
# Numbers that a step of a recurrence keeps for each unit and direction, over what ``Layer.inner`` counts.
_RECURRENT, _RECURRENCES = 3.2, ("LSTM", "GRU", "Bidirectional")
# A smooth activation keeps this much of what it computes inside; the rest is fused away.
_SMOOTH = 0.4
# Dropout keeps its output and a mask, the mask packed where it is not drawn again.
_DROPPED = 0.8
# Layer normalization keeps the centred input, its square and their products beside its output.
_LAYER_NORM = 5
# What is still held, on average, of the layers that the way back has passed already.
_NOT_GIVEN_BACK = 0.85
# More numbers than this do not fit anything, and a float has an end.
_MOST = 10**60
# A join hands its gradient to every branch at once.
_JOINED = 2.7


class Plan(NamedTuple):
    """Numbers in float32: of one sample (low, high), and of the weights' gradients and casts (low, high)."""

    sample: tuple[float, float]
    weights: tuple[float, float]


def plan(shapes: Shapes, optimizer: str, precision: str, kept: set[int]) -> Plan:
    """Return what a compiled step lays out beside its arguments; ``kept`` are the tensors that the way back reads.

    ``optimizer`` is the type of the language, ``amsgrad`` for an Adam that is one.
    """
    sizes = tuple(min(_MOST, size) for size in (prod(shapes.input_shape), *(layer.elements for layer in shapes.layers)))
    central = _most_at_once(shapes.layers, sizes, kept | _activated(shapes.layers))
    backbone = next((_backbone(layer) for layer in shapes.layers if layer.kind == "Functional"), (0.0, 0.0))
    half = 1.0 if precision == "float32" else _HALF
    low = (central * MARGIN[0] + backbone[0]) * half
    high = central * MARGIN[1] + backbone[1]
    gradients, casts = _GRADIENTS.get(optimizer, (1.0, 1.0)), _CAST.get(precision, (0.0, 0.0))
    trainable = min(_MOST, shapes.trainable)
    weights = [trainable * (gradients[end] + casts[end]) * MARGIN[end] for end in (0, 1)]
    return Plan((low, high), (weights[0], weights[1]))


def _backbone(layer: Layer) -> tuple[float, float]:
    """Return the numbers that a backbone lays out, low and high; of one that learns in part, what was measured comes to ``inner``."""
    name, inner = layer.name.partition(" ")[0], min(_MOST, layer.inner)
    if not layer.trainable:
        alive = inner * (_FROZEN_RESIDUAL if name.startswith("resnet") else _FROZEN)
        return alive * BACKBONE_MARGIN[0], alive * BACKBONE_MARGIN[1]
    if layer.backward_adds < layer.multiply_adds:
        return inner * BACKBONE_MARGIN[0], inner * BACKBONE_MARGIN[1]
    family = next((factor for prefix, factor in _BACKBONES.items() if name.startswith(prefix)), None)
    low, high = UNMEASURED_MARGIN if family is None else BACKBONE_MARGIN
    alive = inner * (_UNMEASURED if family is None else family)
    return alive * low, alive * high


def _activated(layers: Sequence[Layer]) -> set[int]:
    """Return the outputs of layers with an activation built in: it is undone from them, unless they are only averaged."""
    averaged = {tensor for layer in layers if layer.kind.startswith("Global") for tensor in layer.inputs}
    built_in = {index for index, layer in enumerate(layers, start=1) if "Conv" in layer.kind and layer.inner}
    return built_in - averaged


def _beside(layer: Layer) -> float:
    """Return the numbers that a layer keeps beside its inputs."""
    elements, inner = min(_MOST, layer.elements), min(_MOST, layer.inner)
    if "Dropout" in layer.kind:
        return _DROPPED * elements
    if layer.kind == "LayerNormalization":
        return _LAYER_NORM * elements
    if layer.kind in _RECURRENCES:
        return _RECURRENT * inner
    if layer.kind == "Activation":
        return _SMOOTH * inner
    return inner if layer.kind.startswith("Separable") else 0.0


def _most_at_once(layers: Sequence[Layer], sizes: Sequence[int], kept: set[int]) -> float:
    """Return the numbers alive at the worst moment: when the way back begins, or while it undoes one of the layers.

    By then the tensors of the layers behind it are partly given back; poolings before it are not undone yet.
    """
    own = [(sizes[index] if index in kept else 0) + _beside(layer) for index, layer in enumerate(layers, start=1)]
    whole, held, pooled, worst = sum(own), 0.0, 0.0, 0.0
    for layer, tensors in zip(layers, own, strict=True):
        held += tensors
        taken = sum(sizes[tensor] for tensor in layer.inputs if tensor)
        if layer.kind.startswith("MaxPooling"):
            axes = len(layer.output_shape) + 1
            pooled += (axes + 1) * (sum(sizes[tensor] for tensor in layer.inputs) + min(_MOST, layer.elements))
        alive = held + _NOT_GIVEN_BACK * (whole - held)
        worst = max(worst, alive + pooled + _way_back(layer.kind, taken, min(_MOST, layer.elements)))
    return max(whole + pooled, worst)


def _way_back(kind: str, taken: int, given: int) -> float:
    """Return the numbers of a layer's gradients, and the copies that they are computed from."""
    if "Transpose" in kind:
        return 2 * taken + 3 * given
    if "Conv" in kind:
        return 2 * (taken + given)
    if kind == "Concatenate":
        return _JOINED * given
    if kind.startswith("MaxPooling") or kind == "Functional":
        return 0.0
    return (taken if kind == "Dense" else 0) + given
