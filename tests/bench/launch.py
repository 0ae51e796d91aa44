"""Runs one program and says what it took, as one line of JSON: ``python -I -S launch.py OUTPUT COMMAND…``.

A process of its own stands between the measurement and the program, because on Linux the peak memory of a child starts
from that of its parent: launched from pytest, every program would seem to need as much as pytest. This one stays small.
"""

from __future__ import annotations

import os
import sys
import time

_MEBIBYTES_PER_UNIT = 1 / 1024 if sys.platform == "linux" else 1 / 1024**2


def main(output: str, command: list[str]) -> int:
    """Run ``command`` without its output; write what it took to ``output``; return its exit status."""
    quiet = os.open(os.devnull, os.O_RDWR)
    began = time.perf_counter()
    streams = [(os.POSIX_SPAWN_DUP2, quiet, descriptor) for descriptor in (0, 1, 2)]
    process = os.posix_spawn(command[0], command, os.environ, file_actions=streams)
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - began
    with open(output, "w", encoding="utf-8") as stream:  # noqa: PTH123 - pathlib would double the size of this process
        stream.write(
            f'{{"cpu_seconds": {usage.ru_utime + usage.ru_stime}, "wall_seconds": {wall}, '
            f'"peak_mebibytes": {usage.ru_maxrss * _MEBIBYTES_PER_UNIT}}}\n'
        )
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
