"""``python several_devices.py RUNS DATA_ROOT DEVICES``: train every spec of ``RUNS/specs.json`` on stand-ins for GPUs, one after the other.

One process, because importing Keras costs more than a run. Prints the verdict of each. A name that begins with "streamed" has its
samples come from the host.
"""

import json
import sys
import time
from pathlib import Path

from trainyard.linter import spec as language
from trainyard.service import wire
from trainyard.service.trainer.journal import Journal
from trainyard.service.trainer.run import Task, run
from trainyard.service.trainer.speed import samples


def folder_of(runs: Path, name: str, written: dict[str, object]) -> wire.RunFolder:
    """Make the folder of a run, as whoever starts a trainer does."""
    folder = wire.RunFolder(runs / name)
    folder.path.mkdir()
    folder.resolved.write_text(json.dumps(language.resolve(written)), encoding="utf-8")
    return folder


def main() -> None:
    runs, root, devices = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    said = {}
    for name, written in json.loads((runs / "specs.json").read_text(encoding="utf-8")).items():
        folder = folder_of(runs, name, written)
        samples._SHARE = 0.0 if name.startswith("streamed") else 0.25
        task = Task(folder, Journal(folder.events, 1, time.time), root, "cpu", time.monotonic, virtual_devices=devices)
        verdict = run(task)
        said[name] = [verdict.outcome, verdict.message]
    print(json.dumps(said))


if __name__ == "__main__":
    main()
