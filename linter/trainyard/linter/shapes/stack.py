"""A model that grows layer by layer, and the arithmetic of each layer: the same that Keras does when it builds.

Every method mirrors one Keras layer class with the arguments that the trainer passes. A layer that leaves
less than one pixel raises ``CollapsedError``, as Keras raises ``ValueError``.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from trainyard.linter.shapes.layers import Collapse, Layer, Shape, Shapes


class CollapsedError(Exception):
    """A layer leaves less than one pixel."""

    def __init__(self, collapse: Collapse) -> None:
        super().__init__(f"{collapse.layer} leaves nothing of {collapse.input_shape}")
        self.collapse = collapse


class UnbuildableError(Exception):
    """A size is zero or less, or there are more layers than any machine would build."""


# Nobody's net is deeper, and a spec may ask for a billion convolutions in a row.
_MOST_LAYERS = 5000


class Stack:
    """Layers so far, and the shape that the next one sees; ``pointer`` and ``part`` label what is added next."""

    def __init__(self, input_shape: Shape) -> None:
        self.input_shape = input_shape
        self.shape = input_shape
        self.layers: list[Layer] = []
        self.pointer = "/model"
        self.part = ""

    def finished(self) -> Shapes:
        """Return what was built."""
        return Shapes(self.input_shape, tuple(self.layers))

    def add(self, kind: str, shape: Shape, parameters: int = 0, *, trainable: int | None = None, multiply_adds: int = 0) -> None:
        """Append a layer; all its parameters are trainable unless told."""
        if len(self.layers) >= _MOST_LAYERS or min(shape, default=1) < 1:
            raise UnbuildableError
        reached = parameters if trainable is None else trainable
        self.layers.append(Layer(self._name(kind), kind, shape, parameters, reached, multiply_adds, self.pointer))
        self.shape = shape

    def _name(self, kind: str) -> str:
        return f"{self.part} {kind}".lstrip()

    def dense(self, units: int, *, bias: bool = True) -> None:
        """Append ``Dense``: it acts on the last axis and leaves the others as they are."""
        features, places = self.shape[-1], prod(self.shape[:-1])
        weights = features * units
        self.add("Dense", (*self.shape[:-1], units), weights + units * bias, multiply_adds=places * weights)

    def convolution(self, filters: int, kernel: Sequence[int], strides: Sequence[int], padding: str, *, bias: bool = True) -> None:
        """Append ``Conv1D`` or ``Conv2D``, as many axes as ``kernel`` has."""
        kind = f"Conv{len(kernel)}D"
        spatial = self._slide(kind, kernel, strides, padding)
        weights = prod(kernel) * self.shape[-1] * filters
        self.add(kind, (*spatial, filters), weights + filters * bias, multiply_adds=prod(spatial) * weights)

    def pooling(self, how: str, size: Sequence[int], strides: Sequence[int], padding: str = "valid") -> None:
        """Append ``MaxPooling…`` or ``AveragePooling…``, as many axes as ``size`` has."""
        kind = f"{how.capitalize()}Pooling{len(size)}D"
        self.add(kind, (*self._slide(kind, size, strides, padding), self.shape[-1]))

    def global_pooling(self, how: str) -> None:
        """Append ``GlobalMaxPooling…`` or ``GlobalAveragePooling…``: one number per channel remains."""
        self.add(f"Global{how.capitalize()}Pooling{len(self.shape) - 1}D", self.shape[-1:])

    def batch_normalization(self) -> None:
        """Append ``BatchNormalization``: scale and offset are trained, moving mean and variance are not."""
        channels = self.shape[-1]
        self.add("BatchNormalization", self.shape, 4 * channels, trainable=2 * channels)

    def activation(self, name: str) -> None:
        """Append ``Activation``, unless it would change nothing."""
        if name != "linear":
            self.add("Activation", self.shape)

    def dropout(self, rate: float) -> None:
        """Append ``Dropout``, unless it would drop nothing."""
        if rate:
            self.add("Dropout", self.shape)

    def flatten(self) -> None:
        """Append ``Flatten``."""
        self.add("Flatten", (prod(self.shape),))

    def _slide(self, kind: str, window: Sequence[int], strides: Sequence[int], padding: str) -> Shape:
        """Return the spatial shape that a sliding window leaves: ceil(n/s) padded, floor((n - k)/s) + 1 not."""
        if min(*window, *strides) < 1:
            raise UnbuildableError
        sizes = self.shape[:-1]
        if padding == "same":
            return tuple(-(-size // stride) for size, stride in zip(sizes, strides, strict=True))
        left = tuple((size - width) // stride + 1 for size, width, stride in zip(sizes, window, strides, strict=True))
        if min(left) < 1:
            raise CollapsedError(Collapse(self.pointer, self._name(kind), self.shape))
        return left
