"""What this machine can train on: its GPUs as the driver names them, or its processor.

Asks the driver's management library once at start-up, or ``nvidia-smi``, which comes with every driver. The server must
not ask TensorFlow: it never imports it, and a CUDA context of the server's own would take memory from the trainers.
"""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from trainyard.service.executor import nvml
from trainyard.service.executor.environment import CPU

GPU = "gpu"
_MIB = 1024**2
_ASK = ("nvidia-smi", "--query-gpu=uuid,memory.total,name", "--format=csv,noheader,nounits")
_ASK_SECONDS = 20
_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True, slots=True)
class Device:
    """``kind`` is ``gpu`` or ``cpu``; ``uuid`` is empty for a processor; memory in bytes."""

    kind: str
    name: str
    uuid: str
    memory_bytes: int

    @property
    def key(self) -> str:
        """What a slot on it is called."""
        return self.uuid or CPU


class NoGpuError(Exception):
    """A GPU was asked for and there is none."""


def discover(wanted: str, ask: Callable[[], str] | None = None) -> tuple[Device, ...]:
    """Return the devices to train on: GPUs for ``gpu``, the processor for ``cpu``, for ``auto`` GPUs if there are any.

    Raises NoGpuError when ``gpu`` was wanted and the driver shows none; there is no fall-back.
    """
    gpus = () if wanted == CPU else _present(ask)
    if wanted == GPU and not gpus:
        raise NoGpuError
    return gpus or (_processor(),)


def _present(ask: Callable[[], str] | None) -> tuple[Device, ...]:
    found = nvml.gpus() if ask is None else ()
    return tuple(Device(GPU, gpu.name, gpu.uuid, gpu.memory_bytes) for gpu in found) or _gpus((ask or _nvidia_smi)())


def _nvidia_smi() -> str:
    try:
        return subprocess.run(_ASK, capture_output=True, text=True, timeout=_ASK_SECONDS, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def _gpus(listed: str) -> tuple[Device, ...]:
    rows = (line.split(",", maxsplit=2) for line in listed.splitlines() if line.count(",") >= 2)
    return tuple(Device(GPU, name.strip(), uuid.strip(), _mebibytes(memory)) for uuid, memory, name in rows)


def _mebibytes(text: str) -> int:
    """Read a size; a driver that does not know writes ``[N/A]``."""
    return int(text) * _MIB if text.strip().isdecimal() else 0


def _processor() -> Device:
    cores = len(os.sched_getaffinity(0))
    return Device(CPU, f"{platform.machine()}, {cores} cores", "", _host_memory_bytes())


def _host_memory_bytes() -> int:
    """Return the memory of the machine, or of the container where that is less."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = _CGROUP_LIMIT.read_text().strip()
    except OSError:
        return physical
    return min(physical, int(limit)) if limit.isdecimal() else physical
