"""``trainyard train`` as a person runs it: epochs on standard error, the outcome on standard output."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from trainyard.service import wire

CODE = """
import sys
from trainyard.linter.cli import exits
from trainyard.service.trainer.main import train
sys.exit(exits.run(train, program="train"))
"""


def _command(file: Path, run: Path, root: Path) -> list[str]:
    return [sys.executable, "-c", CODE, str(file), "--run", str(run), "--data-root", str(root), "--json"]


def test_a_spec_is_linted_and_trained_into_a_folder_that_says_everything(tmp_path: Path, repository: Path) -> None:
    run, examples = tmp_path / "run", repository / "examples"
    file = examples / "breast-cancer" / "good.trainspec.json"
    done = subprocess.run(_command(file, run, examples), check=False, capture_output=True, text=True, timeout=240)

    assert done.returncode == 0, done.stderr
    history = json.loads((run / "artifacts" / "history.json").read_text(encoding="utf-8"))["epochs"]
    assert max(epoch["val_accuracy"] for epoch in history) >= 0.93
    shown = [line.split()[1] for line in done.stderr.splitlines() if line.startswith("epoch")]
    assert len(shown) == len(history)
    outcome = json.loads(done.stdout)
    assert (outcome["outcome"], outcome["run"]) == ("succeeded", str(run))
    assert (run / "spec.json").read_bytes() == file.read_bytes()
    assert json.loads((run / "lint.json").read_text(encoding="utf-8"))["files"][0]["verdict"] == "pass"


def test_ctrl_c_pauses_the_run_and_resume_goes_on_from_there(tmp_path: Path, repository: Path) -> None:
    examples, run = repository / "examples", tmp_path / "run"
    spec = json.loads((examples / "breast-cancer" / "good.trainspec.json").read_text(encoding="utf-8"))
    file = tmp_path / "long.trainspec.json"
    file.write_text(
        json.dumps({**spec, "training": {"epochs": 5000, "batch_size": 16, "max_hours": 0.02}, "callbacks": {"early_stopping": None}}),
        encoding="utf-8",
    )
    command, events = _command(file, run, examples), run / "events.jsonl"
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        _wait_for(lambda: events.exists() and b'"epoch_finished"' in events.read_bytes(), process)
        process.send_signal(signal.SIGINT)
        said, shown = process.communicate(timeout=60)
    assert process.returncode == 130, shown
    assert json.loads(said)["outcome"] == "paused"
    assert "Ctrl-C again ends it at once" in shown
    assert shown.splitlines()[-1].endswith("--resume")
    trained = events.read_bytes().count(b'"kind":"epoch_finished"')
    assert wire.read_bundle_head(wire.RunFolder(run)) is not None

    with subprocess.Popen(
        [*command, "--resume"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        _wait_for(lambda: b'"attempt":2' in events.read_bytes() and events.read_bytes().count(b'"epoch_finished"') > trained, process)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        _, shown = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"going on after epoch {trained}" in shown
    lines = [wire.decode(line) for line in events.read_bytes().splitlines()]
    epochs = [line.body.epoch for line in lines if isinstance(line.body, wire.EpochFinished)]
    assert epochs == list(range(1, len(epochs) + 1))
    assert isinstance(lines[-1].body, wire.Ended)


def _wait_for(happened: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120.0
    while not happened():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
