"""What a step of a model is made of, counted by kinds of work that a device does at different speeds.

A multiply-add of a wide convolution and one of a depthwise one differ twentyfold on a processor, and a number that dropout
draws costs twenty of those that relu passes on. Each kind is counted in a unit of its own; what a unit costs is measured on a
box (``service.core.calibration``). Knows no device, no second and no data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import NamedTuple

from trainyard.linter.estimate.kinds import Kind
from trainyard.linter.estimate.memory import slot_count
from trainyard.linter.shapes.layers import Layer, Part, Shape, Shapes
from trainyard.linter.spec.model.optimizer import Optimizer

Effort = dict[Kind, float]

#: Augmentations that move pixels; they gather from where each one was.
WARPS = frozenset({"random_rotation", "random_zoom", "random_translation", "random_shear", "rand_augment", "random_gaussian_blur"})
# Backbones whose activations compute an exponential.
_SMOOTH = ("efficientnet", "convnext")
_DEPTHWISE = ("depthwise", "dwconv", "conv_dw")
_RECURRENT = frozenset({"LSTM", "GRU", "Bidirectional"})
_FREE = frozenset({"Flatten", "Reshape"})
_CONVOLUTIONS = frozenset({Kind.CONVOLUTION, Kind.DEPTHWISE})
# Variables of a layer that learns: kernel and offset, or scale and offset; a recurrence has a kernel for its state, too.
_VARIABLES, _RECURRENT_VARIABLES = 2, 3


class Atom(NamedTuple):
    """One layer as work: numbers of one sample that it takes and gives, multiply-adds, variables that learn.

    ``recurrences`` are time steps that wait for each other; ``learnt`` says whether its own weights learn; ``channels`` are those
    that a convolution gives: each number that it gathers is multiplied for all of them.
    """

    kind: Kind
    taken: float
    given: float
    multiply_adds: float
    variables: int
    recurrences: int = 0
    learnt: bool = True
    channels: float = 1


def of_training(shapes: Shapes, optimizer: Optimizer, batch: int, augmentation: Sequence[str] = ()) -> Effort:
    """Return the work of one training step of ``batch`` samples."""
    atoms = tuple(_atoms(shapes))
    effort = _of_input(shapes, batch)
    first = next((place for place, atom in enumerate(atoms) if atom.variables), len(atoms))
    for place, atom in enumerate(atoms):
        # The way back of a layer: to its own weights where they learn, and to what lies before it where something there learns.
        _count(effort, atom, batch, own=atom.variables > 0, before=place > first)
        _add(effort, Kind.VARIABLE, atom.variables)
    _add(effort, Kind.UPDATE, shapes.trainable * (2 + slot_count(optimizer)))
    for transform in augmentation:
        _add(effort, Kind.WARP if transform in WARPS else Kind.TINT, prod(shapes.input_shape) * batch)
    return effort


def of_judging(shapes: Shapes, batch: int) -> Effort:
    """Return the work of judging one batch."""
    effort = _of_input(shapes, batch)
    for atom in _atoms(shapes):
        if atom.kind is not Kind.DROPOUT:
            _count(effort, atom._replace(learnt=False), batch, own=False, before=False)
    return effort


def layers(shapes: Shapes) -> int:
    """Return how many layers there are to compile, those inside of a backbone included."""
    return sum(1 if layer.within is None else len(layer.within.parts) for layer in shapes.layers)


def _of_input(shapes: Shapes, batch: int) -> Effort:
    return {Kind.STEP: 1, Kind.INPUT: prod(shapes.input_shape) * batch}


def _add(effort: Effort, kind: Kind, amount: float) -> None:
    if amount:
        effort[kind] = effort.get(kind, 0) + amount


def _count(effort: Effort, atom: Atom, batch: int, *, own: bool, before: bool) -> None:
    """Add what a layer does: forward, back to its own weights, and back to what lies before it."""
    passes, there_and_back = 1 + own + before, 1 + (own or before)
    _add(effort, Kind.LAYER, passes)
    _add(effort, Kind.RECURRENCE, atom.recurrences * there_and_back)
    if atom.kind in _CONVOLUTIONS:
        _add(effort, Kind.DISPATCH, passes)
    if atom.kind is Kind.CONVOLUTION:
        gathered = atom.multiply_adds / atom.channels + atom.given
        _add(effort, Kind.CONVOLUTION, atom.multiply_adds * batch)
        _add(effort, Kind.PATCH, gathered * batch)
        _add(effort, Kind.CONVOLUTION_BACK, atom.multiply_adds * batch * (passes - 1))
        _add(effort, Kind.PATCH_BACK, gathered * batch * (passes - 1))
    elif atom.multiply_adds:
        _add(effort, atom.kind, atom.multiply_adds * batch * passes)
    elif atom.kind is Kind.NORMALIZATION and not atom.learnt:
        _add(effort, Kind.ACTIVATION, atom.given * batch * there_and_back)
    else:
        _add(effort, atom.kind, max(atom.taken, atom.given) * batch * there_and_back)


def _atoms(shapes: Shapes) -> Iterator[Atom]:
    sizes = [prod(shapes.input_shape)]
    for layer in shapes.layers:
        taken = sum(sizes[tensor] for tensor in layer.inputs)
        if layer.within is not None:
            yield from _inside(layer, taken)
        elif layer.kind not in _FREE:
            yield from _of_layer(layer, taken, _entering(shapes, layer))
        sizes.append(layer.elements)


def _entering(shapes: Shapes, layer: Layer) -> Shape:
    tensor = layer.inputs[0]
    return shapes.layers[tensor - 1].output_shape if tensor else shapes.input_shape


def _of_layer(layer: Layer, taken: int, entering: Shape) -> Iterator[Atom]:
    kind, learnt = layer.kind, layer.trainable > 0
    variables = _VARIABLES * learnt
    if kind in _RECURRENT:
        # Two directions go side by side: they wait for their own steps, and not for each other's.
        directions = 2 if kind == "Bidirectional" else 1
        yield Atom(Kind.PRODUCT, taken, layer.elements, layer.multiply_adds, _RECURRENT_VARIABLES * directions * learnt, entering[0])
    elif "Conv" in kind:
        kind_of_work = Kind.DEPTHWISE if kind.startswith(("Depthwise", "Separable")) else Kind.CONVOLUTION
        yield Atom(kind_of_work, taken, layer.elements, layer.multiply_adds, variables, channels=layer.output_shape[-1])
    elif layer.multiply_adds:
        yield Atom(Kind.PRODUCT, taken, layer.elements, layer.multiply_adds, variables)
    else:
        yield Atom(_elementwise(layer), taken, layer.elements, 0, variables, learnt=learnt)
    if layer.multiply_adds and layer.inner and kind not in _RECURRENT:
        yield Atom(Kind.ACTIVATION, layer.elements, layer.elements, 0, 0)


def _elementwise(layer: Layer) -> Kind:
    if "Normalization" in layer.kind and layer.parameters:
        return Kind.NORMALIZATION
    if "Dropout" in layer.kind:
        return Kind.DROPOUT
    if "Pooling" in layer.kind and not layer.kind.startswith("Global"):
        return Kind.POOLING
    # What an activation computes inside tells a smooth one from relu.
    return Kind.SMOOTH if layer.kind == "Activation" and layer.inner else Kind.ACTIVATION


def _inside(layer: Layer, taken: float) -> Iterator[Atom]:
    """Yield the layers of a backbone; in one that is partly frozen, those before the first that learns are passed forward only."""
    within = layer.within
    assert within is not None  # noqa: S101 - whoever calls has looked
    for place, part in enumerate(within.parts):
        given = part.elements * within.scale
        if given:
            smooth = layer.name.startswith(_SMOOTH)
            yield _of_part(part, taken, within.scale, learns=place >= within.frozen, smooth=smooth)
            taken = given


def _of_part(part: Part, taken: float, scale: float, *, learns: bool, smooth: bool) -> Atom:
    given, adds = part.elements * scale, part.multiply_adds * scale
    learnt = learns and part.trained > 0
    if part.multiply_adds:
        kind = Kind.DEPTHWISE if any(word in part.name for word in _DEPTHWISE) else Kind.CONVOLUTION
        # As many multiply-adds as weights at each place: the rest of the numbers that it gives are channels.
        return Atom(kind, taken, given, adds, _VARIABLES * learnt, channels=max(1.0, given * part.trained / adds))
    kind = Kind.NORMALIZATION if part.batch_norm else Kind.SMOOTH if smooth and "activation" in part.name else Kind.ACTIVATION
    return Atom(kind, taken, given, 0, _VARIABLES * learnt, learnt=learnt)
