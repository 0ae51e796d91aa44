"""How much memory a dataset takes that is many times as large as what samples may have: measured, in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as arrow_parquet
import pytest
from PIL import Image

from trainyard.linter import spec as language

_WIDTH = 256
# Bytes of the decoded samples; memory may hold a thirty-sixth of the larger ones.
_SMALL, _LARGE = 48 * 2**20, 144 * 2**20
_ALLOWED_MIB = "4"
# What is held per sample, and what allocators keep; in memory the growth would be 1 and more.
_GROWTH = 0.3
_READ = """
import json, sys
from pathlib import Path
import numpy as np
from trainyard.linter import spec as language
from trainyard.service.trainer.data import division, statistics
from trainyard.service.trainer.data.order import epoch_order

spec = language.typed(json.loads(sys.argv[1]))
parts = division.read(spec.dataset, spec.task, Path(sys.argv[2]))
statistics.measure(parts.train)
order = parts.train.indices[epoch_order(1, 0, len(parts.train))]
for first in range(0, len(order), 32):
    parts.train.inputs[order[first : first + 32]]
# Not ru_maxrss, which begins with what the parent had.
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([parts.whole.inputs.nbytes, int(peak) * 1024]))
"""


def _columns(rows: int) -> pa.Table:
    values = np.random.default_rng(1).integers(0, 9999, (_WIDTH, rows)).astype(np.float64) / 8
    columns = {f"f{place}": values[place] for place in range(_WIDTH)}
    return pa.table({**columns, "kind": np.arange(rows) % 3})


def _csv(root: Path, size: int) -> dict[str, Any]:
    arrow_csv.write_csv(_columns(size // (4 * _WIDTH)), root / "t.csv")
    return {"type": "csv", "path": "t.csv", "target": "kind"}


def _parquet(root: Path, size: int) -> dict[str, Any]:
    # A page of every column is in memory at once, however long the table: small ones, so that few rows show it. Not smaller than
    # 16 KiB when compressed: of such columns Arrow keeps what it has read until the row group ends.
    pages: dict[str, Any] = {"data_page_size": 64 * 1024, "use_dictionary": False, "write_batch_size": 256}
    arrow_parquet.write_table(_columns(size // (4 * _WIDTH)), root / "t.parquet", row_group_size=2**20, **pages)
    return {"type": "parquet", "path": "t.parquet", "target": "kind"}


def _arrays(root: Path, size: int) -> dict[str, Any]:
    rows = size // (4 * _WIDTH)
    values = np.random.default_rng(1).normal(size=(rows, _WIDTH)).astype(np.float32)
    np.savez(root / "t.npz", x=values, y=np.arange(rows) % 3)
    return {"type": "npz", "path": "t.npz"}


def _pictures(root: Path, size: int) -> dict[str, Any]:
    """Write tiny pictures that are decoded large."""
    for number in range(size // (_WIDTH * _WIDTH * 3)):
        folder = root / "pictures" / "abc"[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4, 3), number % 251, dtype=np.uint8)).save(folder / f"{number}.png")
    return {"type": "image_directory", "path": "pictures", "input_shape": [_WIDTH, _WIDTH, 3]}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process is read from /proc")
@pytest.mark.parametrize("write", [_csv, _parquet, _arrays, _pictures], ids=["csv", "parquet", "npz", "images"])
def test_memory_does_not_grow_with_a_dataset_that_it_does_not_hold(tmp_path: Path, write: Callable[[Path, int], dict[str, Any]]) -> None:
    needed: list[int] = []
    peaks: list[int] = []
    for size in (_SMALL, _LARGE):
        root = tmp_path / str(size)
        root.mkdir()
        written = {"version": "v1", "task": "classification", "dataset": write(root, size), "model": {"type": "mlp", "hidden": [8]}}
        environment = {**os.environ, "TRAINYARD_CACHE": str(tmp_path), "TRAINYARD_SAMPLE_MEMORY_MIB": _ALLOWED_MIB}
        # One thread and one arena: what is measured is the samples.
        environment |= {"MALLOC_ARENA_MAX": "1", "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-c", _READ, json.dumps(language.resolve(written)), str(root)]
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        bytes_needed, peak = json.loads(done.stdout)
        needed.append(bytes_needed)
        peaks.append(peak)

    assert needed[1] > 30 * int(_ALLOWED_MIB) * 2**20
    growth = (peaks[1] - peaks[0]) / (needed[1] - needed[0])
    print(f"\n{write.__name__}: peaks {[peak >> 20 for peak in peaks]} MiB, growth {growth:.3f}")
    assert growth < _GROWTH
