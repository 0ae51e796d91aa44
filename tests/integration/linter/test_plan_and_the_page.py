"""Everything that the page shows as a picture, a card or a measurement stands in the plan, in all three faces.

The table below has one row for each such item, by its number in ``docs/seed.md``: the section of the plan, what the text says there,
where the JSON has it, and what the page shows. The spec is the page's own, on MalImg, on a card.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.corpora.malimg import SPEC as SEED
from tests.unit.linter.planning.conftest import plan_of

from trainyard.linter.charts.text import Screen
from trainyard.linter.planning.machine import document
from trainyard.linter.planning.page import page
from trainyard.linter.planning.text import text


class Shown(NamedTuple):
    """One item: its section in the text, a pattern of its lines, a path into the JSON, a pattern of the page."""

    section: str
    lines: str
    place: str
    page: str


TABLE = {
    "1.3": Shown("Optimizer", r"yours 1e-3", "learning_rate.learning_rate", r"yours 1e-3"),
    "1.10": Shown(
        "Optimizer", r"too low\s+low\s+usual\s+high\s+too high", "learning_rate.placement", r"Learning rate among the usual ones"
    ),
    "1.11": Shown("Optimizer", r"adam \(yours\)\s+Fast\s+Good\s+High", "optimizers", r"<td>Very stable</td>"),
    "2.12": Shown("Learning rate", r"1e-3 ┤.*[\u2801-\u28ff]", "curve.points", r"learning rate, logarithmic"),
    "2.13": Shown("Learning rate", r"epoch 10: .*epoch 25: .*epoch 50: .*epoch 100: ", "curve.at_epochs", r"epoch 25</span>"),
    "3.4": Shown(
        "Training plan", r"Training samples\s+6,537 \(1,401 for validation, 1,401", "steps.train_samples", r"6,537 \(1,401 for validation"
    ),
    "3.5": Shown(
        "Training plan", r"Batch size\s+32\n\s+Steps per epoch\s+205 .*\n\s+Total steps\s+20,500", "steps.total", r"20,500 \(100 epochs\)"
    ),
    "3.6": Shown("Training plan", r"Estimated time\s+\S+ (s|min|h) to", "time.total_seconds", r"Estimated time"),
    "3.7": Shown("Batch sizes", r"Batch\s+Steps\s+Speed\s+Memory\s+Epoch\s+Kind\s+Rate to try", "batches", r"<th scope=\"row\">128</th>"),
    "3.8": Shown("Training plan", r"205 \(ceiling of 6,537 / 32\)", "steps.per_epoch", r"205 \(ceiling of 6,537 / 32\)"),
    "3.9": Shown("Training plan", r"Total steps\s+20,500", "steps.updates", r"Total steps"),
    "3.10": Shown("Training plan", r"one step\s+\S+ to \S+ ms", "time.parts_seconds.step", r"one step"),
    "4.5": Shown(
        "Regularization",
        r"Dropout \(conv\)\s+0.25.*Dropout \(dense\)\s+0.5.*L2 penalty\s+0.0001.*Augmentation",
        "regularization.techniques",
        r"Active techniques",
    ),
    "4.6": Shown("Regularization", r"Strength\s+4", "regularization.strength", r"Total strength: 4"),
    "5.4": Shown("Classes", r"Allaple\.A\s+2,949\s+█+", "classes.rows", r"Samples per class"),
    "5.5": Shown(
        "Classes",
        r"Class\s+Count\s+Share\s+Weight\s+Effect.*VB\.AT\s+408\s+█*\S?\s+4.4 %\s+0.916\s+Underweight",
        "classes.rows",
        r"Underweight",
    ),
    "6.7": Shown("Callbacks", r"checkpoint\s+▒+◆.*early stop\s+─+▼░+", "callbacks.checkpoint", r"What happens when"),
    "6.8": Shown("Callbacks", r"Checkpoint storage\s+1 x \S+ to \S+ MiB", "disk.checkpoint_bytes", r"Checkpoint storage"),
    "6.9": Shown("Callbacks", r"Likelihood of a stop\s+\d+ % ", "callbacks.early_stopping.likelihood.share", r"Likelihood of a stop"),
    "7.5": Shown(
        "",
        r"malimg \(image directory\), 9,339 samples, 25 classes.*2.2 M parameters.*100 epochs, batch 32.*adam at 1e-3",
        "subject",
        r"What is configured",
    ),
    "7.6": Shown("", r"Training will take about \S+ (s|min|h) to", "time.total_seconds.high", r"Time</span>"),
    "7.9": Shown("", r"Model\s+cnn, 2.2 M parameters", "subject.parameters", r"Parameters</span>"),
    "7.10": Shown("Resources", r"GPU memory\s+\S+ to \S+ GiB.*Disk\s+\S+ to \S+ MiB", "memory.peak_bytes", r"Device memory by phase"),
}


@pytest.fixture(scope="module")
def faces() -> tuple[str, dict[str, Any], str]:
    plan = plan_of(SEED, "t4")
    return text(plan, "malimg.trainspec.json", Screen(80)), document(plan, "malimg.trainspec.json"), page(plan, "malimg.trainspec.json")


def section(shown: str, title: str) -> str:
    """Return the lines below a heading of the text; those above the first one where there is no title."""
    parts = re.split(r"^(\S[^\n─]*) ─+\n", "\n" + shown, flags=re.MULTILINE)
    return parts[0] if not title else dict(zip(parts[1::2], parts[2::2], strict=True))[title]


@pytest.mark.parametrize("item", TABLE)
def test_what_the_page_shows_stands_in_the_plan(item: str, faces: tuple[str, dict[str, Any], str]) -> None:
    told, machine, html = faces
    row = TABLE[item]
    assert re.search(row.lines, section(told, row.section), re.DOTALL), section(told, row.section)
    found: Any = machine
    for key in row.place.split("."):
        assert isinstance(found, Mapping)
        found = found[key]
    assert found not in (None, [], {})
    assert re.search(row.page, html)


def test_every_item_that_the_account_says_is_shown_by_plan_has_its_row_here(repository: Path) -> None:
    account = (repository / "docs/seed.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| (\d+\.\d+) \|[^|]*\| `trainlint plan[^|]*\|", account, re.MULTILINE)) == set(TABLE)


def test_the_numbers_of_the_pages_summary_are_its_formulae(faces: tuple[str, dict[str, Any], str]) -> None:
    _, machine, _ = faces
    weights = {row["name"]: row["weight"] for row in machine["classes"]["rows"]}
    assert machine["steps"]["per_epoch"] == -(-6537 // 32)
    assert machine["steps"]["total"] == 100 * machine["steps"]["per_epoch"]
    assert weights["Allaple.L"] == pytest.approx(9339 / (25 * 1591))
    assert weights["VB.AT"] == pytest.approx(9339 / (25 * 408))
    assert json.dumps(machine)
