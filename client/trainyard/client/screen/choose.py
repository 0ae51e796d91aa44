"""Makes the screen that was asked for. Imports each kind only when it is chosen."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from trainyard.client.screen.port import Screen, decide


def screen(mode: str, environment: Mapping[str, str]) -> Screen:
    """Return the screen for ``mode`` (one of MODES): JSON goes to standard output, everything else to standard error."""
    match decide(mode, sys.stderr, environment):
        case "json":
            from trainyard.client.screen.lines import JsonLines

            return JsonLines(sys.stdout)
        case "none":
            from trainyard.client.screen.lines import Silent

            return Silent()
        case "tty":
            from trainyard.client.screen.live import Live

            return Live(sys.stderr, color=not environment.get("NO_COLOR"))
        case _:
            from trainyard.client.screen.plain import Plain

            return Plain(sys.stderr)
