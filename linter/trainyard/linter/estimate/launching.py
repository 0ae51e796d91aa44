"""How many steps go into one launch, and whether they loop on the device: what the trainer does and the estimate of time counts on.

A launch is the way from Python into a compiled program and back. The trainer looks up between launches, so a launch is kept
short; where steps do not loop, each is a launch of its own.
"""

from __future__ import annotations

#: As many steps go into one launch as take about this long, so that somebody who asks is soon heard.
LAUNCH_SECONDS = 0.5


def loops(backend: str, device: str, *, convolves: bool) -> bool:
    """Tell whether many steps of samples that lie on the device go into one launch; ``device`` is ``cpu`` or ``gpu``.

    On a processor XLA gives convolutions inside a loop one thread: there JAX takes them one by one (ADR 0009).
    """
    return backend != "jax" or device != "cpu" or not convolves


def steps_in_a_launch(step_seconds: float, most: float, *, looped: bool) -> float:
    """Return how many steps of so many seconds a launch holds once the pace is found, ``most`` at most."""
    if not looped or step_seconds <= 0:
        return 1.0
    return max(1.0, min(float(int(min(LAUNCH_SECONDS / step_seconds, 1e9))), most))
