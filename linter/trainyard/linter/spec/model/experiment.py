"""What a run is called, and which findings its author accepts."""

from typing import NamedTuple


class Experiment(NamedTuple):
    """Name (a template until the run is submitted), description, tags, and the seed everything random follows from."""

    name: str
    description: str
    tags: tuple[str, ...]
    seed: int


class Suppression(NamedTuple):
    """One finding that is accepted, and why; without a pointer it holds for the whole spec."""

    rule: str
    pointer: str | None
    reason: str
