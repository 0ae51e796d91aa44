"""How many samples an epoch passes once rare classes are repeated: what the trainer's oversampling comes to, in counts."""

from __future__ import annotations

import math
from collections.abc import Sequence


def oversampled(counts: Sequence[int], target: float) -> tuple[int, ...]:
    """Return the samples per class after oversampling, for the training part's ``counts``.

    Every class with a sample is repeated up to ``target`` of the largest one's count, rounded up; no class shrinks, and one
    without samples stays empty.
    """
    most = max(counts, default=0)
    wanted = math.ceil(target * most) if math.isfinite(target * most) else most
    return tuple(max(count, wanted) if count > 0 else 0 for count in counts)
