"""What a model looks like inside: output shapes and parameters, without Keras.

Scaling of the input (rescaling, or normalization by constants) changes neither shape nor parameters and is
left out. Knows nothing of batches, memory or data: those are estimates built on this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainyard.linter.shapes.layers import Collapse, Layer, Shape, Shapes

if TYPE_CHECKING:
    from trainyard.linter.spec.model.spec import Spec

__all__ = ["Collapse", "Layer", "Shape", "Shapes", "infer"]


def infer(spec: Spec, input_shape: Shape | None = None) -> Shapes | None:
    """Return the layers of the spec's model as Keras builds them.

    ``input_shape`` (without batch) stands in where the spec leaves it to the data. ``None`` where the input shape is
    unknown, has an axis of unknown length, or does not fit the type of model.
    """
    from trainyard.linter.shapes.blocks import cnn, mlp

    shape = known(spec.dataset.input_shape) or input_shape
    if not shape:
        return None
    match spec.model.type:
        case "cnn":
            return cnn(spec.model, shape)
        case "mlp":
            return mlp(spec.model, shape)
        case _:
            return None


def known(shape: tuple[int | None, ...] | None) -> Shape | None:
    """Return the shape if every axis has a length, else ``None``."""
    if shape is None or None in shape:
        return None
    return tuple(axis for axis in shape if axis is not None)
