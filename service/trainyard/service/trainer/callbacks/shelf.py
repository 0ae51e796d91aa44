"""Weights that are kept for later, by name. They go into bundles, so that a resumed run can still come back to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from trainyard.service.trainer.bundle.contents import Named

Weights = tuple[Named, ...]


class Shelf:
    """Keeps copies of a model's weights; ``copy`` copies those that the model has now.

    ``count`` numbers the copies over all attempts, so that a name never means two things.
    """

    def __init__(self, copy: Callable[[], Weights]) -> None:
        self._copy = copy
        self.count = 0
        self._kept: dict[str, Weights] = {}

    def put(self, epoch: int, instead_of: str | None = None) -> str:
        """Keep the weights of ``epoch`` as they are now and return their name; ``instead_of`` is let go."""
        self.count += 1
        name = f"kept-{self.count}-epoch-{epoch}"
        self._kept[name] = self._copy()
        if instead_of is not None:
            self.drop(instead_of)
        return name

    def drop(self, name: str) -> None:
        """Let weights go."""
        self._kept.pop(name, None)

    def get(self, name: str) -> Weights:
        """Return kept weights."""
        return self._kept[name]

    def all(self) -> dict[str, Weights]:
        """Return everything that is kept."""
        return dict(self._kept)

    def restore(self, kept: Mapping[str, Weights], count: int) -> None:
        """Keep what another shelf kept."""
        self._kept = dict(kept)
        # Rolled back, the same shelf goes on: what it named meanwhile must not be named again.
        self.count = max(self.count, count)
