"""Regularization strength: a sum of settings over usual ones."""

from __future__ import annotations

import pytest

from trainyard.linter.estimate.regularization import Technique, strength, techniques


def test_every_technique_at_its_usual_setting_counts_as_one() -> None:
    active = techniques(dropout_conv=(0.25,), dropout_dense=(0.5,), l1=1e-5, l2=1e-4, weight_decay=0.01, max_norm=3.0, transforms=3)
    assert {technique.name for technique in active} == {
        "dropout_conv",
        "dropout_dense",
        "l1",
        "l2",
        "weight_decay",
        "max_norm",
        "augmentation",
    }
    assert [technique.strength for technique in active] == [pytest.approx(1.0)] * 7
    assert strength(active) == pytest.approx(7.0)


def test_what_is_off_is_no_technique() -> None:
    assert techniques() == ()
    assert techniques(dropout_conv=(0.0, 0.0), l2=0.0, weight_decay=None, max_norm=0.0) == ()
    assert strength(()) == 0.0


def test_the_card_of_the_page_comes_to_four() -> None:
    """Dropout 0.25 and 0.5, decay 0.0001 coupled, a light augmentation."""
    active = techniques(dropout_conv=(0.25, 0.25), dropout_dense=(0.5,), l2=1e-4, transforms=3)
    assert strength(active) == pytest.approx(4.0)


def test_several_rates_count_as_their_mean_and_no_setting_counts_more_than_twice() -> None:
    assert techniques(dropout_dense=(0.5, 0.0))[0] == Technique("dropout_dense", 0.25, 0.5)
    assert techniques(l2=1.0)[0].strength == 2.0


def test_a_tighter_norm_is_stronger() -> None:
    loose, tight = (techniques(max_norm=norm)[0].strength for norm in (6.0, 2.0))
    assert loose == pytest.approx(0.5)
    assert tight == pytest.approx(1.5)
