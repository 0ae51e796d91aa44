"""From a sample to the output: every model type of the language, grown on a tensor of Keras."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import keras

from trainyard.linter.spec.model.architecture import Cnn, Graph, Mlp, Model, Sequential, Transfer
from trainyard.linter.spec.model.layers import Layer
from trainyard.service.trainer.architecture import adaptation, backbones, composites, explicit
from trainyard.service.trainer.architecture.bricks import OUTPUT, Bricks, flatten, output
from trainyard.service.trainer.data.division import Part
from trainyard.service.trainer.failures import SpecError


@dataclass(frozen=True, slots=True)
class Ground:
    """What a model grows on.

    Args:
        sample: the model's input.
        train: the training part, for layers that learn from it beforehand.
        units: width of the output where the spec leaves it to the data.
        staged: some stage of the training lets layers of the backbone learn.
    """

    sample: Any
    train: Part
    units: int
    staged: bool = False


def grow(model: Model, value: Any, ground: Ground) -> Any:
    """Return the output of ``model`` on ``value``.

    Raises:
        ValueError: Keras refuses a layer or its input.
        SpecError: the model cannot be built at all.
    """
    match model:
        case Cnn():
            layers = [layer for block in model.blocks for layer in Bricks(model.activation).conv_block(block)]
            value = _chain(layers, value)
            value = _chain(Bricks(model.activation).head(model.head, len(value.shape) - 2), value)
        case Mlp():
            front = [flatten()] if len(value.shape) > 2 else []
            value = _chain([*front, *Bricks(model.activation).hidden(model.hidden, model.dropout, batch_norm=model.batch_norm)], value)
        case Transfer():
            value = _chain(Bricks(model.activation).head(model.head, 2), _on_backbone(model, value, ground))
        case Sequential() | Graph():
            return _explicit(model, value, ground)
        case _:
            raise SpecError(f'A model of the type "{model.type}" is described, not built.')
    return _chain(output(model.output, ground.units), value)


def _on_backbone(model: Transfer, value: Any, ground: Ground) -> Any:
    """Return the feature map; a backbone that never learns runs as it does after training: nothing in it is dropped."""
    made = backbones.build(model, tuple(value.shape[1:]))
    return made(value) if ground.staged or model.trainable != "none" else made(value, training=False)


def _explicit(model: Sequential | Graph, value: Any, ground: Ground) -> Any:
    last = len(model.layers) - 1
    if isinstance(model, Sequential):
        for place, layer in enumerate(model.layers):
            value = _append(layer, [value], ground, last=place == last and model.output is None)
    else:
        value = _graph(model, value, ground)
    return value if model.output is None else _chain(output(model.output, ground.units), value)


def _graph(model: Graph, value: Any, ground: Ground) -> Any:
    tensors = {"input": value}
    for place, node in enumerate(model.layers):
        unknown = [name for name in node.inputs if name not in tensors]
        if unknown:
            raise SpecError(f'The layer "{node.name}" takes from "{unknown[0]}", and there is none before it.')
        inputs = [tensors[name] for name in node.inputs] or [value]
        tensors[node.name] = _append(node.layer, inputs, ground, last=place == len(model.layers) - 1 and model.output is None)
    return tensors[model.layers[-1].name] if model.layers else value


def _append(layer: Layer, inputs: list[Any], ground: Ground, *, last: bool) -> Any:
    """Return the output of one explicit layer; the last one of a model computes in float32, as every output does."""
    joins: dict[str, Callable[[Any, Any], Any]] = {
        "residual_block": composites.residual_block,
        "dense_block": composites.dense_block,
        "normalization": lambda normalization, value: adaptation.normalization(normalization, ground.sample, value, ground.train),
    }
    if layer.type in joins:
        return joins[layer.type](layer, inputs[0])
    made = explicit.make(layer, **({"dtype": "float32", "name": OUTPUT} if last else {}))
    return made(inputs if layer.type in {"add", "concatenate"} else inputs[0])


def _chain(layers: Iterable[Callable[[Any], Any]], value: Any) -> Any:
    for layer in layers:
        value = layer(value)
    return value


def backbone_of(model: Any) -> Any:
    """Return the backbone inside a built model, None where it has none."""
    found: list[Any] = [layer for layer in model.layers if layer.name == backbones.BACKBONE and isinstance(layer, keras.Model)]
    return found[0] if found else None
