"""``trainyard train`` as a person runs it: epochs on standard error, the outcome on standard output."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

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


def test_ctrl_c_ends_the_trainer_too(tmp_path: Path, repository: Path) -> None:
    examples, events = repository / "examples", tmp_path / "run" / "events.jsonl"
    spec = json.loads((examples / "breast-cancer" / "good.trainspec.json").read_text(encoding="utf-8"))
    file = tmp_path / "long.trainspec.json"
    file.write_text(
        json.dumps({**spec, "training": {"epochs": 5000, "batch_size": 16}, "callbacks": {"early_stopping": None}}), encoding="utf-8"
    )
    with subprocess.Popen(_command(file, tmp_path / "run", examples), stdout=subprocess.DEVNULL, start_new_session=True) as process:
        deadline = time.monotonic() + 120.0
        while not (events.exists() and b'"epoch_finished"' in events.read_bytes()):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130

    assert b'"kind":"ended"' in events.read_bytes().splitlines()[-1]
