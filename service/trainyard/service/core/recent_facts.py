"""Facts of the data sets that were asked for lately, kept in memory.

Who sweeps submits fifty specs on the same data: it is read once, as long as path, time of change and size of every file stay the
same, which is the linter's own rule for its cache on disk. Only facts that are whole and without a complaint are kept.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

from trainyard.linter.facts import Facts
from trainyard.linter.facts.cache import Cache

MOST = 64


class RecentFacts(Cache):
    """The linter's cache of facts, without its files; safe from several threads."""

    def __init__(self, most: int = MOST) -> None:
        super().__init__(Path())
        self._most = most
        self._kept: OrderedDict[str, Facts] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> Facts | None:
        """Return the facts that were kept under this key."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: str, facts: Facts) -> None:
        """Keep facts; those that were asked for longest ago make room."""
        if not facts.complete or facts.problems:
            return
        with self._lock:
            self._kept[key] = facts
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
