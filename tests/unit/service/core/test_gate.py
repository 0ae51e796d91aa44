"""The gate: what it adds to the linter, and that no bytes get past it unjudged."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from trainyard.linter import Severity
from trainyard.linter.spec.naming import run_name
from trainyard.service.core.gate import TOO_FEW_GPUS, Gate, Verdict
from trainyard.service.weights import missing

SPEC: dict[str, Any] = {
    "version": "v1",
    "task": "classification",
    "dataset": {"type": "csv", "path": "table.csv", "target": "label", "input_shape": [2], "scaling": "standardize"},
    "model": {"type": "mlp", "hidden": [8], "dropout": 0.1},
    "training": {"epochs": 3, "batch_size": 8},
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    rows = [f"{index % 7},{index % 5},{'ab'[index % 2]}" for index in range(80)]
    (folder / "table.csv").write_text("\n".join(["x,y,label", *rows]) + "\n")
    (folder / "empty").mkdir()
    (folder / "leads-out").symlink_to("/etc")
    return folder


@pytest.fixture(scope="module")
def judge(root: Path) -> Callable[..., Verdict]:
    gate = Gate(root)

    def judged(**changes: Any) -> Verdict:
        return gate.judge(json.dumps({**SPEC, **changes}).encode())

    return judged


@pytest.mark.parametrize("letter", ["\x00", "\x1b", "\n", "\x9b", "\x7f"])
def test_a_name_or_tag_with_a_control_character_is_kept_out(judge: Callable[..., Verdict], letter: str) -> None:
    assert codes(judge(experiment={"name": f"a{letter}b", "tags": ["fine", letter]})) == ["SRV006", "SRV006"]
    assert judge(experiment={"name": "naïve 漢字 \U0001f600", "tags": ["ünï"]}).passed


def test_weights_that_are_not_here_are_said_before_anything_is_queued(root: Path, tmp_path: Path) -> None:
    (tmp_path / "mobilenet_v2.weights.h5").touch()
    (root / "mine.weights.h5").touch()
    gate = Gate(root, missing=missing({"TRAINYARD_WEIGHTS": str(tmp_path)}, root))
    transfer = {"type": "transfer", "backbone": "mobilenet_v2"}

    def pointers(**model: Any) -> list[str]:
        pictures = {"type": "image_directory", "path": "empty", "input_shape": [64, 64, 3], "scaling": "preprocess_input"}
        dataset = pictures if model["type"] == "transfer" else SPEC["dataset"]
        verdict = gate.judge(json.dumps({**SPEC, "dataset": dataset, "model": model}).encode())
        assert verdict.report.spec is not None
        return [finding.pointer for finding in verdict.report.findings if finding.code == "SRV005"]

    assert pointers(**transfer, weights="imagenet") == []
    assert pointers(**{**transfer, "backbone": "resnet50"}, weights="imagenet") == ["/model/weights"]
    assert pointers(**transfer, weights=None) == []
    assert pointers(**transfer, weights="mine.weights.h5") == []
    assert pointers(**transfer, weights="leads-out/passwd") == ["/model/weights"]
    assert pointers(**SPEC["model"], initial="mine.weights.h5") == []
    assert pointers(**SPEC["model"], initial="gone.weights.h5") == ["/model/initial"]


def codes(verdict: Verdict) -> list[str]:
    return [finding.code for finding in verdict.report.findings if finding.severity is Severity.ERROR]


def test_what_a_rule_has_said_the_server_does_not_say_again(judge: Callable[..., Verdict]) -> None:
    assert codes(judge(loss={"type": "ctc"})) == ["OUT020"]


def test_a_good_spec_passes_with_what_the_data_says(judge: Callable[..., Verdict]) -> None:
    verdict = judge()
    assert verdict.passed
    assert codes(verdict) == []
    assert verdict.report.case is not None
    assert verdict.report.case.class_counts == (40, 40)


def test_what_the_data_shows_is_told_of_a_spec_that_is_wrong_elsewhere(judge: Callable[..., Verdict]) -> None:
    narrow = {**SPEC["dataset"], "input_shape": [3]}
    assert {one.code for one in judge(dataset=narrow, training={"epoch": 3}).report.findings} > {"SPEC001"}
    assert not any(code.startswith("DAT") for code in codes(judge(dataset={**narrow, "path": 7})))


@pytest.mark.parametrize(
    "dataset",
    [
        {"type": "csv", "path": "gone.csv", "target": "label"},
        {"type": "csv", "path": "../table.csv", "target": "label"},
        {"type": "csv", "path": "/etc/passwd", "target": "label"},
        {"type": "csv", "path": "leads-out/passwd", "target": "label"},
        {"type": "csv", "path": "empty", "target": "label"},
        {"type": "csv", "path": "table.csv", "target": "no-such-column"},
        {"type": "image_directory", "path": "empty", "input_shape": [8, 8, 1]},
    ],
    ids=lambda dataset: dataset["path"],
)
def test_data_that_is_not_here_keeps_a_spec_out_and_tells_no_place_of_this_machine(
    judge: Callable[..., Verdict], root: Path, dataset: dict[str, Any]
) -> None:
    verdict = judge(dataset={"input_shape": [2], **dataset})
    # Whatever else is wrong, so that nobody has to come twice.
    broken = judge(dataset={"input_shape": [2], **dataset}, training={"epoch": 3})
    assert "/dataset" in {one.pointer[:8] for one in broken.report.findings if one.severity is Severity.ERROR}
    assert not verdict.passed
    about_data = [one for one in verdict.report.findings if one.pointer.startswith("/dataset") and one.severity is Severity.ERROR]
    assert about_data
    assert str(root) not in json.dumps(verdict.report.to_json(""))


@pytest.mark.parametrize("has,asked,says", [(0, 1, "this server gives none to a job"), (2, 4, "can give a job 2 at once")])
def test_more_gpus_than_the_server_has_keep_a_spec_out(root: Path, has: int, asked: int, says: str) -> None:
    verdict = Gate(root, most_gpus=has).judge(json.dumps({**SPEC, "resources": {"gpus": asked}}).encode())
    (finding,) = [one for one in verdict.report.findings if (one.code, one.name) == TOO_FEW_GPUS]
    assert (finding.pointer, verdict.passed) == ("/resources/gpus", False)
    assert f"asks for {asked} GPU" in finding.message
    assert says in finding.message
    assert Gate(root, most_gpus=asked).judge(json.dumps({**SPEC, "resources": {"gpus": asked}}).encode()).passed


@pytest.fixture
def gap(monkeypatch: pytest.MonkeyPatch) -> str:
    """Something that no trainer can train, whatever trainers learn; returns where it stands."""
    monkeypatch.setattr("trainyard.service.core.gate.untrainable", lambda _spec: (("/training/epochs", "nobody can train this."),))
    return "/training/epochs"


def test_what_can_not_be_trained_yet_keeps_a_spec_out_at_its_place(judge: Callable[..., Verdict], gap: str) -> None:
    verdict = judge()
    (finding,) = [one for one in verdict.report.findings if one.code == "SRV001"]
    assert (finding.name, finding.pointer, finding.severity) == ("not-trainable-yet", gap, Severity.ERROR)
    assert finding.start.offset > 0
    assert not verdict.passed
    assert verdict.result == "rejected"


def test_a_digest_follows_the_servers_own_findings_too(judge: Callable[..., Verdict], request: pytest.FixtureRequest) -> None:
    before = judge().report.digest
    request.getfixturevalue("gap")
    assert judge().report.digest != before


def test_a_verdict_counts_what_keeps_the_spec_out(judge: Callable[..., Verdict]) -> None:
    verdict = judge(training={"epoch": 1}, optimizer={"type": "adam", "learning_rate": 0.5})
    warnings = sum(finding.severity is Severity.WARNING for finding in verdict.report.findings)
    assert verdict.summary == f"1 error and {warnings} warning{'s' * (warnings != 1)}"


def test_a_report_is_stored_as_trainlint_prints_it(judge: Callable[..., Verdict]) -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    verdict = judge()
    stored = verdict.stored(at, None)
    assert json.loads(stored.body) == verdict.report.to_json("")
    assert (stored.digest, stored.created_at, stored.expires_at) == (verdict.report.digest, at, None)


def test_every_verdict_is_told(root: Path) -> None:
    told: list[str] = []
    gate = Gate(root, judged=lambda verdict: told.append(verdict.result))
    for source in (b"{", json.dumps(SPEC).encode(), b"{}"):
        gate.judge(source)
    assert told[0] == told[2] == "rejected"
    assert told[1] in {"accepted", "warned"}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.integers() | st.text(max_size=5), lambda inner: st.dictionaries(st.sampled_from([*SPEC, "x"]), inner, max_size=4)
        ).map(lambda value: json.dumps(value).encode()),
    )
)
@example(b"")
@example(b"\xff")
@example(b"[" * 10_000)
@example(b"1" * 70_000)
def test_any_bytes_get_a_verdict(root: Path, source: bytes) -> None:
    verdict = Gate(root).judge(source)
    assert not verdict.passed
    assert verdict.report.findings
    assert not verdict.report.crashes
    assert verdict.malformed == (verdict.report.document.value is None)


@pytest.mark.parametrize(
    "changes,name",
    [
        ({"experiment": {"name": "mine"}}, "mine"),
        ({}, "relu_mlp_table_20260301-120000"),
        ({"experiment": {"name": "{model} of {dataset}"}}, "mlp of table"),
    ],
)
def test_a_run_is_called_what_its_author_said_or_what_it_is(judge: Callable[..., Verdict], changes: dict[str, Any], name: str) -> None:
    spec = judge(**changes).report.spec
    assert spec is not None
    assert run_name(spec, datetime(2026, 3, 1, 12, tzinfo=UTC)) == name


def test_a_folder_that_is_called_like_every_folder_gives_way_to_the_one_above(judge: Callable[..., Verdict]) -> None:
    spec = judge().report.spec
    assert spec is not None
    dataset = spec.dataset._replace(path="digits/images")
    assert "_digits_" in run_name(spec._replace(dataset=dataset), datetime(2026, 3, 1, tzinfo=UTC))
