"""Questions that many rules ask of a model, whichever of the types it is written in.

Layers are told apart by their ``type`` text, so that a spec without explicit layers never loads their classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from trainyard.linter.spec.model.architecture import Cnn, Declared, Graph, Mlp, Model, Output, Sequential, Transfer

if TYPE_CHECKING:
    from trainyard.linter.spec.model.layers import Layer

RECURRENT = frozenset({"lstm", "gru"})
_WEIGHTED = ("dense", "conv", "separable", "depthwise", "lstm", "gru", "residual", "embedding")
_SHAPING = frozenset({"flatten", "reshape", "batch_normalization", "layer_normalization"})
_DROPPING = frozenset({"dropout", "spatial_dropout1d", "spatial_dropout2d"})
_BATCH_NORM = frozenset({"batch_normalization"})
_NORMALIZING = frozenset({"batch_normalization", "layer_normalization", "group_normalization"})

# The shallowest backbone, VGG16, has this many weighted layers.
_BACKBONE_DEPTH = 16


class Dropped(NamedTuple):
    """One dropout rate: where it is written, and whether it follows a convolution or a dense layer."""

    pointer: str
    rate: float
    after: str


class Traits(NamedTuple):
    """What rules want to know. ``weighted`` counts hidden layers with weights; ``convolutions`` those that slide a window.

    ``dense_only`` means that no hidden layer is anything but dense, as far as the spec shows its layers, ``pretrained`` that
    the run starts from learnt weights, ``frozen`` that only a new head learns.
    """

    weighted: int
    convolutions: int
    recurrent: bool
    batch_norm: bool
    normalized: bool
    pretrained: bool
    frozen: bool
    dense_only: bool = False

    @property
    def has_hidden(self) -> bool:
        """Whether anything but the output layer learns."""
        return self.weighted > 0

    @property
    def learns_deep_from_scratch(self) -> bool:
        """Whether hidden layers learn from random weights: what ranges of learning rates are made for."""
        return self.has_hidden and not self.pretrained


def traits(model: Model) -> Traits:
    """Return the traits of a model of any type."""
    match model:
        case Cnn():
            hidden = len(model.head.hidden)
            convolutions = sum(block.convolutions for block in model.blocks)
            norm = any(block.batch_norm for block in model.blocks) or (hidden > 0 and model.head.batch_norm)
            return Traits(convolutions + hidden, convolutions, False, norm, norm, model.initial is not None, False)
        case Mlp():
            norm = bool(model.hidden) and model.batch_norm
            return Traits(len(model.hidden), 0, False, norm, norm, model.initial is not None, False, dense_only=True)
        case Transfer():
            return _of_transfer(model)
        case Declared():
            return Traits(1, 0, False, model.batch_norm, model.batch_norm, False, False)
        case _:
            return _of_layers(model)


def layers(model: Model) -> Iterator[tuple[str, Layer]]:
    """Yield (pointer, layer) of the explicit layers of a ``sequential`` or ``graph`` model; nothing for other types."""
    match model:
        case Sequential():
            for index, layer in enumerate(model.layers):
                yield f"/model/layers/{index}", layer
        case Graph():
            for index, node in enumerate(model.layers):
                yield f"/model/layers/{index}/layer", node.layer
        case _:
            return


def takes_tokens(model: Model) -> bool:
    """Tell whether the samples are looked up in an embedding: then they are whole numbers that nothing may scale."""
    if isinstance(model, Sequential):
        return bool(model.layers) and model.layers[0].type == "embedding"
    return isinstance(model, Graph) and any(node.layer.type == "embedding" and "input" in node.inputs for node in model.layers)


def output(model: Model) -> Output | None:
    """Return the output as ``output`` says it, or ``None`` where the last explicit layer is the output."""
    return None if isinstance(model, Declared) else model.output


def dropouts(model: Model) -> Iterator[Dropped]:
    """Yield every dropout rate that the model has, zero ones left out."""
    match model:
        case Cnn():
            for index, block in enumerate(model.blocks):
                if block.dropout:
                    yield Dropped(f"/model/blocks/{index}/dropout", block.dropout, "convolution")
            yield from (Dropped("/model/head/dropout", rate, "dense") for rate in model.head.dropout if rate)
        case Transfer():
            yield from (Dropped("/model/head/dropout", rate, "dense") for rate in model.head.dropout if rate)
        case Mlp():
            yield from (Dropped("/model/dropout", rate, "dense") for rate in model.dropout if rate)
        case _:
            yield from _layer_dropouts(model)


def _layer_dropouts(model: Model) -> Iterator[Dropped]:
    previous = ""
    for pointer, layer in layers(model):
        field = "rate" if layer.type in _DROPPING else "dropout"
        rate = getattr(layer, field, 0.0)
        if rate:
            yield Dropped(f"{pointer}/{field}", rate, _kind(previous))
        if layer.type.startswith(_WEIGHTED):
            previous = layer.type


def _kind(layer_type: str) -> str:
    return "convolution" if "conv" in layer_type else "dense"


def _of_transfer(model: Transfer) -> Traits:
    pretrained = model.weights is not None or model.initial is not None
    frozen = pretrained and model.trainable == "none" and not model.initial
    hidden = len(model.head.hidden)
    # All backbones but VGG normalize; frozen ones are no layers that learn.
    normalizes = not model.backbone.startswith("vgg")
    deep = 0 if frozen else _BACKBONE_DEPTH
    return Traits(hidden + deep, deep, False, normalizes, normalizes, pretrained, frozen)


def _of_layers(model: Model) -> Traits:
    kinds = [layer.type for _, layer in layers(model)]
    weighted = [kind for kind in kinds if kind.startswith(_WEIGHTED)]
    norms = [layer for _, layer in layers(model) if layer.type in _NORMALIZING or getattr(layer, "batch_norm", False)]
    batch_norm = any(layer.type in _BATCH_NORM or getattr(layer, "batch_norm", False) for layer in norms)
    return Traits(
        # Where no output is written, the last layer is the output and hides nothing.
        len(weighted) - (output(model) is None and bool(weighted)),
        sum("conv" in kind or kind in {"residual_block", "dense_block"} for kind in kinds),
        any(kind in RECURRENT for kind in kinds),
        batch_norm,
        bool(norms),
        getattr(model, "initial", None) is not None,
        False,
        dense_only=all(kind == "dense" for kind in weighted),
    )


class Final(NamedTuple):
    """The last layer: units and activation (``None`` where unknown), and where each is written."""

    units: int | None
    activation: str
    units_pointer: str
    activation_pointer: str


def final(model: Model) -> Final | None:
    """Return the last layer of a model of any type; ``None`` where it is not told or is no dense layer."""
    found = output(model)
    if found is not None:
        return Final(found.units, found.activation, "/model/output/units", "/model/output/activation")
    activation, activation_pointer = "linear", ""
    for pointer, layer in reversed(list(layers(model))):
        if layer.type == "activation" and not activation_pointer:
            activation, activation_pointer = getattr(layer, "activation", "linear"), f"{pointer}/activation"
        elif layer.type == "dense":
            own = getattr(layer, "activation", "linear")
            at = activation_pointer or f"{pointer}/activation"
            return Final(getattr(layer, "units", None), activation if activation_pointer else own, f"{pointer}/units", at)
        elif not layer.type.endswith("dropout") and layer.type not in _SHAPING:
            return None
    return None
