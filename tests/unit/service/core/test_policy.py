"""The policy: what it reads, what it refuses to be, and what it finds in specs."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from trainyard.linter import Severity
from trainyard.service.core import policy
from trainyard.service.core.gate import AGAINST_POLICY, Gate
from trainyard.service.core.policy import BadPolicyError, Policy

SPEC: dict[str, Any] = {
    "version": "v1",
    "task": "classification",
    "dataset": {"type": "csv", "path": "team/table.csv", "target": "label", "input_shape": [2], "scaling": "standardize"},
    "model": {"type": "mlp", "hidden": [8], "dropout": 0.1},
    "training": {"epochs": 30, "batch_size": 16, "max_hours": 3},
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    rows = [f"{index % 7},{index % 5},{'ab'[index % 2]}" for index in range(80)]
    (folder / "team").mkdir()
    (folder / "team" / "table.csv").write_text("\n".join(["x,y,label", *rows]) + "\n")
    return folder


def read(text: str) -> Policy:
    return policy.read(tomllib.loads(text))


def against(root: Path, text: str) -> list[tuple[str, str]]:
    verdict = Gate(root, policy=read(text)).judge(json.dumps(SPEC).encode())
    found = [(one.pointer, one.message) for one in verdict.report.findings if (one.code, one.name) == AGAINST_POLICY]
    assert verdict.passed is not bool(found), [finding.message for finding in verdict.report.findings]
    return found


def test_a_job_on_more_gpus_than_an_owner_may_hold_slots_would_never_run_and_is_kept_out(root: Path) -> None:
    spec = {**SPEC, "resources": {"gpus": 4}}
    kept_out, let_in = (Gate(root, policy=read(f"[limits]\nmax_running = {most}")).judge(json.dumps(spec).encode()) for most in (2, 4))
    (finding,) = [one for one in kept_out.report.findings if (one.code, one.name) == AGAINST_POLICY]
    assert finding.pointer == "/resources/gpus"
    assert "at most 2 (max_running), and the spec asks for 4 slots, one for each GPU" in finding.message
    assert let_in.passed


def test_without_a_policy_everything_is_allowed(root: Path) -> None:
    assert read("") == Policy()
    assert against(root, "") == []


@pytest.mark.parametrize(
    "text, pointer, says",
    [
        ("[limits]\nmax_epochs = 29", "/training/epochs", "at most 29 (max_epochs), and the spec asks for 30 epochs"),
        ("[limits]\nmax_batch_size = 8", "/training/batch_size", "asks for a batch size of 16"),
        ("[limits]\nmax_hours = 2.5", "/training/max_hours", "at most 2.5 (max_hours)"),
        ("[models]\ntypes = ['cnn', 'transfer']", "/model/type", "does not allow the model type 'mlp' (model_types): use cnn, transfer"),
        ("[data]\npaths = ['tea', 'public']", "/dataset/path", "below tea, public only"),
    ],
)
def test_a_spec_beyond_a_limit_is_refused_at_its_place_by_a_finding_that_names_the_policy(
    root: Path, text: str, pointer: str, says: str
) -> None:
    ((where, message),) = against(root, text)
    assert where == pointer
    assert says in message
    assert "policy" in message


def test_a_spec_at_its_limits_passes(root: Path) -> None:
    limits = "[limits]\nmax_epochs = 30\nmax_batch_size = 16\nmax_hours = 3\n"
    assert against(root, f"{limits}[models]\ntypes = ['mlp']\nbackbones = ['resnet50']\n[data]\npaths = ['team']") == []


def test_required_rules_severities_and_the_size_of_specs_reach_the_linter(root: Path) -> None:
    strict = Gate(root, policy=read("[rules]\nseverities = { 'LR001' = 'error' }\nrequired = ['LR001']\n[limits]\nmax_spec_bytes = 100"))
    assert strict.largest_spec_bytes == 100
    assert not strict.judge(json.dumps(SPEC).encode()).passed
    severe = Gate(root, policy=read("refuse_on = 'info'"))
    assert severe.refuse_on is Severity.INFO


@pytest.mark.parametrize(
    "text, says",
    [
        ("[limits]\nmax_epoch = 3", "there is no 'max_epoch'; did you mean 'max_epochs'?"),
        ("[limit]\nmax_epochs = 3", "there is no 'limit'; did you mean 'limits'?"),
        ("limits = 3", "write [limits]"),
        ("[limits]\nmax_epochs = true", "a whole number from 1 on; it has True"),
        ("[limits]\nmax_jobs = 0", "a whole number from 1 on"),
        ("[limits]\nmax_hours = -1", "a number above 0"),
        ("[limits]\nmax_hours = inf", "a number above 0"),
        ("[limits]\nmax_hours = nan", "a number above 0"),
        ("[limits]\nmax_hours = 1e300", "a hundred years"),
        (f"[limits]\nmax_hours = 1{'0' * 400}", "a hundred years"),
        ("[limits]\nmax_spec_bytes = 99999999", "1048576 at most"),
        ("[models]\ntypes = []", "leave it out to allow all"),
        ("[data]\npaths = ['../other']", "folders below the data root"),
        ("[data]\npaths = ['/etc']", "folders below the data root"),
        ("[rules]\nrequired = ['no-such-rule']", "there is no rule 'no-such-rule'"),
        ("[rules]\nseverities = { 'LR001' = 'bad' }", "one of info, warning, error"),
        ("refuse_on = 'never'", "one of info, warning, error"),
    ],
)
def test_a_policy_that_is_none_is_refused_with_what_to_write(text: str, says: str) -> None:
    with pytest.raises(BadPolicyError) as caught:
        read(text)
    assert says in str(caught.value)


def test_what_changed_between_two_policies_is_told_line_by_line() -> None:
    before, after = read("[limits]\nmax_epochs = 3"), read("refuse_on = 'warning'\n[models]\ntypes = ['cnn']")
    assert before.changes(after) == ["refuse_on: error -> warning", "max_epochs: 3 -> no limit", "model_types: all -> cnn"]
    assert before.changes(before) == []
