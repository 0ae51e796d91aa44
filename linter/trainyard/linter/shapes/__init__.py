"""What a model looks like inside: output shapes and parameters, without Keras.

Scaling of the input (rescaling, or normalization by constants) changes neither shape nor parameters and is
left out. Knows nothing of batches, memory or data: those are estimates built on this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainyard.linter.shapes.layers import Layer, Obstacle, Shape, Shapes

if TYPE_CHECKING:
    from trainyard.linter.shapes.stack import Stack
    from trainyard.linter.spec.model.architecture import Model
    from trainyard.linter.spec.model.spec import Spec

_IMAGE_AXES = 3
__all__ = ["Layer", "Obstacle", "Shape", "Shapes", "infer", "known"]


def infer(spec: Spec, input_shape: Shape | None = None, outputs: int | None = None) -> Shapes | None:
    """Return the layers of the spec's model as Keras builds them, up to the first that Keras would refuse.

    ``input_shape`` (without batch) and ``outputs`` (units of the last layer) stand in where the spec leaves them to the
    data. ``None`` where either is unknown, where an axis has no known length, and for a model that is only declared.
    """
    shape = known(spec.dataset.input_shape) or input_shape
    return None if shape is None else layers_of(spec.model, _entering(spec, shape), outputs)


def _entering(spec: Spec, shape: Shape) -> Shape:
    """Return the shape that the model gets: of a sample that is cropped, the last crop's window."""
    for transform in spec.augmentation or ():
        if transform.type == "random_crop" and len(shape) == _IMAGE_AXES:
            shape = (transform.height, transform.width, shape[-1])  # type: ignore[union-attr] # told apart by its type text
    return shape


def layers_of(model: Model, input_shape: Shape, outputs: int | None = None) -> Shapes | None:
    """Return the layers of a model on samples of this shape; ``None`` where the outputs are unknown, or it is only declared."""
    from trainyard.linter.shapes.stack import ObstacleError, Stack

    stack = Stack(input_shape)
    try:
        return stack.finished() if _grow(stack, model, outputs) else None
    except ObstacleError as error:
        return stack.finished(error.obstacle)


def _grow(stack: Stack, model: Model, outputs: int | None) -> bool:
    """Append all layers and tell whether the model could be told."""
    from trainyard.linter.shapes import blocks
    from trainyard.linter.spec.model.architecture import Cnn, Graph, Mlp, Sequential, Transfer

    match model:
        case Cnn() | Mlp() | Transfer():
            units = model.output.units or outputs
            if units is None:
                return False
            match model:
                case Cnn():
                    blocks.cnn(stack, model, units)
                case Mlp():
                    blocks.mlp(stack, model, units)
                case Transfer():
                    from trainyard.linter.shapes.transfer import transfer

                    transfer(stack, model, units)
            return True
        case Sequential() | Graph():
            from trainyard.linter.shapes import explicit

            return explicit.grow(stack, model, outputs)
        case _:
            return False


def known(shape: tuple[int | None, ...] | None) -> Shape | None:
    """Return the shape if every axis has a length above zero, else ``None``."""
    lengths = tuple(axis for axis in shape or () if axis is not None and axis > 0)
    return lengths if shape is not None and len(lengths) == len(shape) else None
