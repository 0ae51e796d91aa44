"""The linter's profile of this machine before anybody has calibrated it: wide intervals, marked so, but the right memory."""

from __future__ import annotations

from typing import Any

from trainyard.linter.estimate import speed
from trainyard.linter.estimate.hardware import CPU, GPU, HardwareProfile, built_in, profile

_MIB = 1024**2
# A trainer that has imported TensorFlow and Keras holds about half a gibibyte (measured: 513 MB) before its first step.
_CPU_CONTEXT = [400 * _MIB, 900 * _MIB]
_CPU_USABLE_SHARE = 0.9


def describe(name: str, memory_bytes: int, *, gpu: bool, backend: str = "tensorflow") -> dict[str, Any]:
    """Return a profile as the JSON object of a ``*.hardware.json`` file; ``memory_bytes`` is what one slot can have."""
    known = next((card for card in built_in() if gpu and card.device == name), None)
    if known is not None:
        return _object(known._replace(memory_bytes=memory_bytes or known.memory_bytes, backend=backend))
    described: dict[str, Any] = {
        "name": "this-server",
        "device": name,
        "kind": GPU if gpu else CPU,
        "backend": backend,
        "memory_bytes": memory_bytes,
        "calibrated": False,
    }
    of_kind = {} if gpu else {"usable_share": _CPU_USABLE_SHARE, "context_bytes": _CPU_CONTEXT}
    return {**described, **of_kind, "speed": speed.described(speed.UNKNOWN_CARD if gpu else speed.UNKNOWN_PROCESSOR)}


def understood(described: dict[str, Any]) -> HardwareProfile | None:
    """Return the profile of a description; None where the memory is not known."""
    return profile(described) if described["memory_bytes"] else None


def _object(known: HardwareProfile) -> dict[str, Any]:
    return {
        "name": known.name,
        "device": known.device,
        "kind": known.kind,
        "backend": known.backend,
        "memory_bytes": known.memory_bytes,
        "usable_share": known.usable_share,
        "context_bytes": list(known.context),
        "workspace_bytes": list(known.workspace),
        "activation_factor": list(known.activation_factor),
        "calibrated": known.calibrated,
        "speed": speed.described(known.speed),
    }
