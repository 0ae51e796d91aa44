"""Makes the screen that was asked for. Imports each kind only when it is chosen."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple, TextIO

from trainyard.client.screen.port import Orders, Screen, decide

if TYPE_CHECKING:
    from trainyard.client.values.job import Job


class Behind(NamedTuple):
    """What a monitor can ask of the server behind it; nothing of it is called for other screens."""

    orders: Orders
    look: Callable[[], Job | None]
    memory_bytes: Callable[[], int]


def screen(mode: str, environment: Mapping[str, str], behind: Behind) -> Screen:
    """Return the screen for ``mode`` (one of MODES): JSON goes to standard output, everything else to standard error."""
    match decide(mode, sys.stderr, environment, foreground=_is_in_front(sys.stderr)):
        case "json":
            from trainyard.client.screen.lines import JsonLines

            return JsonLines(sys.stdout)
        case "none":
            from trainyard.client.screen.lines import Silent

            return Silent()
        case "tty":
            from trainyard.client.screen.monitor import Monitor
            from trainyard.client.screen.terminal import Terminal

            terminal = Terminal(sys.stderr, sys.stdin, environment)
            return Monitor(terminal, behind.orders, behind.look, memory_bytes=behind.memory_bytes())
        case _:
            from trainyard.client.screen.plain import Plain

            return Plain(sys.stderr)


def _is_in_front(stream: TextIO) -> bool:
    """Return whether the terminal listens to us: a job that a shell put behind must not take the screen."""
    try:
        return os.tcgetpgrp(stream.fileno()) == os.getpgrp()
    except (OSError, AttributeError, ValueError):
        return True
