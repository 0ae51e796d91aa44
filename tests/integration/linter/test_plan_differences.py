"""``trainlint diff`` tells what differences lead to: steps, memory, time, learning rate, class weights, verdict."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.corpora.malimg import SPEC as SEED
from tests.unit.linter.planning.conftest import plan_of

from trainyard.linter.planning.comparison import curves
from trainyard.linter.planning.consequences import consequences
from trainyard.linter.report.terminal import width

Run = Callable[..., Any]


@pytest.fixture(autouse=True)
def _any_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing said about the terminal that the tests happen to run in."""
    for name in ("TERM", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)


def changed(**sections: Any) -> dict[str, Any]:
    return {**SEED, **{name: {**SEED[name], **value} if name in {"training", "optimizer"} else value for name, value in sections.items()}}


@pytest.fixture
def compared(run: Run, tmp_path: Path) -> Callable[..., Any]:
    """Compare the page's spec with one that differs in some sections."""

    def compare(*options: str, **sections: Any) -> Any:
        (tmp_path / "a.json").write_text(json.dumps(SEED), encoding="utf-8")
        (tmp_path / "b.json").write_text(json.dumps(changed(**sections)), encoding="utf-8")
        return run("diff", "a.json", "b.json", *options)

    return compare


def figures(outcome: Any) -> dict[str, Any]:
    return {each["name"]: each for each in outcome.json["consequences"]["figures"]}


def test_twice_the_batch_is_half_the_steps_and_more_memory(compared: Callable[..., Any]) -> None:
    found = figures(compared("--format", "json", training={"batch_size": 64}))
    assert [side["low"] for side in found["steps per epoch"]["sides"]] == [205, 103]
    assert [side["low"] for side in found["total steps"]["sides"]] == [20_500, 10_300]
    assert found["GPU memory"]["factor"] > 1.2
    assert found["time"]["factor"] < 1
    assert "parameters" not in found
    assert "highest learning rate" not in found


def test_figures_are_those_of_both_plans() -> None:
    left, right = plan_of(SEED), plan_of(changed(training={"batch_size": 64}))
    assert left.memory is not None
    assert right.memory is not None
    memory = next(each for each in consequences(left, right).figures if each.name == "GPU memory")
    assert (memory.left, memory.right) == (tuple(left.memory.peak), tuple(right.memory.peak))


def test_both_learning_rates_stand_in_one_picture_with_a_line_of_its_own_each() -> None:
    right = plan_of(changed(scheduler={"type": "cosine", "t_max": {"epochs": 100}}))
    left = plan_of(SEED)
    chart = curves(consequences(left, right), ("a", "b"))
    assert left.curve is not None
    assert right.curve is not None
    assert [series.name for series in chart.series] == ["A: a", "A, as low as the plateau can bring it", "B: b"]
    assert [y for _, y in chart.series[2].points] == [point.high for point in right.curve.points]
    assert len({(series.code, series.dashed) for series in chart.series}) == 3


def test_the_curve_is_drawn_only_where_it_changes(compared: Callable[..., Any]) -> None:
    assert "learning rate\n" not in compared(regularization={"l2": 0.001}).out
    text = compared(optimizer={"learning_rate": 0.002}).out
    assert re.search(r"A: a\.json.*B: b\.json", text, re.DOTALL)
    assert re.search(r"highest learning rate\s+1e-3\s+2e-3\s+x 2\n", text)


def test_class_weights_that_change_are_told(compared: Callable[..., Any]) -> None:
    outcome = compared("--format", "json", imbalance={"type": "none"})
    weights = {each["name"]: each["sides"] for each in outcome.json["consequences"]["class_weights"]}
    assert weights["VB.AT"] == [pytest.approx(9339 / (25 * 408)), 1.0]
    assert len(weights) == 25


def test_findings_lost_and_gained_and_the_verdict_are_told(compared: Callable[..., Any]) -> None:
    outcome = compared("--format", "json", optimizer={"learning_rate": 0.5}, imbalance={"type": "none"})
    told = outcome.json["consequences"]
    assert told["verdicts"] == ["pass", "fail"]
    assert ("LR001", "/optimizer/learning_rate") in {(each["code"], each["pointer"]) for each in told["findings"]["gained"]}
    assert told["findings"]["lost"] == []
    text = compared(optimizer={"learning_rate": 0.5}).out
    assert "+ warning[LR001] /optimizer/learning_rate: learning rate 0.5" in text
    assert "A passes, B fails" in text


def test_a_card_makes_memory_and_time_those_of_the_card(compared: Callable[..., Any]) -> None:
    bare = figures(compared("--format", "json", training={"batch_size": 64}))["GPU memory"]["sides"]
    on_card = figures(compared("--format", "json", "--hardware", "t4", training={"batch_size": 64}))["GPU memory"]["sides"]
    assert on_card[0]["low"] > bare[0]["low"]


def test_what_trains_the_same_has_no_consequences(compared: Callable[..., Any]) -> None:
    outcome = compared("--format", "json", experiment={"name": "another"})
    assert outcome.code == 0
    assert outcome.json["consequences"] is None
    assert "what follows" not in compared(experiment={"name": "another"}).out


def test_what_was_written_is_compared_without_consequences(compared: Callable[..., Any]) -> None:
    assert "what follows" not in compared("--written", training={"batch_size": 64}).out


def test_consequences_fit_80_columns(compared: Callable[..., Any]) -> None:
    text = compared(optimizer={"learning_rate": 0.5}, imbalance={"type": "none"}, training={"batch_size": 64, "epochs": 3}).out
    assert [line for line in text.split("what follows")[1].splitlines() if width(line) > 80] == []


def test_what_one_side_does_not_know_is_said(compared: Callable[..., Any]) -> None:
    dataset = {key: value for key, value in SEED["dataset"].items() if key != "facts"}
    assert re.search(r"total steps\s+20,500\s+not known", compared(dataset=dataset).out)
