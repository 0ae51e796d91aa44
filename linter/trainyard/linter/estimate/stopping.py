"""How likely early stopping ends a run before its last epoch: counted on a corpus of real loss histories.

The corpus (``histories.bin``, written by ``tests/bench/write_loss_histories.py``) holds the validation loss and accuracy of
a few hundred small trainings of 100 epochs on real data, good settings and poor ones. It tells how often a rule fires on
runs like those; it is no forecast of one run, and says nothing of other monitors than the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import accumulate, islice, pairwise
from math import inf, sqrt
from pathlib import Path
from sys import byteorder
from typing import NamedTuple

CORPUS = Path(__file__).parent / "histories.bin"
# Losses and accuracies are kept in units of this: finer than the smallest ``min_delta`` that makes a difference.
RESOLUTION = 2e-5
_MAGIC = b"TYH1"
_EPOCHS = 100
# Bytes of a difference.
_WIDTH = 4
# 95 % of a normal distribution, for Wilson's interval.
_Z = 1.96
_MONITORS = ("val_loss", "val_accuracy")
# Monitors that move like accuracy does: shares of right answers.
_LIKE_ACCURACY = ("acc", "auc", "f1", "precision", "recall")


class Rule(NamedTuple):
    """When to stop, as Keras' ``EarlyStopping`` understands it; ``mode`` is ``min`` or ``max``, patience is epochs."""

    patience: int
    min_delta: float = 0.0
    mode: str = "min"
    start_from_epoch: int = 0


class Likelihood(NamedTuple):
    """Share of the corpus' runs that stop before the last epoch, with Wilson's 95 % interval.

    ``median_epoch`` is the median epoch (counted from 1) at which those stop, ``saved`` the mean share of epochs not run;
    ``at_least`` is true where the run is longer than the corpus' histories, so that the share can only be larger;
    ``monitor`` is the one that was counted.
    """

    share: float
    low: float
    high: float
    runs: int
    median_epoch: int | None
    saved: float
    monitor: str
    at_least: bool


def likelihood(rule: Rule, monitor: str, epochs: int) -> Likelihood | None:
    """Return how often a rule fires before epoch ``epochs``; ``None`` for a monitor that the corpus does not hold.

    A monitor that is a share of right answers (AUC, F1, …) is counted on accuracy.
    """
    series = _series_of(monitor, rule.mode)
    if series is None:
        return None
    histories, last = _corpus(series), max(0, min(epochs, _EPOCHS))
    fired = [epoch for history in histories if (epoch := _stops(history, last, rule)) is not None]
    return _summed(fired, len(histories), last, _MONITORS[series], at_least=epochs > _EPOCHS)


def stops_at(values: Sequence[float], rule: Rule) -> int | None:
    """Return the epoch (counted from 1) after which Keras' ``EarlyStopping`` ends this history; ``None`` where it never does."""
    return _stops([round(value / RESOLUTION) for value in values], len(values) + 1, rule)


def _stops(history: Sequence[int], last: int, rule: Rule) -> int | None:
    """Return the epoch after which it stops, if that is before ``last``.

    keras/src/callbacks/early_stopping.py: every epoch waits one more, an improvement by more than ``min_delta`` starts over,
    and the first epoch of all never stops.
    """
    sign, margin, patience = -1 if rule.mode == "max" else 1, abs(rule.min_delta) / RESOLUTION, rule.patience
    start = max(0, rule.start_from_epoch)
    bound, waited = inf, 0
    for epoch, value in enumerate(islice(history, start, max(start, last - 1)), start=start + 1):
        signed = sign * value
        if signed < bound:
            bound, waited = signed - margin, 0
        else:
            waited += 1
            if waited >= patience and epoch > 1:
                return epoch
    return None


def _summed(fired: list[int], runs: int, last: int, monitor: str, *, at_least: bool) -> Likelihood:
    share = len(fired) / runs if runs else 0.0
    low, high = _wilson(share, runs)
    saved = sum(last - epoch for epoch in fired) / (last * runs) if runs and last else 0.0
    median = sorted(fired)[len(fired) // 2] if fired else None
    return Likelihood(share, low, 1.0 if at_least else high, runs, median, saved, monitor, at_least)


def _wilson(share: float, runs: int) -> tuple[float, float]:
    """Return Wilson's score interval (Wilson 1927, doi 10.1080/01621459.1927.10502953)."""
    if not runs:
        return 0.0, 1.0
    square = _Z * _Z / runs
    middle = (share + square / 2) / (1 + square)
    half = _Z / (1 + square) * sqrt(share * (1 - share) / runs + square / (4 * runs))
    return max(0.0, middle - half), min(1.0, middle + half)


def _series_of(monitor: str, mode: str) -> int | None:
    if monitor == "val_loss":
        return 0
    is_share = monitor.startswith("val_") and any(word in monitor for word in _LIKE_ACCURACY)
    return 1 if is_share and mode == "max" else None


@cache
def _corpus(series: int) -> tuple[tuple[int, ...], ...]:
    """Return the histories of one monitor, in units of ``RESOLUTION``."""
    return unpack(CORPUS.read_bytes(), series)


def pack(*series: Sequence[Sequence[float]]) -> bytes:
    """Return histories as bytes: differences between epochs as 32 bits, each byte of them in a plane of its own, compressed.

    Every history has the same number of epochs; raises ``ValueError`` where one has not.
    """
    import zlib

    blocks = [zlib.compress(_planes(histories), 9) for histories in series]
    head = b"".join(len(block).to_bytes(4, "big") for block in blocks)
    return _MAGIC + bytes([len(blocks)]) + head + b"".join(blocks)


def unpack(packed: bytes, series: int) -> tuple[tuple[int, ...], ...]:
    """Return the histories of one of the series that ``pack`` was given, in units of ``RESOLUTION``."""
    import zlib
    from array import array

    start = len(_MAGIC) + 1
    lengths = [int.from_bytes(packed[start + 4 * block : start + 4 * block + 4], "big") for block in range(packed[start - 1])]
    place = start + 4 * len(lengths) + sum(lengths[:series])
    planes = zlib.decompress(packed[place : place + lengths[series]])
    count = len(planes) // _WIDTH
    mixed = bytearray(len(planes))
    for plane in range(_WIDTH):
        mixed[plane::_WIDTH] = planes[plane * count : (plane + 1) * count]
    steps = array("i", bytes(mixed))
    if byteorder == "big":
        steps.byteswap()
    return tuple(tuple(accumulate(steps[first : first + _EPOCHS])) for first in range(0, count, _EPOCHS))


def _planes(histories: Sequence[Sequence[float]]) -> bytes:
    steps: list[int] = []
    for history in histories:
        if len(history) != _EPOCHS:
            raise ValueError(f"a history has {len(history)} epochs, not {_EPOCHS}")
        units = [round(value / RESOLUTION) for value in history]
        steps += [units[0], *(after - before for before, after in pairwise(units))]
    mixed = b"".join(step.to_bytes(_WIDTH, "little", signed=True) for step in steps)
    return b"".join(mixed[plane::_WIDTH] for plane in range(_WIDTH))
