"""Repeats samples of rare classes; copies indices, never samples."""

from __future__ import annotations

import math

import numpy as np

from trainyard.service.trainer.data.division import Part


def repeat_rare(part: Part, target: float, seed: int) -> Part:
    """Return ``part`` with every class repeated up to ``target`` of the largest one's count; no class shrinks.

    Whole rounds of a class come first, then a draw without repetition that depends on ``seed`` alone.
    """
    labels = part.targets[part.indices]
    counts = np.bincount(labels)
    wanted = math.ceil(target * counts.max())
    draw = np.random.PCG64(np.random.SeedSequence(seed))
    repeated = []
    for label in np.flatnonzero(counts):
        members = part.indices[labels == label]
        rounds, rest = divmod(max(wanted, len(members)), len(members))
        extra = members[np.argsort(draw.random_raw(len(members)), kind="stable")[:rest]]
        repeated += [np.tile(members, rounds), extra]
    return Part(part.inputs, part.targets, np.concatenate(repeated))
