"""What a model looks like inside, as plain values."""

from __future__ import annotations

from functools import cached_property
from math import prod
from typing import NamedTuple

# Lengths along each axis, without the batch: (height, width, channels) for images.
Shape = tuple[int, ...]


class Part(NamedTuple):
    """One layer of a model that stands as one layer in another, such as a backbone.

    Weights that train, those of batch normalization among them, weights that never train, and, for one sample of the size that
    they are known for, the numbers in its output and its multiply-adds.
    """

    name: str
    trained: int
    batch_norm: int
    fixed: int
    elements: int
    multiply_adds: int


class Within(NamedTuple):
    """What is inside of a layer that is a model of its own.

    ``frozen`` of its ``parts`` come before the first that learns; for samples of this size their ``elements`` and
    ``multiply_adds`` are ``scale`` times as many.
    """

    parts: tuple[Part, ...]
    frozen: int
    scale: float

    @property
    def passing(self) -> int:
        """Numbers of one sample that are alive at once where nothing is kept for a way back: the largest output, and the next."""
        return int(2 * max((part.elements for part in self.parts), default=0) * self.scale)


class Layer(NamedTuple):
    """One layer as Keras builds it.

    ``kind`` is the Keras class name; ``output_shape`` leaves out the batch; ``trainable`` counts the part of
    ``parameters`` that gradients reach; ``multiply_adds`` are those of one sample's forward pass; ``pointer`` is the JSON
    pointer of the part of the spec that the layer comes from; ``inputs`` are the tensors that it takes (0 is the sample,
    ``i + 1`` the output of layer ``i``); ``inner`` counts the numbers of one sample that it computes beside its output;
    ``backward_adds`` are the multiply-adds whose way back has to be computed, too (a backbone may be frozen in part); ``within``
    is what a layer that is a whole model is made of.
    """

    name: str
    kind: str
    output_shape: Shape
    parameters: int
    trainable: int
    multiply_adds: int
    pointer: str
    inputs: tuple[int, ...]
    inner: int
    backward_adds: int
    within: Within | None = None

    @property
    def elements(self) -> int:
        """Numbers in one sample's output."""
        return prod(self.output_shape)


class Obstacle(NamedTuple):
    """Why Keras would refuse to build the model: at which layer, for which input, and what is wrong.

    ``kind`` is ``collapse`` (less than one pixel is left), ``rank`` (another number of axes is needed), ``join`` (shapes that do
    not go together), ``name`` (of a layer that is taken or missing), ``size`` (a size of zero or less), or ``depth`` (too many layers).
    """

    kind: str
    pointer: str
    layer: str
    input_shape: Shape
    reason: str


class Shapes:
    """All layers of a model in order, with their sums; ``obstacle`` tells where building stopped, and why."""

    def __init__(self, input_shape: Shape, layers: tuple[Layer, ...], obstacle: Obstacle | None = None) -> None:
        self.input_shape = input_shape
        self.layers = layers
        self.obstacle = obstacle

    @cached_property
    def parameters(self) -> int:
        """Weights of the model, batch statistics among them."""
        return sum(layer.parameters for layer in self.layers)

    @cached_property
    def trainable(self) -> int:
        """Weights that gradients reach."""
        return sum(layer.trainable for layer in self.layers)

    @cached_property
    def activation_elements(self) -> int:
        """Numbers in all layer outputs of one sample, the input among them."""
        return prod(self.input_shape) + sum(layer.elements for layer in self.layers)

    @cached_property
    def multiply_adds(self) -> int:
        """Multiply-adds of one sample's forward pass, in convolutions, dense and recurrent layers."""
        return sum(layer.multiply_adds for layer in self.layers)

    @cached_property
    def backward_adds(self) -> int:
        """Multiply-adds of the layers that gradients pass, each counted once; a step does each of them two more times."""
        first = next((index for index, layer in enumerate(self.layers) if layer.trainable), len(self.layers))
        return sum(layer.backward_adds for layer in self.layers[first:])

    @property
    def output_shape(self) -> Shape:
        """Shape of the last layer's output, without the batch."""
        return self.layers[-1].output_shape if self.layers else self.input_shape
