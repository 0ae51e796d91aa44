"""A job's curve as numbers: lists that any plotting library takes, and a pandas frame where pandas is installed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from trainyard.client.errors import NotInstalled
from trainyard.client.values.event import EpochFinished

#: What an epoch has beside its metrics, under the names of the lists.
MEASURED = ("learning_rate", "seconds", "samples_per_second", "device_memory_bytes")


@dataclass(frozen=True, slots=True)
class History:
    """The epochs of a job, in order, each once."""

    job_id: str
    epochs: tuple[EpochFinished, ...]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of all metrics, in the order in which they first appeared."""
        return tuple(dict.fromkeys(name for epoch in self.epochs for name in epoch.metrics))

    def column(self, name: str) -> list[float]:
        """Return one value an epoch: of a metric, of ``epoch``, or of one of ``MEASURED``; NaN where an epoch has none."""
        if name == "epoch":
            return [epoch.epoch for epoch in self.epochs]
        if name in MEASURED:
            return [float(getattr(epoch, name)) for epoch in self.epochs]
        if name not in self.metrics:
            raise KeyError(f"{name!r} was not measured; there are {', '.join(self.metrics) or 'no metrics yet'}")
        return [epoch.metrics.get(name, math.nan) for epoch in self.epochs]

    def lists(self) -> dict[str, list[float]]:
        """Return everything as lists of equal length: ``epoch``, the metrics, then ``MEASURED``."""
        return {name: self.column(name) for name in ("epoch", *self.metrics, *MEASURED)}

    def frame(self) -> Any:
        """Return the lists as a ``pandas.DataFrame`` with the epoch as its index; raises NotInstalled without pandas."""
        try:
            import pandas as pd  # type: ignore[import-untyped, import-not-found, unused-ignore] # nobody has to have it
        except ModuleNotFoundError:
            raise NotInstalled("frame() needs pandas, which is not installed; lists() needs nothing") from None
        return pd.DataFrame(self.lists()).set_index("epoch")

    def best(self, metric: str) -> EpochFinished | None:
        """Return the epoch with the best finite value of a metric: the least of a loss or an error, the most of anything else."""
        known = [epoch for epoch in self.epochs if math.isfinite(epoch.metrics.get(metric, math.nan))]
        choose = min if falls(metric) else max
        return choose(known, key=lambda epoch: epoch.metrics[metric], default=None)

    def __len__(self) -> int:
        return len(self.epochs)

    def __iter__(self) -> Iterator[EpochFinished]:
        return iter(self.epochs)


def falls(metric: str) -> bool:
    """Return whether less is better: it is for losses, errors, divergences and perplexity."""
    name = metric.removeprefix("val_")
    return name.endswith(("loss", "error", "mae", "mse", "rmse", "divergence", "perplexity", "crossentropy"))
