"""What a device offers: built-in profiles of common cards, and profiles measured on a box (``*.hardware.json``).

A profile is keyed by device and backend. Built-in ones are not calibrated: memory is what the driver reports,
the usable share follows from what TensorFlow keeps back, the rest are wide intervals. Knows no spec.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple, TypeGuard

_MIB = 1024**2

# Memory in MiB as the driver's nvidia-smi reports it (on cards with ECC less than the data sheet says), and the
# major version of the compute capability (NVIDIA, "CUDA GPU Compute Capability").
_CARDS: dict[str, tuple[str, int, int]] = {
    "rtx-3070": ("NVIDIA GeForce RTX 3070", 8192, 8),
    "gtx-1080-ti": ("NVIDIA GeForce GTX 1080 Ti", 11264, 6),
    "rtx-2080-ti": ("NVIDIA GeForce RTX 2080 Ti", 11264, 7),
    "rtx-3060": ("NVIDIA GeForce RTX 3060", 12288, 8),
    "t4": ("NVIDIA Tesla T4", 15360, 7),
    "rtx-4080": ("NVIDIA GeForce RTX 4080", 16376, 8),
    "a10": ("NVIDIA A10", 23028, 8),
    "l4": ("NVIDIA L4", 23034, 8),
    "rtx-4090": ("NVIDIA GeForce RTX 4090", 24564, 8),
    "rtx-5090": ("NVIDIA GeForce RTX 5090", 32607, 12),
    "v100": ("NVIDIA Tesla V100 32 GB", 32768, 7),
    "a100-40gb": ("NVIDIA A100 40 GB", 40960, 8),
    "l40s": ("NVIDIA L40S", 46068, 8),
    "rtx-a6000": ("NVIDIA RTX A6000", 49140, 8),
    "h100": ("NVIDIA H100 80 GB", 81559, 9),
    "a100-80gb": ("NVIDIA A100 80 GB", 81920, 8),
    "h200": ("NVIDIA H200", 143771, 9),
    "b200": ("NVIDIA B200", 183359, 10),
}

# TensorFlow keeps this much of a GPU for libraries, by compute capability up to the key (MinSystemMemory in
# tensorflow/core/common_runtime/gpu/gpu_device.cc); memory growth does not change it.
_KEPT_BACK_MIB = {6: 500, 7: 1050, 8: 1536}
_KEPT_BACK_BY_NEWER_MIB = 1800

# CUDA context and libraries, by driver and card: 0.3 to 0.8 GB in reports; profiles of a box carry what was measured.
_CONTEXT_BYTES = (300 * _MIB, 800 * _MIB)
# A convolution library asks for less where less is free, so this bounds what it likes to have, not what it needs.
_WORKSPACE_BYTES = (0, 1024 * _MIB)


class BadProfileError(Exception):
    """A hardware profile is unknown or misses something; the message says what and what to write."""


class Bytes(NamedTuple):
    """An interval in bytes; both ends are possible."""

    low: int
    high: int


class HardwareProfile(NamedTuple):
    """One device with one backend. ``activation_factor`` scales the memory model's activations, low and high."""

    name: str
    device: str
    backend: str
    memory_bytes: int
    usable_share: float
    context: Bytes
    workspace: Bytes
    activation_factor: tuple[float, float]
    calibrated: bool

    @property
    def usable_bytes(self) -> int:
        """What a training process can get of the device's memory."""
        return int(self.memory_bytes * self.usable_share)


@cache
def built_in() -> tuple[HardwareProfile, ...]:
    """Return the profiles of common cards, smallest memory first."""
    return tuple(_card(name, *figures) for name, figures in _CARDS.items())


def profile(source: str | Mapping[str, object]) -> HardwareProfile:
    """Return the built-in profile of that name, or the one that a ``*.hardware.json`` object describes.

    Raises ``BadProfileError`` for an unknown name, and for an object without a device or with a figure that is none.
    """
    if isinstance(source, str):
        if source.lower() not in _CARDS:
            raise BadProfileError(
                f"There is no built-in hardware profile '{source}': use one of {', '.join(_CARDS)}, or a *.hardware.json file."
            )
        return _card(source.lower(), *_CARDS[source.lower()])
    memory = _positive(source, "memory_bytes")
    return HardwareProfile(
        name=str(source.get("name", source.get("device", "unnamed"))),
        device=_text(source, "device"),
        backend=str(source.get("backend", "tensorflow")),
        memory_bytes=int(memory),
        usable_share=min(1.0, _positive(source, "usable_share", 0.95)),
        context=_bytes(source, "context_bytes", _CONTEXT_BYTES),
        workspace=_bytes(source, "workspace_bytes", _WORKSPACE_BYTES),
        activation_factor=_pair(source, "activation_factor", (1.0, 1.0)),
        calibrated=bool(source.get("calibrated", True)),
    )


def _card(name: str, device: str, memory_mib: int, capability: int) -> HardwareProfile:
    kept_back = next((mib for newest, mib in _KEPT_BACK_MIB.items() if capability <= newest), _KEPT_BACK_BY_NEWER_MIB)
    return HardwareProfile(
        name=name,
        device=device,
        backend="tensorflow",
        memory_bytes=memory_mib * _MIB,
        usable_share=(memory_mib - kept_back) / memory_mib,
        context=Bytes(*_CONTEXT_BYTES),
        workspace=Bytes(*_WORKSPACE_BYTES),
        activation_factor=(1.0, 1.0),
        calibrated=False,
    )


def _bytes(source: Mapping[str, object], key: str, default: tuple[int, int]) -> Bytes:
    low, high = _pair(source, key, default)
    return Bytes(int(low), int(high))


def _text(source: Mapping[str, object], key: str) -> str:
    value = source.get(key)
    if not isinstance(value, str) or not value:
        raise BadProfileError(f"The hardware profile needs '{key}', a text such as \"NVIDIA A100 40 GB\".")
    return value


def _positive(source: Mapping[str, object], key: str, default: float | None = None) -> float:
    low, _ = _pair(source, key, (default, default))
    if low <= 0:
        raise BadProfileError(f"'{key}' of the hardware profile has to be above 0.")
    return low


def _pair(source: Mapping[str, object], key: str, default: tuple[float | None, float | None]) -> tuple[float, float]:
    """Read one number, or [low, high]."""
    value = source.get(key, default)
    low, high = value if isinstance(value, list | tuple) and len(value) == len(default) else (value, value)
    if not (_is_amount(low) and _is_amount(high)):
        raise BadProfileError(f"'{key}' of the hardware profile is one number, or [low, high], not below 0; it has {value!r}.")
    return min(low, high), max(low, high)


def _is_amount(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf
