"""A model that grows layer by layer, and the arithmetic of each layer: the same that Keras does when it builds.

Every method mirrors one Keras layer class with the arguments that the trainer passes. What Keras would refuse
with ``ValueError`` raises ``ObstacleError`` here, with the layer and the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from trainyard.linter.shapes.layers import Layer, Obstacle, Shape, Shapes, Within

# Nobody's net is deeper, and a spec may ask for a billion convolutions in a row.
_MOST_LAYERS = 5000
# How many tensors of its size an activation computes beside its input and output, from the growth of TensorFlow's peak
# with the batch (CPU, TensorFlow 2.21, two convolutions of 32 filters; both counted: swish 1.8, mish 3.2, gelu 3.4,
# softplus 1.1, leaky relu 0.6, relu and elu 0).
_INSIDE = {"swish": 1, "mish": 3, "gelu": 3, "softplus": 1, "leaky_relu": 1}


def inside(activation: str) -> int:
    """Return how many tensors a layer with this activation built in computes beside its output."""
    return 0 if activation == "linear" else 1 + _INSIDE.get(activation, 0)


class ObstacleError(Exception):
    """The model cannot be built."""

    def __init__(self, obstacle: Obstacle) -> None:
        super().__init__(f"{obstacle.layer}: {obstacle.reason}")
        self.obstacle = obstacle


class Stack:
    """Layers so far, and the tensor that the next one takes; ``pointer`` and ``part`` label what is added next."""

    def __init__(self, input_shape: Shape) -> None:
        self.input_shape = input_shape
        self.shape = input_shape
        self.tensor = 0
        self.layers: list[Layer] = []
        self.pointer = "/model"
        self.part = ""

    def finished(self, obstacle: Obstacle | None = None) -> Shapes:
        """Return what was built."""
        return Shapes(self.input_shape, tuple(self.layers), obstacle)

    def go_to(self, tensor: int) -> None:
        """Let the next layer take this tensor: 0 is the sample, ``i + 1`` the output of layer ``i``."""
        self.tensor = tensor
        self.shape = self.layers[tensor - 1].output_shape if tensor else self.input_shape

    def drop_loose_ends(self) -> None:
        """Drop the layers that lead nowhere: a model of Keras holds what lies on a way to its output, and no more."""
        reached = {self.tensor}
        for tensor in range(len(self.layers), 0, -1):
            if tensor in reached:
                reached.update(self.layers[tensor - 1].inputs)
        place, kept = {0: 0}, []
        for tensor, layer in enumerate(self.layers, start=1):
            if tensor in reached:
                kept.append(layer._replace(inputs=tuple(place[taken] for taken in layer.inputs)))
                place[tensor] = len(kept)
        self.layers, self.tensor = kept, place[self.tensor]

    def add(
        self,
        kind: str,
        shape: Shape,
        parameters: int = 0,
        *,
        trainable: int | None = None,
        multiply_adds: int = 0,
        backward_adds: int | None = None,
        inputs: tuple[int, ...] = (),
        inner: int = 0,
        within: Within | None = None,
    ) -> None:
        """Append a layer that takes the current tensor, or ``inputs``; all its parameters are trainable unless told."""
        if len(self.layers) >= _MOST_LAYERS:
            raise self.obstacle("depth", kind, f"there are more than {_MOST_LAYERS} layers")
        if shape and min(shape) < 1:
            raise self.obstacle("size", kind, "a size is zero or less")
        reached = parameters if trainable is None else trainable
        taken = inputs or (self.tensor,)
        passed = multiply_adds if backward_adds is None else backward_adds
        name = self._name(kind)
        self.layers.append(Layer(name, kind, shape, parameters, reached, multiply_adds, self.pointer, taken, inner, passed, within))
        self.shape = shape
        self.tensor = len(self.layers)

    def obstacle(self, kind: str, layer: str, reason: str) -> ObstacleError:
        """Return the error that says why ``layer`` cannot be built on the current tensor."""
        return ObstacleError(Obstacle(kind, self.pointer, self._name(layer), self.shape, reason))

    def need_axes(self, kind: str, axes: int) -> None:
        """Raise unless the current tensor has so many axes, the batch left out."""
        if len(self.shape) != axes:
            meant = {1: "(features)", 2: "(steps, features)", 3: "(height, width, channels)"}[axes]
            raise self.obstacle("rank", kind, f"it takes {meant}")

    def _name(self, kind: str) -> str:
        return f"{self.part} {kind}".lstrip()

    def dense(self, units: int, *, bias: bool = True, activated: int = 0) -> None:
        """Append ``Dense``: it acts on the last axis and leaves the others; ``activated`` as ``inside`` tells it."""
        if not self.shape:
            raise self.obstacle("rank", "Dense", "it takes at least one axis")
        features, places = self.shape[-1], prod(self.shape[:-1])
        weights = features * units
        inner = places * units * activated
        self.add("Dense", (*self.shape[:-1], units), weights + units * bias, multiply_adds=places * weights, inner=inner)

    def convolution(
        self,
        filters: int,
        kernel: Sequence[int],
        strides: Sequence[int],
        padding: str,
        *,
        bias: bool = True,
        dilation: Sequence[int] = (),
        groups: int = 1,
        activated: int = 0,
    ) -> None:
        """Append ``Conv1D`` or ``Conv2D``, as many axes as ``kernel`` has."""
        kind = f"Conv{len(kernel)}D"
        spatial = self.slide(kind, kernel, strides, padding, dilation)
        if groups < 1 or self.shape[-1] % groups or filters % groups:
            raise self.obstacle("join", kind, f"{groups} groups do not divide {self.shape[-1]} and {filters} channels")
        weights = prod(kernel) * (self.shape[-1] // groups) * filters
        shape = (*spatial, filters)
        self.add(kind, shape, weights + filters * bias, multiply_adds=prod(spatial) * weights, inner=prod(shape) * activated)

    def pooling(self, how: str, size: Sequence[int], strides: Sequence[int], padding: str = "valid") -> None:
        """Append ``MaxPooling…`` or ``AveragePooling…``, as many axes as ``size`` has."""
        kind = f"{how.capitalize()}Pooling{len(size)}D"
        inner = prod(self.shape) if how == "max" else 0
        self.add(kind, (*self.slide(kind, size, strides, padding), self.shape[-1]), inner=inner)

    def global_pooling(self, how: str, *, axes: int | None = None, keepdims: bool = False) -> None:
        """Append ``GlobalMaxPooling…`` or ``GlobalAveragePooling…``: one number per channel remains."""
        spatial = len(self.shape) - 1 if axes is None else axes
        if spatial < 1:
            raise self.obstacle("rank", "GlobalPooling", "it takes (height, width, channels)")
        kind = f"Global{how.capitalize()}Pooling{spatial}D"
        self.need_axes(kind, spatial + 1)
        self.add(kind, (*(1,) * spatial * keepdims, self.shape[-1]))

    def batch_normalization(self, *, channels: int | None = None, center: bool = True, scale: bool = True) -> None:
        """Append ``BatchNormalization``: scale and offset are trained, moving mean and variance are not."""
        width = self.shape[-1] if channels is None else channels
        learnt = width * (center + scale)
        self.add("BatchNormalization", self.shape, 2 * width + learnt, trainable=learnt)

    def activation(self, name: str) -> None:
        """Append ``Activation``, unless it would change nothing."""
        if name != "linear":
            self.add("Activation", self.shape, inner=prod(self.shape) * _INSIDE.get(name, 0))

    def dropout(self, rate: float) -> None:
        """Append ``Dropout``, unless it would drop nothing."""
        if rate:
            self.add("Dropout", self.shape)

    def flatten(self) -> None:
        """Append ``Flatten``."""
        self.add("Flatten", (prod(self.shape),))

    def need_one_of(self, kind: str, strides: Sequence[int], dilation: Sequence[int]) -> None:
        """Stop where a window both steps and is dilated: Keras refuses that (keras/src/layers/convolutional)."""
        if max(strides) > 1 and max(dilation, default=1) > 1:
            raise self.obstacle("join", kind, "strides and dilation_rate cannot both be above 1")

    def slide(self, kind: str, window: Sequence[int], strides: Sequence[int], padding: str, dilation: Sequence[int] = ()) -> Shape:
        """Return the spatial shape that a sliding window leaves.

        ceil(n / s) with padding, floor((n - k) / s) + 1 without, where a dilated window is d (k - 1) + 1 wide.
        """
        self.need_axes(kind, len(window) + 1)
        if min(*window, *strides, *(dilation or (1,))) < 1:
            raise self.obstacle("size", kind, "a size is zero or less")
        self.need_one_of(kind, strides, dilation)
        sizes = self.shape[:-1]
        if padding != "valid":
            return tuple(-(-size // stride) for size, stride in zip(sizes, strides, strict=True))
        wide = [gap * (width - 1) + 1 for width, gap in zip(window, dilation or (1,) * len(window), strict=True)]
        left = tuple((size - width) // stride + 1 for size, width, stride in zip(sizes, wide, strides, strict=True))
        if min(left) < 1:
            raise self.obstacle("collapse", kind, "less than one pixel is left")
        return left
