"""The trainer, which also writes down the share of each epoch in which steps waited for samples: ``input_wait.json`` in its run folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from trainyard.service.trainer import loop
from trainyard.service.trainer.__main__ import main

_shares: list[float | None] = []
_close = loop.Loop._close


def _closed(self: Any, metrics: dict[str, float]) -> None:
    _shares.append(self.input_wait)
    Path(sys.argv[1], "input_wait.json").write_text(json.dumps(_shares), encoding="utf-8")
    _close(self, metrics)


if __name__ == "__main__":
    loop.Loop._close = _closed  # type: ignore[method-assign] # to look, not to change
    main()
