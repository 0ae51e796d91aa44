"""What holds a model back from learning its training samples by heart, and how strong it is in all.

The strength is a documented sum, no measurement: each technique counts as its setting over the usual one, at most 2.
Usual are dropout 0.25 after convolutions and 0.5 after dense layers (Srivastava et al. 2014), l2 1e-4 (He et al. 2016),
decoupled decay 0.01 (Loshchilov & Hutter 2019), and a light augmentation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_MOST = 2.0
_USUAL = {"dropout_conv": 0.25, "dropout_dense": 0.5, "l1": 1e-5, "l2": 1e-4, "weight_decay": 0.01, "max_norm": 3.0}
# A preset of three transforms counts as one.
_LIGHT_TRANSFORMS = 3


class Technique(NamedTuple):
    """One active technique: its setting as written, and how it compares with the usual setting."""

    name: str
    setting: float
    strength: float


def techniques(
    *,
    dropout_conv: Sequence[float] = (),
    dropout_dense: Sequence[float] = (),
    l1: float | None = None,
    l2: float | None = None,
    weight_decay: float | None = None,
    max_norm: float | None = None,
    transforms: int = 0,
) -> tuple[Technique, ...]:
    """Return the techniques that are on; several dropout rates count as their mean."""
    settings = {
        "dropout_conv": _mean(dropout_conv),
        "dropout_dense": _mean(dropout_dense),
        "l1": l1 or 0.0,
        "l2": l2 or 0.0,
        "weight_decay": weight_decay or 0.0,
    }
    found = [Technique(name, value, min(_MOST, value / _USUAL[name])) for name, value in settings.items() if value > 0]
    if max_norm is not None and max_norm > 0:
        found.append(Technique("max_norm", max_norm, min(_MOST, _USUAL["max_norm"] / max_norm)))
    if transforms:
        found.append(Technique("augmentation", transforms, min(_MOST, transforms / _LIGHT_TRANSFORMS)))
    return tuple(found)


def strength(active: Sequence[Technique]) -> float:
    """Return the sum over the active techniques: 0 is none, about 1 to 3 is usual."""
    return sum(technique.strength for technique in active)


def _mean(rates: Sequence[float]) -> float:
    return sum(rates) / len(rates) if rates else 0.0
