"""What a trainer's process is and sees: its command line and its environment, made from an allow-list.

The server's environment may hold secrets and settings that are nobody's business; of it only what finds
libraries and formats text is handed on.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from trainyard.service.executor.launching import Order

CPU = "cpu"
# ``-P``: the run folder must not be importable. Without arguments it is a standby.
STANDBY = (sys.executable, "-P", "-m", "trainyard.service.trainer.start")
# Where libraries, drivers and interpreters are found, and how text is written: taken over when set.
HANDED_ON = (
    *("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ", "CUDA_HOME", "NVIDIA_DRIVER_CAPABILITIES"),
    # The operator's folders of published weights and of caches, how much memory samples may take, the profile of this machine.
    *("TRAINYARD_WEIGHTS", "TRAINYARD_CACHE", "TRAINYARD_SAMPLE_MEMORY_MIB", "TRAINYARD_HARDWARE"),
)
_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def trainer_command(data_root: Path, orphan_seconds: float | None = None) -> Callable[[Order], list[str]]:
    """Return what makes the command line of an order; a trainer that sees no server for ``orphan_seconds`` saves its place."""
    limit = [] if orphan_seconds is None else ["--orphan-limit", f"{orphan_seconds:g}"]

    def command(order: Order) -> list[str]:
        return [*STANDBY, str(order.run.path), "--attempt", str(order.attempt), "--data-root", str(data_root), *limit]

    return command


def trainer_environment(
    surroundings: Mapping[str, str],
    *,
    slots: int,
    backend: str = "tensorflow",
    wall_seconds: float | None = None,
    orphan_seconds: float | None = None,
) -> Callable[[Order], dict[str, str]]:
    """Return what makes the environment of an order; cores are shared evenly between ``slots`` trainers.

    The limits hold in the trainer itself, with no server at all: seconds for one attempt, and seconds without a heartbeat.
    """
    waiting = standby_environment(surroundings, slots=slots, backend=backend)
    limits = {"TRAINYARD_WALL_SECONDS": wall_seconds, "TRAINYARD_ORPHAN_SECONDS": orphan_seconds}
    given = {name: f"{seconds:g}" for name, seconds in limits.items() if seconds is not None}

    def environment(order: Order) -> dict[str, str]:
        return {**waiting(order.device), **given, "HOME": str(order.run.path)}

    return environment


def standby_environment(surroundings: Mapping[str, str], *, slots: int, backend: str = "tensorflow") -> Callable[[str], dict[str, str]]:
    """Return what makes the environment of a trainer on a device, before it knows its order."""
    each = max(1, len(os.sched_getaffinity(0)) // slots)
    fixed = {
        **{name: surroundings[name] for name in HANDED_ON if name in surroundings},
        "KERAS_BACKEND": backend,
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
    }

    def environment(device: str) -> dict[str, str]:
        on_cpu = device == CPU
        # A job on several GPUs has the cores of as many slots.
        threads = str(each * (device.count(",") + 1))
        return {
            **fixed,
            **dict.fromkeys(_THREADS, threads),
            "CUDA_VISIBLE_DEVICES": "-1" if on_cpu else device,
            "TRAINYARD_DEVICE": CPU if on_cpu else "gpu",
        }

    return environment
