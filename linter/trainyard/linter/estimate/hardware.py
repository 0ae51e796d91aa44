"""What a device offers: built-in profiles of common cards, and profiles measured on a box (``*.hardware.json``).

A profile is keyed by device and backend. Built-in ones are not calibrated: memory is what the driver reports,
the usable share follows from what TensorFlow keeps back, the rest are wide intervals. Knows no spec.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

if TYPE_CHECKING:
    from trainyard.linter.estimate.speed import Speed

_MIB = 1024**2


class Peaks(NamedTuple):
    """What a data sheet says: peak teraflops in float32 and half precision, memory bandwidth in GB/s."""

    float32_tera: float
    half_tera: float
    gigabytes: float


class _Card(NamedTuple):
    """One card as its data sheet has it; teraflops without sparsity."""

    device: str
    memory_mib: int
    capability: int
    peaks: Peaks


# Memory in MiB as the driver's nvidia-smi reports it (on cards with ECC less than the data sheet says), the major version
# of the compute capability (NVIDIA, "CUDA GPU Compute Capability"), peak teraflops in float32 (TF32 on tensor cores where a
# data-centre card has them, since TensorFlow uses it from Ampere on) and in half precision with float32 sums, and memory
# bandwidth in GB/s, dense and without boost beyond the sheet (NVIDIA's data sheets and architecture whitepapers).
_CARDS: dict[str, _Card] = {
    "rtx-3070": _Card("NVIDIA GeForce RTX 3070", 8192, 8, Peaks(20.3, 40.6, 448)),
    "gtx-1080-ti": _Card("NVIDIA GeForce GTX 1080 Ti", 11264, 6, Peaks(11.3, 11.3, 484)),
    "rtx-2080-ti": _Card("NVIDIA GeForce RTX 2080 Ti", 11264, 7, Peaks(13.4, 53.8, 616)),
    "rtx-3060": _Card("NVIDIA GeForce RTX 3060", 12288, 8, Peaks(12.7, 25.5, 360)),
    "t4": _Card("NVIDIA Tesla T4", 15360, 7, Peaks(8.1, 65.0, 300)),
    "rtx-4080": _Card("NVIDIA GeForce RTX 4080", 16376, 8, Peaks(48.7, 97.5, 717)),
    "a10": _Card("NVIDIA A10", 23028, 8, Peaks(62.5, 125.0, 600)),
    "l4": _Card("NVIDIA L4", 23034, 8, Peaks(60.0, 121.0, 300)),
    "rtx-4090": _Card("NVIDIA GeForce RTX 4090", 24564, 8, Peaks(82.6, 165.2, 1008)),
    "rtx-5090": _Card("NVIDIA GeForce RTX 5090", 32607, 12, Peaks(104.8, 209.5, 1792)),
    "v100": _Card("NVIDIA Tesla V100 32 GB", 32768, 7, Peaks(15.7, 125.0, 900)),
    "a100-40gb": _Card("NVIDIA A100 40 GB", 40960, 8, Peaks(156.0, 312.0, 1555)),
    "l40s": _Card("NVIDIA L40S", 46068, 8, Peaks(183.0, 362.0, 864)),
    "rtx-a6000": _Card("NVIDIA RTX A6000", 49140, 8, Peaks(77.4, 154.8, 768)),
    "h100": _Card("NVIDIA H100 80 GB", 81559, 9, Peaks(378.0, 756.0, 2000)),
    "a100-80gb": _Card("NVIDIA A100 80 GB", 81920, 8, Peaks(156.0, 312.0, 1935)),
    "h200": _Card("NVIDIA H200", 143771, 9, Peaks(494.0, 989.0, 4800)),
    "b200": _Card("NVIDIA B200", 183359, 10, Peaks(1100.0, 2200.0, 7700)),
}

# TensorFlow keeps this much of a GPU for libraries, by compute capability up to the key (MinSystemMemory in
# tensorflow/core/common_runtime/gpu/gpu_device.cc); memory growth does not change it.
_KEPT_BACK_MIB = {6: 500, 7: 1050, 8: 1536}
_KEPT_BACK_BY_NEWER_MIB = 1800

# CUDA context and libraries, by driver and card: 0.3 to 0.8 GB in reports; profiles of a box carry what was measured.
_CONTEXT_BYTES = (300 * _MIB, 800 * _MIB)
# A convolution library asks for less where less is free, so this bounds what it likes to have, not what it needs.
_WORKSPACE_BYTES = (0, 1024 * _MIB)


GPU, CPU = "gpu", "cpu"
_BACKENDS = ("tensorflow", "jax", "torch")
# Keys of a ``*.hardware.json`` object: figures that count, and remarks that are kept for readers.
_FIGURES = (
    "name",
    "device",
    "kind",
    "backend",
    "memory_bytes",
    "usable_share",
    "context_bytes",
    "workspace_bytes",
    "activation_factor",
    "calibrated",
    "speed",
)
_REMARKS = ("version", "versions", "measured_on", "machine", "notes", "points")
# What names a processor where a profile does not say its ``kind``.
_PROCESSORS = ("cpu", "processor", "xeon", "epyc", "ryzen", "core(tm)", "graviton", "neoverse")


class BadProfileError(Exception):
    """A hardware profile is unknown or misses something; the message says what and what to write."""


class Bytes(NamedTuple):
    """An interval in bytes; both ends are possible."""

    low: int
    high: int


class HardwareProfile(NamedTuple):
    """One device with one backend.

    ``activation_factor`` scales the memory model's activations, low and high; ``calibrated`` tells that the figures were
    measured on the box, and not read from data sheets.
    """

    name: str
    device: str
    backend: str
    memory_bytes: int
    usable_share: float
    context: Bytes
    workspace: Bytes
    activation_factor: tuple[float, float]
    calibrated: bool
    rates: Speed | Peaks | None = None
    kind: str = GPU

    @property
    def speed(self) -> Speed:
        """What the device does in a second: as measured, as its data sheet lets expect, or anything between two machines."""
        from trainyard.linter.estimate import speed

        if self.rates is None:
            return speed.UNKNOWN_PROCESSOR if self.kind == CPU else speed.UNKNOWN_CARD
        return speed.of_card(*self.rates) if isinstance(self.rates, Peaks) else self.rates

    @property
    def speed_is_measured(self) -> bool:
        """Whether the speed was measured on the box, and neither read from a data sheet nor left out."""
        return self.calibrated and self.rates is not None and not isinstance(self.rates, Peaks)

    @property
    def compiles_on_cpu(self) -> bool:
        """Whether steps are compiled by XLA for a processor: the JAX backend without a GPU."""
        return self.kind == CPU and self.backend == "jax"

    @property
    def usable_bytes(self) -> int:
        """What a training process can get of the device's memory."""
        return int(self.memory_bytes * self.usable_share)


@cache
def built_in() -> tuple[HardwareProfile, ...]:
    """Return the profiles of common cards, smallest memory first."""
    return tuple(_profile(name, card) for name, card in _CARDS.items())


def profile(source: str | Mapping[str, object]) -> HardwareProfile:
    """Return the built-in profile of that name, or the one that a ``*.hardware.json`` object describes.

    Raises ``BadProfileError`` for an unknown name, for an object without a device or with a figure that is none, and for a
    key that means nothing: a misspelt figure would be a default, unseen.
    """
    if isinstance(source, str):
        if source.lower() not in _CARDS:
            raise BadProfileError(
                f"There is no built-in hardware profile '{source}': use one of {', '.join(_CARDS)}, or a *.hardware.json file."
            )
        return _profile(source.lower(), _CARDS[source.lower()])
    _refuse_unknown(source)
    memory = _positive(source, "memory_bytes")
    return HardwareProfile(
        name=str(source.get("name", source.get("device", "unnamed"))),
        device=_text(source, "device"),
        backend=_backend(source),
        memory_bytes=int(memory),
        usable_share=_share(source, "usable_share", 0.95),
        context=_bytes(source, "context_bytes", _CONTEXT_BYTES),
        workspace=_bytes(source, "workspace_bytes", _WORKSPACE_BYTES),
        activation_factor=_pair(source, "activation_factor", (1.0, 1.0)),
        calibrated=_truth(source, "calibrated"),
        rates=_rates(source),
        kind=_kind(source),
    )


def _profile(name: str, card: _Card) -> HardwareProfile:
    kept_back = next((mib for newest, mib in _KEPT_BACK_MIB.items() if card.capability <= newest), _KEPT_BACK_BY_NEWER_MIB)
    return HardwareProfile(
        name=name,
        device=card.device,
        backend="tensorflow",
        memory_bytes=card.memory_mib * _MIB,
        usable_share=(card.memory_mib - kept_back) / card.memory_mib,
        context=Bytes(*_CONTEXT_BYTES),
        workspace=Bytes(*_WORKSPACE_BYTES),
        activation_factor=(1.0, 1.0),
        calibrated=False,
        rates=card.peaks,
    )


def _refuse_unknown(source: Mapping[str, object]) -> None:
    unknown = next((key for key in source if key not in _FIGURES and key not in _REMARKS), None)
    if unknown is None:
        return
    from trainyard.linter.spec.nearest import like

    near = like(unknown, _FIGURES)
    meant = f"; did you mean '{near.word}'?" if near is not None else f"; there are {', '.join((*_FIGURES, *_REMARKS))}."
    raise BadProfileError(f"'{unknown}' is no figure of a hardware profile{meant}")


def _kind(source: Mapping[str, object]) -> str:
    device = str(source.get("device", "")).lower()
    kind = source.get("kind", CPU if any(name in device for name in _PROCESSORS) else GPU)
    if kind not in {GPU, CPU}:
        raise BadProfileError(f'\'kind\' of the hardware profile is "gpu" or "cpu"; it has {kind!r}.')
    return str(kind)


def _rates(source: Mapping[str, object]) -> Speed | None:
    if "speed" not in source:
        return None
    from trainyard.linter.estimate import speed

    described = source["speed"]
    if not isinstance(described, Mapping):
        raise BadProfileError(f"'speed' of the hardware profile is an object of figures; it has {described!r}.")
    try:
        return speed.read(described, speed.UNKNOWN_PROCESSOR if _kind(source) == CPU else speed.UNKNOWN_CARD)
    except speed.BadSpeedError as error:
        raise BadProfileError(str(error)) from None


def _bytes(source: Mapping[str, object], key: str, default: tuple[int, int]) -> Bytes:
    low, high = _pair(source, key, default)
    return Bytes(int(low), int(high))


def _truth(source: Mapping[str, object], key: str) -> bool:
    value = source.get(key, True)
    if not isinstance(value, bool):
        raise BadProfileError(f"'{key}' of the hardware profile is true or false; it has {value!r}.")
    return value


def _backend(source: Mapping[str, object]) -> str:
    value = source.get("backend", _BACKENDS[0])
    if value not in _BACKENDS:
        raise BadProfileError(f"'backend' of the hardware profile is one of {', '.join(_BACKENDS)}; it has {value!r}.")
    return str(value)


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


def _share(source: Mapping[str, object], key: str, default: float) -> float:
    share = _positive(source, key, default)
    if share > 1:
        raise BadProfileError(f"'{key}' of the hardware profile is a share, at most 1; it has {source.get(key)!r}.")
    return share


def _pair(source: Mapping[str, object], key: str, default: tuple[float | None, float | None]) -> tuple[float, float]:
    """Read one number, or [low, high]."""
    value = source.get(key, default)
    low, high = value if isinstance(value, list | tuple) and len(value) == len(default) else (value, value)
    if not (_is_amount(low) and _is_amount(high)):
        raise BadProfileError(f"'{key}' of the hardware profile is one number, or [low, high], not below 0; it has {value!r}.")
    return min(low, high), max(low, high)


def _is_amount(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf
