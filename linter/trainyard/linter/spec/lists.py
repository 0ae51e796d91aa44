"""Lists that belong together must be equally long; JSON Schema cannot say so.

Takes any JSON value: where the sections have other shapes than a spec's, there is nothing to compare.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trainyard.linter.source import Fault


def unequal_lists(value: object) -> tuple[Fault, ...]:
    """Return a fault for each list of dropout rates that fits neither one rate per layer nor one for all."""
    model = value.get("model") if isinstance(value, dict) else None
    if not isinstance(model, dict):
        return ()
    return tuple(_faults(model)) if "dropout" in model or "head" in model else ()


def _faults(model: dict[str, Any]) -> Iterator[Fault]:
    head, dropout = model.get("head", {}), model.get("dropout")
    hidden = head.get("hidden", []) if isinstance(head, dict) else None
    if isinstance(head, dict):
        yield from _compared("/model/head/dropout", head.get("dropout"), hidden, "hidden layer", most_without=1)
    if model.get("type") == "mlp":
        yield from _compared("/model/dropout", dropout, model.get("hidden"), "hidden layer", most_without=1)
    elif model.get("type") == "cnn" and isinstance(dropout, dict):
        yield from _compared("/model/dropout/conv", dropout.get("conv"), model.get("blocks"), "block")
        yield from _compared("/model/dropout/dense", dropout.get("dense"), hidden, "hidden layer", most_without=1)


def _compared(pointer: str, rates: object, layers: object, layer: str, *, most_without: int = 0) -> Iterator[Fault]:
    """Compare two lists; ``most_without`` rates are fine where there are no layers."""
    if not isinstance(rates, list) or not isinstance(layers, list) or len(rates) == len(layers):
        return
    if not layers and len(rates) <= most_without:
        return
    from trainyard.linter.spec.faults import UNEQUAL_LISTS

    counted = f"{len(layers)} {layer}{'' if len(layers) == 1 else 's'}"
    given = f"{len(rates)} rate{'' if len(rates) == 1 else 's'}"
    place = pointer[1:].replace("/", ".")
    yield UNEQUAL_LISTS.fault(pointer, f"{place} holds {given} for {counted}; write one per {layer}, or one number for all")
