"""How bad a finding is. It lives on the lowest floor because every floor above it judges."""

from __future__ import annotations

import enum


class Severity(enum.IntEnum):
    """How bad a finding is; larger is worse, so thresholds compare with ``>=``."""

    INFO = 1
    WARNING = 2
    ERROR = 3

    @property
    def label(self) -> str:
        """The word used in output and configuration: ``info``, ``warning``, ``error``."""
        return self.name.lower()
