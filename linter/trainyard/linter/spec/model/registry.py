"""Finds the class of a definition by its name; the schema and the classes use the same names.

Modules are imported one after another until the name is found, the common ones first: a spec without
explicit layers never pays for the forty classes of layers.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

_PACKAGE = "trainyard.linter.spec.model"
_MODULES = (
    "units",
    "spec",
    "experiment",
    "dataset",
    "architecture",
    "optimizer",
    "scheduler",
    "training",
    "metrics",
    "loss",
    "augmentation",
    "layers",
    "weights",
)


@cache
def find(name: str) -> Any:
    """Return the named tuple that is called ``name``.

    Raises:
        LookupError: the schema names a class that nobody wrote; a test goes through all of them.
    """
    for module in _MODULES:
        found = vars(import_module(f"{_PACKAGE}.{module}")).get(name)
        if isinstance(found, type) and found.__module__ == f"{_PACKAGE}.{module}":
            return found
    raise LookupError(f"no class of the model is called {name}")
