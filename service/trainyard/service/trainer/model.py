"""The spec's model as Keras builds it: one that learns, and one that is kept.

Both share every weight. The kept one takes raw samples and has the scaling inside; the learning one has the
augmentation as well.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from trainyard.linter.spec.model.architecture import Sequential, Transfer
from trainyard.linter.spec.model.spec import Spec
from trainyard.service.trainer import augmentation, backend, pretrained, refusals, scaling
from trainyard.service.trainer.architecture import assembly, penalties
from trainyard.service.trainer.architecture.bricks import OUTPUT, Layer
from trainyard.service.trainer.data.division import Division
from trainyard.service.trainer.failures import DataError, SpecError
from trainyard.service.trainer.learner import Blends, Learner

_FLOAT32 = "float32"


@dataclass(frozen=True, slots=True)
class Built:
    """``learner`` is compiled and trained; ``kept`` is never compiled, so that a saved model holds no optimizer."""

    learner: Any
    kept: Any

    @property
    def parameters(self) -> int:
        """Weights of the kept model, the constants of its scaling left out."""
        return sum(int(layer.count_params()) for layer in self.kept.layers if layer.name != scaling.NAME)

    @property
    def backbone(self) -> Any:
        """The pretrained part inside the model; None where there is none."""
        return assembly.backbone_of(self.kept)


def build(spec: Spec, division: Division, data_root: Path | None = None) -> Built:
    """Build the model for this data, with the weights that it starts from (read below ``data_root``).

    Raises:
        SpecError: the layers do not fit the samples.
        DataError: the data has another number of classes than the output, a scaling that it can not bear, or no such weights.
    """
    keras.config.set_dtype_policy(spec.training.precision)
    spread = backend.spread(spec.resources.gpus or 1)
    shape = division.train.inputs.shape[1:]
    backbone = spec.model.backbone if isinstance(spec.model, Transfer) else None
    scaled = scaling.make(spec.dataset.scaling, division.train, spec.dataset.facts, backbone)
    with refusals.as_spec_errors(f"The model can not be built for samples of the shape {list(shape)}"):
        with spread.scope():
            augmented = augmentation.make(spec.augmentation, scaled, spec.experiment.seed)
            inputs = keras.Input(shape, name="sample", dtype=_FLOAT32)
            front = scaled.layer(inputs) if scaled.layer is not None else inputs
            entry = _chain(augmentation.always(spec.augmentation), front)
            output = _grown(spec, division, inputs, entry)
        # Outside of the scope: a model that is made in it spreads its own judging, and counts what does not divide twice.
        kept = keras.Model(inputs, output, name="model")
        body = keras.Model(entry, output, name="body")
        learner = Learner(inputs, body(_chain(augmented, front)), name="learner")
        learner.blends, learner.spread = Blends(augmentation.blends(augmented)), spread
        penalties.apply(kept, spec.regularization)
    built = Built(learner, kept)
    _check_output(spec, division, kept.output_shape[1:])
    pretrained.load(spec.model, built.kept, built.backbone, data_root)
    return built


def _grown(spec: Spec, division: Division, inputs: Any, entry: Any) -> Any:
    """Return the output, in float32 whatever the precision."""
    stages = any(stage.trainable != "none" for stage in spec.training.stages)
    ground = assembly.Ground(inputs, division.train, _units(spec, division), staged=stages)
    with warnings.catch_warnings():
        # Keras Applications warn of channels that are not colours; the linter has said so already.
        warnings.simplefilter("ignore", UserWarning)
        output = assembly.grow(spec.model, entry, ground)
    if output.dtype != _FLOAT32:
        output = keras.layers.Activation("linear", dtype=_FLOAT32, name=OUTPUT)(output)
    # Keras' circle loss compares directions, and asks for vectors of length one (keras/src/losses/losses.py).
    return keras.layers.UnitNormalization(dtype=_FLOAT32)(output) if _is_embedding(spec) else output


def _units(spec: Spec, division: Division) -> int:
    """Return the width of a written output, which follows the data where the spec leaves it open."""
    output = None if spec.model.type == "declared" else spec.model.output  # type: ignore[union-attr] # all others have one
    return _wanted(division) if output is None or output.units is None else output.units


def _wanted(division: Division) -> int:
    return len(division.whole.classes) or int(division.whole.targets.shape[1])


def _check_output(spec: Spec, division: Division, shape: tuple[int | None, ...]) -> None:
    """Hold the output against what the data has to be told apart."""
    if len(shape) != 1:
        where = "/model/layers" if isinstance(spec.model, Sequential) else "the model"
        raise SpecError(f"The output has the shape {list(shape)} per sample; one row of numbers is wanted: flatten or pool in {where}.")
    classes, wanted = len(division.whole.classes), _wanted(division)
    fits = shape[0] == wanted or _is_embedding(spec)
    if spec.task == "classification":  # one output answers for two classes, and some may be there for classes to come
        fits = fits or (shape[0] == 1 and classes == 2) or (shape[0] is not None and shape[0] > classes)
    if not fits:
        raise DataError(f"The output has {shape[0]} units and the data has {wanted} {'classes' if classes else 'targets'}.")


def _is_embedding(spec: Spec) -> bool:
    """Tell whether the output is a place in space and not one number per class."""
    return spec.loss is not None and spec.loss.type == "circle"


def _chain(layers: Iterable[Layer], value: Any) -> Any:
    for layer in layers:
        value = layer(value)
    return value
