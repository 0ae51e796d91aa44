"""One batch shared by several devices: the processor stands in for GPUs, and the numbers are those of one device.

Stand-ins show that a run comes to the right numbers, and nothing of how fast it is.
"""

import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trainyard.service import wire

ROOT = Path(__file__).parents[3]
STAND_INS = 6
PICTURES: dict[str, Any] = {
    "version": "v1",
    "experiment": {"seed": 3},
    "task": "classification",
    "dataset": {"type": "image_directory", "path": "pictures", "input_shape": [8, 8, 1], "scaling": "unit"},
    "model": {"type": "cnn", "blocks": [{"filters": 4, "batch_norm": True}], "head": {"pooling": "flatten", "hidden": [8]}},
    "optimizer": {"type": "sgd", "learning_rate": 0.02, "momentum": 0.9, "clipnorm": 0.5, "weight_decay": 0.001},
    "scheduler": [{"type": "cosine"}],
    "imbalance": {"type": "class_weights"},
    "regularization": {"l2": 0.01},
    # 50 samples to learn from: the last batch has 2.
    "training": {"epochs": 3, "batch_size": 12, "gradient_accumulation": 2},
}
TABLE: dict[str, Any] = {
    "version": "v1",
    "experiment": {"seed": 3},
    "task": "multilabel",
    "dataset": {"type": "csv", "path": "table.csv", "target": ["large", "heavy"], "features": ["size", "weight"], "scaling": "standardize"},
    "model": {"type": "mlp", "hidden": [8]},
    "optimizer": {"type": "sgd", "learning_rate": 0.05},
    "training": {"epochs": 2, "batch_size": 16},
}
WORDS: dict[str, Any] = {
    "version": "v1",
    "experiment": {"seed": 3},
    "task": "classification",
    "dataset": {"type": "npz", "path": "tokens.npz", "input_shape": [6], "scaling": "none"},
    "model": {
        "type": "sequential",
        "layers": [
            {"type": "embedding", "input_dim": 256, "output_dim": 5, "mask_zero": True},
            {"type": "gru", "units": 4},
            {"type": "dense", "units": 3, "activation": "softmax"},
        ],
    },
    "optimizer": {"type": "sgd", "learning_rate": 0.1},
    "training": {"epochs": 2, "batch_size": 16},
}
DYNAMIC = {"epochs": 2, "batch_size": 12, "precision": "mixed_float16", "loss_scale": "dynamic"}
BLENDED = [{"type": "random_flip"}, {"type": "mix_up"}, {"type": "cut_mix"}]
DRAWN = {"model": {**PICTURES["model"], "head": {"pooling": "flatten", "hidden": [8], "dropout": 0.3}}, "augmentation": BLENDED}


def on(gpus: int | None, spec: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**spec, **changes, "resources": {"gpus": gpus}}


SPECS = {
    "one": on(None, PICTURES),
    "two": on(2, PICTURES),
    "three": on(3, PICTURES),
    "streamed": on(2, PICTURES),
    "whole-batch loss, one": on(None, TABLE, loss={"type": "dice"}),
    "whole-batch loss, four": on(4, TABLE, loss={"type": "dice"}),
    "summed loss, one": on(None, TABLE, loss={"type": "binary_crossentropy", "reduction": "sum"}),
    "summed loss, two": on(2, TABLE, loss={"type": "binary_crossentropy", "reduction": "sum"}),
    "words, one": on(None, WORDS),
    "words, two": on(2, WORDS),
    "half precision, one": on(None, PICTURES, training=DYNAMIC),
    "half precision, two": on(2, PICTURES, training=DYNAMIC),
    "drawn, one": on(None, PICTURES, **DRAWN),
    "drawn, two": on(2, PICTURES, **DRAWN),
    "not shared evenly": on(5, PICTURES),
    "more than there are": on(12, PICTURES),
}


class Ran:
    """What runs on one backend came to."""

    def __init__(self, backend: str, folder: Path, said: dict[str, list[str]]) -> None:
        self.backend, self._folder, self.said = backend, folder, said

    def folder(self, name: str) -> wire.RunFolder:
        return wire.RunFolder(self._folder / name)

    def events(self, name: str, kind: type[Any]) -> list[Any]:
        bodies = (wire.decode(line).body for line in self.folder(name).events.read_bytes().splitlines())
        return [body for body in bodies if isinstance(body, kind)]

    def numbers(self, name: str) -> dict[str, float]:
        assert self.said[name][0] == wire.SUCCEEDED, (name, self.said[name])
        found = {f"{end.epoch} {metric}": value for end in self.events(name, wire.EpochFinished) for metric, value in end.metrics.items()}
        judged = json.loads((self.folder(name).artifacts / "evaluation.json").read_text(encoding="utf-8"))
        return {**found, **{f"test {metric}": value for metric, value in judged["metrics"].items()}}


@pytest.fixture(scope="module", params=["tensorflow", "jax"])
def ran(request: pytest.FixtureRequest, data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Every spec, trained on one backend."""
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed: pip install 'trainyard[jax]'")
    runs = tmp_path_factory.mktemp("runs")
    (runs / "specs.json").write_text(json.dumps(SPECS), encoding="utf-8")
    environment = {**os.environ, "KERAS_BACKEND": request.param, "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "2"}
    script = Path(__file__).with_name("several_devices.py")
    command = [sys.executable, str(script), str(runs), str(data_root), str(STAND_INS)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return Ran(request.param, runs, json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "alone, together",
    [
        pytest.param("one", "two", id="batch norm, class weights, accumulation, clipping, schedule, penalties"),
        pytest.param("one", "three", id="fewer samples in the last batch than devices"),
        pytest.param("one", "streamed", id="samples from the host"),
        pytest.param("whole-batch loss, one", "whole-batch loss, four", id="a loss that is no mean over samples"),
        pytest.param("words, one", "words, two", id="embeddings, whose gradients are rows, and a recurrent layer"),
        pytest.param("summed loss, one", "summed loss, two", id="a summed loss"),
    ],
)
def test_devices_that_share_a_batch_come_to_the_numbers_of_one(ran: Ran, alone: str, together: str) -> None:
    assert ran.numbers(together) == pytest.approx(ran.numbers(alone), rel=2e-3, abs=2e-4)


def test_half_precision_with_a_dynamic_loss_scale_is_that_of_one_device_but_for_half_rounding(ran: Ran) -> None:
    alone, together = ran.numbers("half precision, one"), ran.numbers("half precision, two")
    losses = {name: value for name, value in alone.items() if name.endswith("loss")}
    assert {name: together[name] for name in losses} == pytest.approx(losses, rel=0.05)


def test_draws_are_those_of_one_device_on_jax_and_each_devices_own_on_tensorflow(ran: Ran) -> None:
    alone, together = ran.numbers("drawn, one"), ran.numbers("drawn, two")
    if ran.backend == "jax":
        assert together == pytest.approx(alone, rel=2e-3, abs=2e-4)
    else:
        assert together["1 loss"] != pytest.approx(alone["1 loss"], rel=1e-4)
        assert together["1 loss"] == pytest.approx(alone["1 loss"], rel=0.5)


def test_a_run_says_on_how_many_devices_it_goes(ran: Ran) -> None:
    assert [ran.events(name, wire.Started)[0].devices for name in ("one", "two", "three")] == [1, 2, 3]


def test_a_saved_model_knows_nothing_of_the_devices(ran: Ran) -> None:
    configurations = []
    for name in ("one", "two"):
        with zipfile.ZipFile(ran.folder(name).artifacts / "best.keras") as saved:
            configurations.append(saved.read("config.json").decode())
    assert '"synchronized": true' not in configurations[1]
    assert configurations[0].count('"class_name"') == configurations[1].count('"class_name"')


@pytest.mark.parametrize("name, says", [("not shared evenly", "can not be shared evenly by 5 GPUs"), ("more than there are", "sees 6")])
def test_what_can_not_be_shared_is_refused_with_a_sentence(ran: Ran, name: str, says: str) -> None:
    outcome, message = ran.said[name]
    assert outcome == wire.FAILED
    assert says in message
    assert [end.reason for end in ran.events(name, wire.Ended)] in ([], ["spec"])


def test_a_program_of_jax_really_splits_the_batch(ran: Ran, split_rows: Callable[[], list[int]]) -> None:
    if ran.backend != "jax":
        pytest.skip("TensorFlow shares a batch by hand")
    assert split_rows() == [6, 6]


@pytest.fixture
def split_rows() -> Callable[[], list[int]]:
    """Tells how many rows of a batch of twelve lie on each of two devices after a program took them."""
    script = (
        "import jax, json; jax.config.update('jax_num_cpu_devices', 2)\n"
        "from trainyard.service.trainer.spread import over\n"
        "from trainyard.service.trainer.speed.layout import Layout\n"
        "layout = Layout(over(2, 'jax', ['cpu:0', 'cpu:1']))\n"
        "take = jax.jit(lambda table: layout.share(table[layout.share(jax.numpy.arange(12))] * 2.0))\n"
        "taken = take(layout.put(jax.numpy.ones((50, 4))))\n"
        "print(json.dumps([shard.data.shape[0] for shard in taken.addressable_shards]))"
    )

    def ask() -> list[int]:
        environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)
        rows: list[int] = json.loads(done.stdout.splitlines()[-1])
        return rows

    return ask
