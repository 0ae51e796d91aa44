"""Hardware profiles: built in by name, or from a file that may be wrong."""

from __future__ import annotations

import pytest

from trainyard.linter.estimate.hardware import BadProfileError, Bytes, built_in, profile

GIB = 1024**3


def test_built_in_profiles_are_sorted_by_memory_and_found_by_name() -> None:
    sizes = [card.memory_bytes for card in built_in()]
    assert sizes == sorted(sizes)
    assert all(profile(card.name) == card for card in built_in())
    assert profile("T4").device == "NVIDIA Tesla T4"


def test_what_tensorflow_keeps_back_is_not_usable() -> None:
    card = profile("t4")
    assert card.memory_bytes - card.usable_bytes == pytest.approx(1050 * 1024**2, abs=1)
    assert profile("h200").memory_bytes - profile("h200").usable_bytes == pytest.approx(1800 * 1024**2, abs=1)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(BadProfileError, match="a100-40gb"):
        profile("voodoo2")


def test_a_profile_of_a_box_is_read_with_its_calibrated_figures() -> None:
    box = profile(
        {
            "device": "Box",
            "memory_bytes": 8 * GIB,
            "usable_share": 0.5,
            "context_bytes": 7,
            "workspace_bytes": [1, 2],
            "activation_factor": 1.1,
        }
    )
    assert box.usable_bytes == 4 * GIB
    assert (box.context, box.workspace) == (Bytes(7, 7), Bytes(1, 2))
    assert box.activation_factor == (1.1, 1.1)
    assert box.calibrated


@pytest.mark.parametrize(
    "source, names",
    [
        ({"memory_bytes": 1}, "'device'"),
        ({"device": 3, "memory_bytes": 1}, "'device'"),
        ({"device": "x"}, "'memory_bytes'"),
        ({"device": "x", "memory_bytes": 0}, "'memory_bytes'"),
        ({"device": "x", "memory_bytes": True}, "'memory_bytes'"),
        ({"device": "x", "memory_bytes": "8 GB"}, "'memory_bytes'"),
        ({"device": "x", "memory_bytes": float("inf")}, "'memory_bytes'"),
        ({"device": "x", "memory_bytes": 1, "context_bytes": [1, 2, 3]}, "'context_bytes'"),
        ({"device": "x", "memory_bytes": 1, "workspace_bytes": -1}, "'workspace_bytes'"),
        ({"device": "x", "memory_bytes": 1, "activation_factor": [None, 1]}, "'activation_factor'"),
        ({"device": "x", "memory_byte": 1}, "'memory_byte'.*did you mean 'memory_bytes'"),
        ({"device": "x", "memory_bytes": 1, "colour": "green"}, "'colour'.*there are name"),
        ({"device": "x", "memory_bytes": 1, "calibrated": "yes"}, "'calibrated'"),
        ({"device": "x", "memory_bytes": 1, "usable_share": 1.5}, "'usable_share'.*at most 1"),
        ({"device": "x", "memory_bytes": 1, "backend": "theano"}, "'backend'.*tensorflow, jax"),
        ({"device": "x", "memory_bytes": 1, "kind": "tpu"}, "'kind'"),
    ],
)
def test_a_wrong_profile_is_refused_with_the_name_of_the_field(source: dict[str, object], names: str) -> None:
    with pytest.raises(BadProfileError, match=names):
        profile(source)
