"""``trainlint diff`` in full: what counts as a difference, how it reads, what scripts get."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Write = Callable[..., str]


def pointers(outcome: Any) -> list[str]:
    return [difference["pointer"] for difference in outcome.json["differences"]]


def test_differences_stand_under_their_section_in_the_order_of_the_language(run: Run, write: Write) -> None:
    one = write("a.json", training={"epochs": 60, "batch_size": 32}, model={"type": "mlp", "hidden": [32], "dropout": 0.2})
    other = write("b.json", training={"epochs": 61, "batch_size": 64}, model={"type": "mlp", "hidden": [16], "dropout": 0.2})
    text = run("diff", one, other).out
    assert text.startswith("model\n  /hidden      [32] → [16]\ntraining\n  /epochs      60 → 61\n  /batch_size  32 → 64\n\nwhat follows\n")
    assert text.endswith("\n\n3 differences.\n")


def test_one_difference_is_counted_in_the_singular(run: Run, write: Write) -> None:
    assert run("diff", write("a.json"), write("b.json", regularization={"l2": 0.1})).out.endswith("\n1 difference.\n")


def test_scripts_get_section_digests_and_both_sides(run: Run, write: Write) -> None:
    outcome = run("diff", write("a.json"), write("b.json", regularization={"l2": 0.1}), "--format", "json")
    assert outcome.json["version"] == 1
    assert outcome.json["paths"] == ["a.json", "b.json"]
    assert len(set(outcome.json["digests"])) == 2
    (difference,) = outcome.json["differences"]
    assert difference == {
        "section": "regularization",
        "pointer": "/regularization/l2",
        "sides": [{"present": True, "value": None, "default": True}, {"present": True, "value": 0.1, "default": False}],
    }


@pytest.mark.parametrize(
    "sections",
    [
        {"experiment": {"name": "another", "description": "a note", "tags": ["x"]}},
        {"$lint": [{"rule": "dataset-not-read", "reason": "CI has no data"}]},
        {"scheduler": {"type": "constant"}},
        {"scheduler": [{"type": "constant"}]},
        {"training": {"batch_size": 32, "epochs": 60, "shuffle": True}},
    ],
)
def test_what_trains_the_same_is_no_difference(sections: dict[str, Any], run: Run, write: Write) -> None:
    outcome = run("diff", write("a.json"), write("b.json", **sections), "--format", "json")
    assert outcome.code == 0
    assert len(set(outcome.json["digests"])) == 1


def test_the_seed_is_part_of_what_is_trained(run: Run, write: Write) -> None:
    outcome = run("diff", write("a.json"), write("b.json", experiment={"name": "flowers", "seed": 8}), "--format", "json")
    assert outcome.code == 1
    assert "/experiment/seed" in pointers(outcome)


def test_another_member_of_a_family_differs_as_a_whole(run: Run, write: Write) -> None:
    outcome = run("diff", write("a.json"), write("b.json", optimizer={"type": "sgd", "learning_rate": 0.001}), "--format", "json")
    assert pointers(outcome) == ["/optimizer"]
    assert "(all)" in run("diff", "a.json", "b.json").out


def test_a_list_that_is_longer_shows_what_came(run: Run, write: Write) -> None:
    blocks = [{"filters": 8}, {"filters": 16}]
    one = write("a.json", model={"type": "cnn", "blocks": blocks[:1]})
    other = write("b.json", model={"type": "cnn", "blocks": blocks})
    (added,) = run("diff", one, other, "--format", "json").json["differences"]
    assert added["pointer"] == "/model/blocks/1"
    assert [side["present"] for side in added["sides"]] == [False, True]


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b'{"version": "v1"}', b'{"version": "v1",}'])
def test_what_is_no_spec_is_a_usage_error_on_either_side(raw: bytes, run: Run, write: Write, tmp_path: Path) -> None:
    (tmp_path / "b.json").write_bytes(raw)
    good = write("a.json")
    for arguments in ((good, "b.json"), ("b.json", good)):
        outcome = run("diff", *arguments)
        assert outcome.code == 2
        assert outcome.out == ""
        assert len(outcome.err.splitlines()) == 1
        assert "b.json:1:" in outcome.err


def test_a_warning_of_the_text_is_no_obstacle(run: Run, write: Write, tmp_path: Path) -> None:
    write("a.json")
    (tmp_path / "b.json").write_bytes(b"\xef\xbb\xbf" + (tmp_path / "a.json").read_bytes())
    assert run("diff", "a.json", "b.json").code == 0


def test_one_side_may_come_from_standard_input(run: Run, write: Write, tmp_path: Path) -> None:
    text = (tmp_path / write("a.json")).read_text(encoding="utf-8")
    assert run("diff", "a.json", "-", stdin=text.replace("60", "61")).code == 1


def test_control_characters_of_a_spec_do_not_reach_the_terminal(run: Run, write: Write) -> None:
    outcome = run("diff", write("a.json"), write("b.json", experiment={"name": "x\u001b[2J\u009b"}))
    assert "\x1b" not in outcome.out
    assert "\x9b" not in outcome.out


def test_json_is_one_document_on_standard_output(run: Run, write: Write) -> None:
    outcome = run("diff", write("a.json"), write("b.json", task="multilabel"), "--format", "json")
    assert json.loads(outcome.out)
    assert outcome.err == ""
