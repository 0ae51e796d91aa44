"""Judges a training spec before anything runs. ``lint`` is the front door.

Importing this package costs nothing: the names below are loaded when first used, so that a command which
needs one room does not pay for the house.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainyard.linter.engine.configuration import Configuration
    from trainyard.linter.engine.findings import Finding, Severity
    from trainyard.linter.engine.lint import lint
    from trainyard.linter.engine.report import Report

__all__ = ["Configuration", "Finding", "Report", "Severity", "lint"]

_HOMES = {
    "Configuration": "trainyard.linter.engine.configuration",
    "Finding": "trainyard.linter.engine.findings",
    "Report": "trainyard.linter.engine.report",
    "Severity": "trainyard.linter.engine.findings",
    "lint": "trainyard.linter.engine.lint",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
