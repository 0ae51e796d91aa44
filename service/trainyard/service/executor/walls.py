"""How long an attempt may last, whatever it does: the smaller of what the operator said at the start and what the policy says now.

A spec that names its own ``training.max_hours`` ends by itself, with its best model, and needs time to evaluate it; so it is ended by
force only that much later. Who names none is ended at the limit.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from trainyard.service.wire import RunFolder


class Wall:
    """The limit of attempts; ``most_seconds`` tells the house's own at this moment, None for no limit."""

    def __init__(self, most_seconds: Callable[[], float | None], evaluation_seconds: float) -> None:
        self.least = most_seconds
        self._evaluation_seconds = evaluation_seconds

    def seconds(self, run: RunFolder) -> float | None:
        """Return how long an attempt at this run may last; None for ever."""
        most = self.least()
        return most if most is None or not _ends_by_itself(run) else most + self._evaluation_seconds


def _ends_by_itself(run: RunFolder) -> bool:
    try:
        return json.loads(run.resolved.read_bytes())["training"]["max_hours"] is not None
    except (OSError, ValueError, KeyError, TypeError):
        return False
