"""How fast a device is: what it computes and moves per second, and what every step, start and file costs beside that.

Built-in cards know only their data sheets, so their rates are wide intervals: a training reaches a twentieth to three
fifths of the peak (small layers less than large ones). A measured profile brings its own, narrower ones. Knows no model.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple, TypeGuard

from trainyard.linter.estimate.kinds import Kind


class Rate(NamedTuple):
    """An interval of a rate or a duration; both ends are possible."""

    low: float
    high: float


class BadSpeedError(ValueError):
    """A figure of a profile's ``speed`` is none; the message says which and what to write."""


class Speed(NamedTuple):
    """What a device does in a second, and what is paid once per step, layer, start and file.

    ``float32`` and ``half`` are operations (a multiply-add is two) per second in training, ``bandwidth`` bytes moved per
    second, ``disk`` bytes written per second; the others are seconds: ``launch`` of starting a program of one or more steps,
    ``epoch`` of an epoch beside its steps, ``between`` from the end of one to the begin of the next. ``work`` are the seconds of
    a unit of each kind of work, where somebody measured them; they then say what a step takes, and the rates say nothing.
    """

    float32: Rate
    half: Rate
    bandwidth: Rate
    disk: Rate
    step: Rate
    layer: Rate
    start: Rate
    compile: Rate
    compile_layer: Rate
    launch: Rate
    epoch: Rate
    between: Rate
    work: Mapping[Kind, Rate] | None = None

    def operations(self, precision: str) -> Rate:
        """Return operations per second under a Keras precision policy."""
        return self.float32 if precision == "float32" else self.half


# Share of the peak that training reaches: MLPerf-class kernels come to three fifths, small layers to a twentieth
# (roofline: Williams et al. 2009, doi 10.1145/1498765.1498785; what a calibration replaces).
_COMPUTE_SHARE = (0.05, 0.6)
_BANDWIDTH_SHARE = (0.3, 0.9)
# A step that computes next to nothing: 0.13 ms in a loop on the device, 0.8 ms a call, 3 ms in Keras' ``fit`` (ADR 0009, an MLP
# on two shared cores). The rest was not measured: a kernel launch for each layer and pass, from some microseconds on a card to
# a tenth of a millisecond on a busy processor; imports of TensorFlow and Keras, 5 s on the same machine, and a card's context;
# tracing and compiling, which grows with the layers. Wide on purpose: a profile of a box brings its own.
_STEP = Rate(0.0001, 0.006)
_LAYER = Rate(5e-6, 120e-6)
_START = Rate(4.0, 25.0)
_COMPILE = Rate(0.5, 6.0)
_COMPILE_LAYER = Rate(0.01, 0.25)
# A laptop's disk and a busy network share at the low end, an NVMe drive at the high one.
_DISK = Rate(80e6, 1.5e9)
# A call from Python into a compiled program: 0.7 ms measured on two cores with TensorFlow, more with many variables. An epoch
# beside its steps (order, metrics, events) 2 to 5 ms, between two of them (best weights, bundle) 2 to 20 ms on the same machine.
_LAUNCH = Rate(0.0001, 0.003)
_EPOCH = Rate(0.001, 0.02)
_BETWEEN = Rate(0.001, 0.1)
_ONCE = (_DISK, _STEP, _LAYER, _START, _COMPILE, _COMPILE_LAYER, _LAUNCH, _EPOCH, _BETWEEN)
_KEYS = {
    "bandwidth_bytes_per_second": "bandwidth",
    "disk_bytes_per_second": "disk",
    "step_seconds": "step",
    "layer_seconds": "layer",
    "start_seconds": "start",
    "compile_seconds": "compile",
    "compile_layer_seconds": "compile_layer",
    "launch_seconds": "launch",
    "epoch_seconds": "epoch",
    "between_epochs_seconds": "between",
}
_FLOPS, _WORK = "flops_per_second", "work_seconds"

# A device of which nothing was said: a processor between an old laptop's and a server's (tens of gigaflops to a few teraflops
# reached, two memory channels to twelve), a card between a laptop's and the largest.
UNKNOWN_PROCESSOR = Speed(Rate(2e10, 2e12), Rate(1e10, 4e12), Rate(1e10, 3e11), *_ONCE)
UNKNOWN_CARD = Speed(Rate(3e11, 3e14), Rate(3e11, 1e15), Rate(6e10, 7e12), *_ONCE)


def of_card(float32_tera: float, half_tera: float, gigabytes: float) -> Speed:
    """Return the speed of a card from its data sheet: peak teraflops in float32 and half precision, and memory bandwidth."""
    return Speed(
        _shared(float32_tera * 1e12, _COMPUTE_SHARE),
        _shared(half_tera * 1e12, _COMPUTE_SHARE),
        _shared(gigabytes * 1e9, _BANDWIDTH_SHARE),
        *_ONCE,
    )


def read(described: Mapping[str, object], default: Speed = UNKNOWN_CARD) -> Speed:
    """Return the speed that a profile's ``speed`` object describes; what it leaves out is as in ``default``.

    ``flops_per_second`` is one rate, [low, high], or an object with ``float32`` and ``half``. Raises ``BadSpeedError``.
    """
    unknown = next((key for key in described if key not in {*_KEYS, _FLOPS, _WORK}), None)
    if unknown is not None:
        raise BadSpeedError(f"'speed.{unknown}' is no figure of a hardware profile; there are {_FLOPS}, {_WORK}, {', '.join(_KEYS)}.")
    found: dict[str, Rate | Mapping[Kind, Rate]] = {
        field: rate(described, key, f"speed.{key}") for key, field in _KEYS.items() if key in described
    }
    flops = described.get(_FLOPS)
    if isinstance(flops, Mapping):
        found |= {name: rate(flops, name, f"speed.{_FLOPS}.{name}") for name in ("float32", "half") if name in flops}
    elif flops is not None:
        both = rate(described, _FLOPS, f"speed.{_FLOPS}")
        found |= {"float32": both, "half": both}
    if _WORK in described:
        found["work"] = _work(described[_WORK])
    return default._replace(**found)  # type: ignore[arg-type] # each field gets what it holds


def _work(described: object) -> Mapping[Kind, Rate]:
    """Return the seconds of a unit of each kind of work; all kinds are needed, or a step would have parts that cost nothing."""
    if not isinstance(described, Mapping):
        raise BadSpeedError(f"'speed.{_WORK}' of the hardware profile is an object of figures; it has {described!r}.")
    strange = next((key for key in described if key not in set(Kind)), None)
    if strange is not None:
        raise BadSpeedError(f"'speed.{_WORK}.{strange}' is no kind of work; there are {', '.join(Kind)}.")
    missing = next((kind for kind in Kind if kind not in described), None)
    if missing is not None:
        raise BadSpeedError(f"'speed.{_WORK}' lacks '{missing}'; `trainyard calibrate` measures all kinds.")
    return {kind: rate(described, kind, f"speed.{_WORK}.{kind}") for kind in Kind}


def described(speed: Speed) -> dict[str, object]:
    """Return a profile's ``speed`` object, such that ``read`` gives the same speed."""
    found: dict[str, object] = {_FLOPS: {"float32": list(speed.float32), "half": list(speed.half)}}
    found |= {key: list(getattr(speed, field)) for key, field in _KEYS.items()}
    return found if speed.work is None else {**found, _WORK: {str(kind): list(costs) for kind, costs in speed.work.items()}}


def rate(source: Mapping[str, object], key: str, shown: str) -> Rate:
    """Return one number, or [low, high], as an interval; raises ``BadSpeedError`` with the name ``shown``."""
    value = source.get(key)
    low, high = value if isinstance(value, list | tuple) and len(value) == len(Rate._fields) else (value, value)
    if not (_is_amount(low) and _is_amount(high)):
        raise BadSpeedError(f"'{shown}' of the hardware profile is one number above 0, or [low, high]; it has {value!r}.")
    return Rate(float(min(low, high)), float(max(low, high)))


def _shared(peak: float, shares: tuple[float, float]) -> Rate:
    return Rate(peak * shares[0], peak * shares[1])


def _is_amount(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf
