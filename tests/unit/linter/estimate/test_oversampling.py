"""Steps after oversampling: what the linter counts is what the trainer repeats."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainyard.linter.estimate.oversampling import oversampled


def test_every_class_reaches_the_target_and_none_shrinks() -> None:
    assert oversampled((100, 10, 40, 0), 1.0) == (100, 100, 100, 0)
    assert oversampled((100, 10, 40, 0), 0.25) == (100, 25, 40, 0)
    assert oversampled((7, 1), 0.5) == (7, 4)
    assert oversampled((), 1.0) == ()
    assert oversampled((3, 1), 0.0) == (3, 1)


@settings(deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.floats(0.0, 1.0))
def test_the_trainer_repeats_as_many_samples_as_are_counted(counts: list[int], target: float) -> None:
    np = pytest.importorskip("numpy")
    from trainyard.service.trainer.data.division import Part
    from trainyard.service.trainer.data.oversampling import repeat_rare

    labels = np.repeat(np.arange(len(counts)), counts)
    repeated = repeat_rare(Part(np.zeros((len(labels), 1)), labels, np.arange(len(labels))), target, seed=1)
    assert tuple(np.bincount(labels[repeated.indices], minlength=len(counts))) == oversampled(counts, target)
