"""The model type ``transfer``: a backbone of Keras Applications as one layer, then the head.

What a backbone holds comes from a table that a script writes from Keras itself (``backbones/*.json``), one file per
backbone, so that a spec pays for its own only. Numbers inside are known for 224 x 224 pixels and scale with the area.
"""

from __future__ import annotations

from functools import cache
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from trainyard.linter.shapes.blocks import add_output, head
from trainyard.linter.shapes.layers import Part, Shape, Within
from trainyard.linter.shapes.stack import Stack

if TYPE_CHECKING:
    from trainyard.linter.spec.model.architecture import Transfer

_SIDE = 224
_COLOURS = 3
_BACKBONES = Path(__file__).parent / "backbones"


class Window(NamedTuple):
    """What one layer does to the height and width: ``padding`` is added first, then a window slides."""

    padding: int
    width: int
    stride: int
    same: bool


class Backbone(NamedTuple):
    """A backbone without its top. ``stem`` is the number of weights of its first convolution for each input channel."""

    channels: int
    smallest: int
    stem: int
    windows: tuple[Window, ...]
    layers: tuple[Part, ...]


@cache
def backbone(name: str) -> Backbone:
    """Return what the table holds of a backbone of the language."""
    import json

    found = json.loads((_BACKBONES / f"{name}.json").read_bytes())
    return Backbone(
        found["channels"],
        found["smallest"],
        found["stem"],
        tuple(Window(*window) for window in found["windows"]),
        tuple(Part(*layer) for layer in found["layers"]),
    )


def transfer(stack: Stack, model: Transfer, units: int) -> None:
    """Append the backbone and the head; the stack's input is (height, width, channels)."""
    stack.pointer, stack.part = "/model/backbone", model.backbone
    stack.need_axes("backbone", 3)
    known = backbone(model.backbone)
    if min(stack.shape[:2]) < known.smallest:
        raise stack.obstacle("collapse", "backbone", f"it takes {known.smallest} x {known.smallest} pixels or more")
    _append(stack, model, known)
    head(stack, model.head, model.activation)
    add_output(stack, model.output, units)


def first_trained(model: Transfer, known: Backbone) -> int | None:
    """Return the index of the first layer of the backbone that learns: none, all, the last n, or from a named one on.

    ``None`` where a layer is named that the backbone does not have.
    """
    count, wanted = len(known.layers), model.trainable
    if isinstance(wanted, str):
        return 0 if wanted == "all" else count
    if "last" in wanted:
        last = wanted["last"]
        return max(0, count - last) if isinstance(last, int) else count
    names = [layer.name for layer in known.layers]
    return names.index(str(wanted["from"])) if wanted.get("from") in names else None


def _append(stack: Stack, model: Transfer, known: Backbone) -> None:
    first = first_trained(model, known)
    frozen = len(known.layers) if first is None else first
    learning = known.layers[frozen:]
    frozen_norms = model.freeze_batch_norm
    channels = stack.shape[-1] - _COLOURS
    trained = sum(layer.trained - layer.batch_norm * frozen_norms for layer in learning)
    trained += known.stem * channels if first == 0 else 0
    scale = prod(stack.shape[:2]) / _SIDE**2
    within = Within(known.layers, frozen, scale)
    # A frozen layer keeps nothing for the way back; what remains alive is one output and the next.
    passing = within.passing if frozen else 0
    kept = int(sum(layer.elements for layer in learning) * scale)
    stack.add(
        "Functional",
        (*_feature_map(stack.shape, known), known.channels),
        sum(layer.trained + layer.fixed for layer in known.layers) + known.stem * channels,
        trainable=trained,
        multiply_adds=int(sum(layer.multiply_adds for layer in known.layers) * scale),
        backward_adds=int(sum(layer.multiply_adds for layer in learning) * scale),
        inner=kept + passing,
        within=within,
    )


def _feature_map(shape: Shape, known: Backbone) -> Shape:
    """Return height and width of the backbone's output."""
    return tuple(_slid(size, known.windows) for size in shape[:2])


def _slid(size: int, windows: tuple[Window, ...]) -> int:
    for window in windows:
        padded = size + window.padding
        size = -(-padded // window.stride) if window.same else (padded - window.width) // window.stride + 1
    return size
