"""A box that was measured tells how long a job will take, and what it took stands beside it, everywhere that says so."""

from __future__ import annotations

import json
import urllib.request

import pytest
from tests.acceptance.conftest import Machine

from trainyard.linter.estimate.kinds import Kind
from trainyard.service.executor.devices import discover

pytestmark = pytest.mark.keras


def measured(memory_bytes: int) -> dict[str, object]:
    """What calibrate might have left: every step ten milliseconds, all else free."""
    work = {str(kind): 1e-15 for kind in Kind} | {"step": 0.01}
    once = {
        "start_seconds": 5,
        "compile_seconds": 1,
        "epoch_seconds": 0.001,
        "between_epochs_seconds": 0.001,
        "compile_layer_seconds": 1e-6,
    }
    device = discover("cpu")[0].name
    return {"device": device, "kind": "cpu", "memory_bytes": memory_bytes, "calibrated": True, "speed": {"work_seconds": work, **once}}


def test_what_was_expected_of_a_job_is_told_before_and_held_to_what_it_took(machine: Machine) -> None:
    home = machine.folder / "home"
    home.mkdir(mode=0o700)
    (home / "hardware.json").write_text(json.dumps(measured(8 * 1024**3)))
    spec = json.loads((machine.examples / "breast-cancer/good.trainspec.json").read_text())
    spec["training"]["epochs"] = 2
    spec["callbacks"] = {"early_stopping": None}
    with machine.serving("--device", "cpu", "--slots", "1", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0") as server:
        done = machine.run("submit", "-", "--json", stdin=json.dumps(spec))
        assert done.returncode == 0, done.stdout + done.stderr
        job = json.loads(done.stdout)["id"]
        waited = json.loads(machine.run("wait", job, "--json").stdout)
        assert waited["state"] == "succeeded", waited
        shown = machine.run("show", job).stdout
        saved = machine.run("hardware", "--save", str(machine.folder / "box.hardware.json"))
        scraped = urllib.request.urlopen(f"http://{server.metrics}/metrics", timeout=30).read().decode()
    assert waited["predicted_seconds"] == pytest.approx(6.0, abs=2.5)
    assert "expected" in shown
    assert "(took " in shown
    assert 'trainyard_prediction_ratio_count{kind="time"} 1.0' in scraped
    compared = json.loads((home / "runs" / job / "artifacts" / "prediction.json").read_text())
    assert compared["profile"]["calibrated"] is True
    assert compared["epoch_seconds"]["predicted"]["low"] > 0.05
    assert compared["epoch_seconds"]["actual"] > 0
    assert saved.returncode == 0, saved.stderr
    plan = machine.run("plan", "-", "--hardware", str(machine.folder / "box.hardware.json"), "--format", "json", stdin=json.dumps(spec))
    time = json.loads(plan.stdout)["time"]
    assert time["calibrated"] is True
    assert time["total_seconds"]["low"] <= waited["predicted_seconds"] <= time["total_seconds"]["high"]
