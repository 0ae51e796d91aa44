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
    data. ``None`` where either is unknown, where an axis has no known length, where the input does not fit the model, and
    where Keras would not build it for a size of zero or less.
    """
    from trainyard.linter.shapes.blocks import cnn, mlp
    from trainyard.linter.shapes.stack import UnbuildableError
    from trainyard.linter.spec.model.architecture import Cnn, Mlp

    shape = known(spec.dataset.input_shape) or input_shape
    if not shape:
        return None
    try:
        match spec.model:
            case Cnn():
                return cnn(spec.model, shape, outputs)
            case Mlp():
                return mlp(spec.model, shape, outputs)
            case _:
                return None
    except UnbuildableError:
        return None


def known(shape: tuple[int | None, ...] | None) -> Shape | None:
    """Return the shape if every axis has a length above zero, else ``None``."""
    lengths = tuple(axis for axis in shape or () if axis is not None and axis > 0)
    return lengths if shape is not None and len(lengths) == len(shape) else None
