"""The spec's model as Keras builds it: one that learns, and one that is kept.

Both share every weight. The kept one takes raw samples and has the scaling inside; the learning one has the
augmentation as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import keras

from trainyard.linter.spec.model.architecture import Cnn, Mlp, Output
from trainyard.linter.spec.model.spec import Spec
from trainyard.service.trainer import augmentation, refusals, scaling
from trainyard.service.trainer.data.division import Division
from trainyard.service.trainer.failures import DataError, SpecError
from trainyard.service.trainer.layers import Bricks, Layer, collapse, flatten

_IMAGE_AXES = 3


@dataclass(frozen=True, slots=True)
class Built:
    """``learner`` is compiled and trained; ``kept`` is never compiled, so that a saved model holds no optimizer."""

    learner: Any
    kept: Any

    @property
    def parameters(self) -> int:
        """Weights of the kept model, the constants of its scaling left out."""
        return sum(int(layer.count_params()) for layer in self.kept.layers if layer.name != "scaling")


def build(spec: Spec, division: Division) -> Built:
    """Build the model for this data.

    Raises:
        SpecError: the layers do not fit the samples.
        DataError: the data has another number of classes than the output, or a scaling that it can not bear.
    """
    keras.config.set_dtype_policy(spec.training.precision)
    shape = division.train.inputs.shape[1:]
    scaled = scaling.make(spec.dataset.scaling, division.train, spec.dataset.facts)
    units = _units(spec, division)
    with refusals.as_spec_errors(f"The model can not be built for samples of the shape {list(shape)}"):
        augmented = augmentation.make(spec.augmentation, scaled, spec.experiment.seed)
        body = _body(spec, shape, units)
        inputs = keras.Input(shape, name="sample", dtype="float32")
        front = scaled.layer(inputs) if scaled.layer is not None else inputs
        kept = keras.Model(inputs, _chain(body, front), name="model")
        learner = keras.Model(inputs, _chain(body, _chain(augmented, front)), name="learner")
    return Built(learner, kept)


def _body(spec: Spec, shape: tuple[int, ...], units: int) -> list[Layer]:
    model = spec.model
    if not isinstance(model, Cnn | Mlp):
        raise SpecError(f'A model of the type "{model.type}" can not be trained yet.')
    bricks = Bricks(model.activation, spec.regularization)
    layers = _cnn(model, bricks, shape) if isinstance(model, Cnn) else _mlp(model, bricks, shape)
    return [*layers, *bricks.output(units, model.output.activation, bias=model.output.bias)]


def _cnn(model: Cnn, bricks: Bricks, shape: tuple[int, ...]) -> list[Layer]:
    if len(shape) != _IMAGE_AXES:
        raise SpecError(f"A cnn takes samples of the shape (height, width, channels), not {list(shape)}.")
    blocks = [layer for block in model.blocks for layer in bricks.conv_block(block)]
    head = model.head
    return [*blocks, collapse(head.pooling), *bricks.hidden(head.hidden, head.dropout, batch_norm=head.batch_norm)]


def _mlp(model: Mlp, bricks: Bricks, shape: tuple[int, ...]) -> list[Layer]:
    front = [flatten()] if len(shape) > 1 else []
    return [*front, *bricks.hidden(model.hidden, model.dropout, batch_norm=model.batch_norm)]


def _units(spec: Spec, division: Division) -> int:
    """Return the width of the output, held against what the data has to be told apart."""
    output: Output = spec.model.output  # type: ignore[union-attr,assignment] # _body refuses the types without one
    classes = len(division.whole.classes)
    real = classes or division.whole.targets.shape[1]
    wanted = real if output.units is None else output.units
    one_for_two = spec.task == "classification" and wanted == 1 and classes == 2
    if wanted != real and not one_for_two:
        raise DataError(f"The output has {wanted} units and the data has {real} {'classes' if classes else 'targets'}.")
    return wanted


def _chain(layers: Iterable[Layer], value: Any) -> Any:
    for layer in layers:
        value = layer(value)
    return value
