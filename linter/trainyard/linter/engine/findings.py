"""What the linter says: how bad a finding is, what it says, and where."""

from __future__ import annotations

from trainyard.linter.severity import Severity

__all__ = ["Severity"]
