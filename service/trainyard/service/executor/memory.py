"""The machine's memory, as the kernel counts it: what is left for everybody, and what each trainer holds.

In a container the container's limit counts, because the kernel kills there. Reads /proc and cgroup v2; asks nobody.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def available_bytes() -> int:
    """Return how much can still be had before the kernel ends somebody."""
    machine = _fields(Path("/proc/meminfo")).get("MemAvailable:", 0) * 1024
    limit, used = _number(_CGROUP / "memory.max"), _number(_CGROUP / "memory.current")
    if limit is None or used is None:
        return machine
    # Pages of files that were read count as used and can be had back at once.
    idle = _fields(_CGROUP / "memory.stat").get("inactive_file", 0)
    return min(machine, limit - max(0, used - idle))


def kills() -> int:
    """Count how often the kernel has ended somebody for want of memory, since it began to count."""
    inside = _fields(_CGROUP / "memory.events").get("oom_kill")
    return inside if inside is not None else _fields(Path("/proc/vmstat")).get("oom_kill", 0)


def resident_bytes(pids: Iterable[int]) -> int:
    """Return what processes hold in memory, shared pages counted for each."""
    return sum(_resident_pages(pid) for pid in pids) * _PAGE


def _resident_pages(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_bytes().split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def _fields(path: Path) -> dict[str, int]:
    """Read lines of ``name number``."""
    try:
        rows = (line.split() for line in path.read_text(encoding="ascii").splitlines())
        return {row[0]: int(row[1]) for row in rows if len(row) > 1 and row[1].isdecimal()}
    except (OSError, UnicodeDecodeError):
        return {}


def _number(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None
