"""What a stranger reads: one broken spec a file below ``testdata``, and beside it in ``.out`` every word that is said about it.

Rules are not asked, so that only what the text, the schema and the linter itself say stands here. After a change of words,
read what ``python -m tests.unit.linter.engine.test_messages`` writes, and commit it when a stranger would understand it.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trainyard.linter.engine.configuration import Configuration
from trainyard.linter.engine.lint import lint

FOLDER = Path(__file__).parent / "testdata"
CASES = sorted(FOLDER.glob("*.json"))
ONLY_THE_LANGUAGE = Configuration(select=("LINT",))


def said(path: Path) -> str:
    """Return the findings, a line each, and what ``--fix`` (or with a question mark ``--unsafe-fixes``) would write."""
    lines = []
    for finding in lint(path.read_bytes(), configuration=ONLY_THE_LANGUAGE).findings:
        place = f"{finding.start.line}:{finding.start.column}"
        lines.append(f"{place} {finding.pointer or '(the spec)'} {finding.severity.label}[{finding.name}]: {finding.message}")
        if finding.suggestion is not None:
            pointer, value = finding.suggestion
            lines.append(f"    fix{'' if finding.safe else '?'}: {pointer} = {json.dumps(value, ensure_ascii=False)}")
    return "".join(f"{line}\n" for line in lines)


def test_there_are_many_ways_to_be_wrong() -> None:
    assert len(CASES) >= 100
    assert {path.with_suffix(".out") for path in CASES} == set(FOLDER.glob("*.out"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_broken_spec_is_told_in_these_words(path: Path) -> None:
    assert said(path) == path.with_suffix(".out").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_every_message_names_what_and_what_to_do_in_one_line(path: Path) -> None:
    for finding in lint(path.read_bytes(), configuration=ONLY_THE_LANGUAGE).findings:
        assert "\n" not in finding.message
        assert not finding.message.endswith(".")
        assert any(mark in finding.message for mark in (";", "?")), finding.message


if __name__ == "__main__":
    for each in CASES:
        each.with_suffix(".out").write_text(said(each), encoding="utf-8")
