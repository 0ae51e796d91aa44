"""Memory of a step that XLA compiled for a processor: what counts, and that odd shapes do not break it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from trainyard.linter.estimate.hardware import BadProfileError, Bytes, HardwareProfile, profile
from trainyard.linter.estimate.memory import Demand, Phase
from trainyard.linter.shapes import Shapes, infer
from trainyard.linter.spec.model.optimizer import Adadelta, Adam, Optimizer

REST = (None, None, None, None)
ADAM = Adam("adam", 0.001, 0.9, 0.999, 1e-7, False, *REST)
Understood = Callable[..., Any]


def processor(**changes: object) -> HardwareProfile:
    return profile({"device": "Some CPU", "backend": "jax", "memory_bytes": 1e10, "context_bytes": 0, **changes})


def total(shapes: Shapes, optimizer: Optimizer = ADAM, precision: str = "float32", batch: int = 32) -> Bytes:
    return Demand(shapes, optimizer, precision).memory(batch, processor()).total


def pooled(understood: Understood, pooling: str | None) -> Shapes:
    found = infer(understood({"type": "cnn", "blocks": [{"filters": 32, "pooling": pooling}]}, [64, 64, 1]), None, 10)
    assert found is not None
    return found


def test_only_the_jax_backend_without_a_gpu_compiles_on_a_processor() -> None:
    assert processor().compiles_on_cpu
    assert not processor(backend="tensorflow").compiles_on_cpu
    assert not profile({"device": "NVIDIA T4", "backend": "jax", "memory_bytes": 1}).compiles_on_cpu
    assert profile({"device": "some box", "kind": "cpu", "backend": "jax", "memory_bytes": 1}).compiles_on_cpu
    assert profile({"device": "Intel(R) Xeon(R) Platinum", "backend": "jax", "memory_bytes": 1}).compiles_on_cpu
    with pytest.raises(BadProfileError, match="'kind'"):
        processor(kind="tpu")


def test_largest_pooling_costs_the_index_of_every_number_and_mean_pooling_does_not(understood: Understood) -> None:
    largest, mean = (total(pooled(understood, pooling)) for pooling in ("max", "average"))
    assert largest.low > 1.5 * mean.high


def test_a_step_with_largest_pooling_that_takes_fourteen_units_is_not_said_to_fit_nine(understood: Understood) -> None:
    blocks = [{"filters": filters, "convolutions": 2} for filters in (32, 64, 128)]
    deep = infer(understood({"type": "cnn", "blocks": blocks}, [64, 64, 3]), None, 10)
    assert deep is not None
    unit = 32 * 64 * 64 * 32 * 4
    assert total(deep).high > 14 * unit


def test_adadelta_lays_out_three_times_the_weights(dense_net: Shapes) -> None:
    adadelta = Adadelta("adadelta", 0.001, 0.95, 1e-7, *REST)
    adam = total(dense_net, batch=1)
    assert total(dense_net, adadelta, batch=1).low - adam.low > 4 * dense_net.trainable


def test_half_precision_saves_little_on_a_processor(image_net: Shapes) -> None:
    whole, half = (total(image_net, precision=precision) for precision in ("float32", "mixed_float16"))
    assert whole.low > half.low > 0.7 * whole.low


def test_state_and_batch_are_exact_and_the_rest_is_an_interval(image_net: Shapes) -> None:
    memory = Demand(image_net, ADAM, "float32").memory(32, processor())
    assert memory.weights == Bytes(4 * image_net.parameters, 4 * image_net.parameters)
    assert memory.optimizer_slots == Bytes(8 * image_net.trainable, 8 * image_net.trainable)
    assert memory.workspace == Bytes(0, 0)
    assert 1.3 < memory.total.high / memory.total.low < 1.55
    assert Demand(image_net, ADAM, "float32").phases(32, processor())[Phase.TRAIN] == memory


def test_a_backbone_that_nobody_measured_has_a_wider_interval(understood: Understood) -> None:
    def ratio(name: str) -> float:
        model = {"type": "transfer", "backbone": name, "weights": None, "trainable": "all", "freeze_batch_norm": False}
        found = infer(understood(model, [96, 96, 3]), None, 10)
        assert found is not None
        activations = Demand(found, ADAM, "float32").memory(32, processor()).activations
        return activations.high / activations.low

    assert ratio("resnet50") < 1.7
    assert ratio("nasnet_mobile") > 3


def test_shapes_beyond_every_number_give_a_size_and_no_error(understood: Understood) -> None:
    layers = [{"type": "conv2d", "filters": 2**50, "kernel_size": 1}] * 40 + [{"type": "flatten"}, {"type": "dense", "units": 2**50}]
    found = infer(understood({"type": "sequential", "layers": layers}, [2**40, 2**40, 2**40]))
    assert found is not None
    assert total(found, batch=2**50).low > 1e30
