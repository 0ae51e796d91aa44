"""Whether more or less of a monitored value is better.

Keras asks the metric and stops where it cannot say; a spec names its direction, and this is the default.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

# Every metric of the language of which less is better; a test asks Keras.
LOWER_IS_BETTER = frozenset(
    {
        "binary_crossentropy",
        "categorical_crossentropy",
        "categorical_hinge",
        "false_negatives",
        "false_positives",
        "hinge",
        "kl_divergence",
        "log_cosh",
        "mean_absolute_error",
        "mean_absolute_percentage_error",
        "mean_squared_error",
        "mean_squared_logarithmic_error",
        "poisson",
        "root_mean_squared_error",
        "sparse_categorical_crossentropy",
        "squared_hinge",
    }
)


def mode(monitor: str, metrics: Iterable[Mapping[str, Any]]) -> Literal["min", "max"]:
    """Return ``min`` or ``max`` for the name of a value in the history, such as ``val_loss``.

    Args:
        monitor: the name; ``val_`` before it changes nothing.
        metrics: the metrics of the spec, each with ``name`` and ``type``.
    """
    name = monitor.removeprefix("val_")
    kind = next((metric["type"] for metric in metrics if metric["name"] == name), name)
    return "min" if kind in LOWER_IS_BETTER or kind.endswith(("loss", "error")) else "max"
