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


def infer(spec: Spec, input_shape: Shape | None = None, outputs: int | None = None) -> Shapes | None:
    """Return the layers of the spec's model as Keras builds them.

    ``input_shape`` (without batch) and ``outputs`` (units of the last layer) stand in where the spec leaves them to the
    data. ``None`` where either is unknown, where an axis has no known length, or where the input does not fit the model.
    """
    from trainyard.linter.shapes.blocks import cnn, mlp
    from trainyard.linter.spec.model.architecture import Cnn, Mlp

    shape = known(spec.dataset.input_shape) or input_shape
    if not shape:
        return None
    match spec.model:
        case Cnn():
            return cnn(spec.model, shape, outputs)
        case Mlp():
            return mlp(spec.model, shape, outputs)
        case _:
            return None


def known(shape: tuple[int | None, ...] | None) -> Shape | None:
    """Return the shape if every axis has a length, else ``None``."""
    if shape is None or None in shape:
        return None
    return tuple(axis for axis in shape if axis is not None)
