"""The part of the benchmark page about time: what was predicted of epochs, and how soon a job takes its first step."""

from __future__ import annotations

from typing import Any

PREDICTED = """## Predicted time, {title}

`trainyard calibrate` measures the box ({calibration_seconds} s); then {specs} specs that it did not measure are trained by the trainer
itself. Median error of the predicted warm epoch: {median:.0f} % (target: at most 25 %); {within:.0f} % of the epochs lie inside their
interval.
"""
STANDBY = """## First step after a warm standby

From the acknowledgement of a job to the end of its first step (digits, caches warm), beside what a bare script takes to build, compile and
take one; both in turn, {rounds} rounds. Target: at most a second more.
"""


def predicted(title: str, figures: dict[str, Any]) -> list[str]:
    """Return the section of what was predicted on one backend."""
    told = PREDICTED.format(
        title=title,
        median=100 * figures["median_error"],
        within=100 * figures["within_the_interval"],
        **{name: figures[name] for name in ("calibration_seconds", "specs")},
    )
    rows = [f"| {name} | {row['epoch_ms']:,.0f} | {row['predicted_over_actual']:.2f} |" for name, row in figures["rows"].items()]
    return [told, "| spec | warm epoch, ms | predicted over actual |", "|---|---:|---:|", *rows, ""]


def standby(figures: dict[str, Any]) -> list[str]:
    """Return the section of the first step."""
    cells = [f"{figures[name]:.2f}" for name in ("bare_seconds", "until_it_starts_seconds", "job_seconds", "more_seconds")]
    return [
        STANDBY.format(**figures),
        "| bare script, s | job: until the trainer starts, s | job: until its first step, s | more than the script, s |",
        "|---:|---:|---:|---:|",
        f"| {' | '.join(cells)} |\n",
    ]
