"""Disk: what a run leaves."""

from __future__ import annotations

from trainyard.linter.estimate.disk import disk
from trainyard.linter.shapes import Shapes
from trainyard.linter.spec.model.optimizer import Adam, Sgd

REST = (None, None, None, None)
ADAM = Adam("adam", 0.001, 0.9, 0.999, 1e-7, False, *REST)
SGD = Sgd("sgd", 0.01, 0.0, False, *REST)


def test_a_checkpoint_holds_the_weights_and_what_the_optimizer_keeps(image_net: Shapes) -> None:
    with_adam, with_sgd = (disk(image_net, each, "float32", kept=1, epochs=10) for each in (ADAM, SGD))
    assert with_adam.model == with_sgd.model
    assert with_adam.checkpoint.low - with_sgd.checkpoint.low == 8 * image_net.trainable
    assert with_adam.model.low > 4 * image_net.parameters


def test_the_total_counts_every_kept_checkpoint_once(image_net: Shapes) -> None:
    found = disk(image_net, ADAM, "float32", kept=3, epochs=10)
    assert found.total.low == found.model.low + 3 * found.checkpoint.low + found.logs.low
    assert found.peak.high == found.total.high + found.checkpoint.high
    none = disk(image_net, ADAM, "float32", kept=0, epochs=10)
    assert none.total.high == none.model.high + none.logs.high


def test_logs_grow_with_the_epochs_and_tensorboard_adds_its_graph(image_net: Shapes) -> None:
    short, long = (disk(image_net, ADAM, "float32", kept=0, epochs=each).logs for each in (10, 1000))
    assert long.low == 100 * short.low
    assert disk(image_net, ADAM, "float32", kept=0, epochs=10, tensorboard=True).logs.low > short.low + 10_000
    assert disk(image_net, ADAM, "float32", kept=0, epochs=-1).logs.high == 0
