"""How much text is read, so that any bytes are judged in bounded time."""

from typing import NamedTuple


class Limits(NamedTuple):
    """How much text the linter is willing to read; raise ``bytes`` to 1 MiB at most."""

    bytes: int = 64 * 1024
    depth: int = 64
    faults: int = 1000
