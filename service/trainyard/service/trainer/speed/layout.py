"""Where arrays lie on JAX: on one device, or rows of a batch on several and everything else on each of them.

One program works on the whole batch, whichever rows lie where: JAX puts in what the devices must say to each other, so every
number is that of one device but for the order in which sums are taken.
"""

from __future__ import annotations

from typing import Any

import jax

from trainyard.service.trainer.spread import Spread

# JAX leaves these untyped.
_sharding: Any = jax.sharding
_constrained: Any = jax.lax.with_sharding_constraint


class Layout:
    """The layout of a spread."""

    def __init__(self, spread: Spread) -> None:
        self._count = spread.count
        self._everywhere: Any = None
        if spread.distribution is not None:
            mesh, axis = spread.distribution.device_mesh.backend_mesh, spread.distribution.batch_dim_name
            self._everywhere = _sharding.NamedSharding(mesh, _sharding.PartitionSpec())
            self._rows = _sharding.NamedSharding(mesh, _sharding.PartitionSpec(axis))

    @property
    def copies(self) -> int:
        """On how many devices everything lies."""
        return self._count

    def put(self, array: Any) -> Any:
        """Lay an array on every device."""
        return jax.device_put(array, self._everywhere)

    def settle(self, state: Any) -> Any:
        """Lay state on every device, where it is not yet."""
        return state if self._everywhere is None else jax.device_put(state, self._everywhere)

    def put_batch(self, batch: Any) -> Any:
        """Lay rows of a batch on their devices; a batch that can not be shared evenly lies whole on each, which alters nothing."""
        if self._everywhere is None:
            return batch
        return jax.device_put(batch, self._everywhere if len(batch[0]) % self._count else self._rows)

    def share(self, rows: Any) -> Any:
        """Say inside a program that rows of a batch lie on several devices, where they can be shared evenly."""
        uneven = self._everywhere is None or rows.shape[0] % self._count
        return rows if uneven else _constrained(rows, self._rows)

    def everywhere(self, values: Any) -> Any:
        """Say inside a program that values lie on every device."""
        return values if self._everywhere is None else _constrained(values, self._everywhere)
