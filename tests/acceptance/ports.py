"""Other programs' servers: where one may listen, and whether it answers."""

from __future__ import annotations

import socket
import urllib.request


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - an address of this test's own
            return True
    except OSError:
        return False
