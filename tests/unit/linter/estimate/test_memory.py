"""The memory interval: what each term follows from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from trainyard.linter.estimate.hardware import Bytes, profile
from trainyard.linter.estimate.memory import Demand, Phase, resident_bytes, slot_count
from trainyard.linter.shapes import infer, layers_of
from trainyard.linter.shapes.layers import Shapes
from trainyard.linter.spec.model.architecture import Cnn, ConvBlock, Head, Mlp, Output
from trainyard.linter.spec.model.optimizer import Adadelta, Adagrad, Adam, Adamax, AdamW, Lion, Nadam, Optimizer, RmsProp, Sgd

REST = (None, None, None, None)  # weight decay and the three kinds of clipping
ADAM = Adam("adam", 0.001, 0.9, 0.999, 1e-7, False, *REST)
MLP = Mlp("mlp", (100,), False, (0.0,), "relu", Output(10, "linear", True), None)


def dense_net() -> Shapes:
    shapes = layers_of(MLP, (50,))
    assert shapes is not None
    return shapes


def image_net(size: int, filters: int) -> Shapes:
    block = ConvBlock(filters, (3, 3), 2, 1, "same", True, "max", 2, 0.2)
    shapes = layers_of(
        Cnn("cnn", (block, block), Head("flatten", (64,), False, (0.5,)), "relu", Output(10, "softmax", True), None), (size, size, 3)
    )
    assert shapes is not None
    return shapes


def test_weights_gradients_and_slots_follow_from_the_parameter_count() -> None:
    shapes = dense_net()
    memory = Demand(shapes, ADAM, "float32").memory(32)
    assert memory.weights == Bytes(4 * shapes.parameters, 4 * shapes.parameters)
    assert memory.optimizer_slots == Bytes(8 * shapes.trainable, 8 * shapes.trainable)
    assert memory.gradients.high == 4 * shapes.trainable
    assert memory.gradients.low == 4 * (50 * 100 + 100)


def test_mixed_precision_halves_activations_and_keeps_the_weights_in_float32() -> None:
    shapes = image_net(32, 16)
    whole, mixed = (Demand(shapes, ADAM, precision).memory(64) for precision in ("float32", "mixed_float16"))
    assert mixed.weights.low == whole.weights.low
    assert mixed.activations.low < 0.55 * whole.activations.low


def test_only_the_activations_grow_with_the_batch() -> None:
    demand = Demand(image_net(32, 16), ADAM, "float32")
    one, many = demand.memory(1), demand.memory(100)
    assert many.activations == Bytes(100 * one.activations.low, 100 * one.activations.high)
    assert many[:3] == one[:3]


def test_the_largest_batch_fits_and_the_next_one_does_not() -> None:
    demand, card = Demand(image_net(224, 64), ADAM, "float32"), profile("rtx-3060")
    largest = demand.largest_batch(card, 100_000)
    assert demand.memory(largest, card).total.high <= card.usable_bytes < demand.memory(largest + 1, card).total.high
    assert demand.largest_batch(card, 3) == 3
    tiny = profile({"device": "tiny", "memory_bytes": 1})
    assert demand.largest_batch(tiny, 100) == 0


def test_the_workspace_is_bounded_by_the_patches_of_the_largest_convolution() -> None:
    card = profile({"device": "x", "memory_bytes": 1e12, "workspace_bytes": [0, 1e12], "context_bytes": 0})
    shapes = image_net(32, 16)
    assert Demand(shapes, ADAM, "float32").memory(8, card).workspace.high == 8 * 32 * 32 * 9 * 16 * 4
    assert Demand(dense_net(), ADAM, "float32").memory(8, card).workspace == Bytes(0, 0)


def test_every_phase_of_a_run_holds_what_it_needs_and_no_more() -> None:
    demand, card = Demand(image_net(64, 32), ADAM, "float32"), profile("t4")
    phases = demand.phases(64, card, data_bytes=1000)
    assert set(phases) == set(Phase)
    assert phases[Phase.TRAIN] == demand.memory(64, card)._replace(data=Bytes(1000, 1000))
    assert phases[Phase.EVALUATE].gradients == phases[Phase.SAVE].gradients == Bytes(0, 0)
    assert Bytes(0, 0) < phases[Phase.EVALUATE].activations < phases[Phase.TRAIN].activations
    assert phases[Phase.SAVE].activations == phases[Phase.START].activations == Bytes(0, 0)
    assert phases[Phase.SAVE].weights == Bytes(demand.weights.low, 2 * demand.weights.high)
    assert all(memory.data == Bytes(1000, 1000) for memory in phases.values())


def test_samples_stay_on_the_device_when_they_take_a_quarter_of_it_at_most() -> None:
    card = profile({"device": "x", "memory_bytes": 1000, "usable_share": 1})
    assert resident_bytes(250, card) == 250
    assert resident_bytes(251, card) == 0


def test_training_is_the_phase_that_needs_the_most_unless_the_weights_outweigh_the_batch() -> None:
    assert Demand(image_net(64, 32), ADAM, "float32").peak(64)[0] is Phase.TRAIN
    wide = layers_of(MLP._replace(hidden=(2000, 2000)), (2000,))
    assert wide is not None
    assert Demand(wide, ADAM, "float32").peak(1)[0] is not Phase.TRAIN


def keras_optimizers() -> list[tuple[Optimizer, str, dict[str, object]]]:
    return [
        (ADAM, "Adam", {}),
        (Adam("adam", 0.001, 0.9, 0.999, 1e-7, True, *REST), "Adam", {"amsgrad": True}),
        (AdamW("adamw", 0.001, 0.9, 0.999, 1e-7, False, *REST), "AdamW", {}),
        (Sgd("sgd", 0.01, 0.0, False, *REST), "SGD", {}),
        (Sgd("sgd", 0.01, 0.9, True, *REST), "SGD", {"momentum": 0.9, "nesterov": True}),
        (RmsProp("rmsprop", 0.001, 0.9, 0.0, 1e-7, False, *REST), "RMSprop", {}),
        (RmsProp("rmsprop", 0.001, 0.9, 0.9, 1e-7, True, *REST), "RMSprop", {"momentum": 0.9, "centered": True}),
        (Adagrad("adagrad", 0.001, 0.1, 1e-7, *REST), "Adagrad", {}),
        (Adadelta("adadelta", 0.001, 0.95, 1e-7, *REST), "Adadelta", {}),
        (Adamax("adamax", 0.001, 0.9, 0.999, 1e-7, *REST), "Adamax", {}),
        (Nadam("nadam", 0.001, 0.9, 0.999, 1e-7, *REST), "Nadam", {}),
        (Lion("lion", 0.001, 0.9, 0.99, *REST), "Lion", {}),
    ]


@pytest.mark.keras
def test_every_optimizer_of_keras_keeps_as_many_variables_as_we_count() -> None:
    import keras

    weight = keras.Variable([[1.0, 2.0, 3.0]])
    for ours, name, arguments in keras_optimizers():
        theirs = getattr(keras.optimizers, name)(**arguments)
        theirs.build([weight])
        slots = sum(1 for variable in theirs.variables if variable.shape == weight.shape)
        assert slot_count(ours) == slots, name


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
@pytest.mark.parametrize("trainable", ["none", {"last": 20}, "all"])
def test_judging_with_a_backbone_holds_an_output_and_the_next_and_never_more_than_training(
    backend: str, trainable: object, understood: Callable[..., Any]
) -> None:
    shapes = infer(
        understood({"type": "transfer", "backbone": "mobilenet_v2", "weights": None, "trainable": trainable}, [224, 224, 3]), None, 10
    )
    assert shapes is not None
    box = profile({"device": "Some CPU", "kind": "cpu", "backend": backend, "memory_bytes": 32e9})
    phases = Demand(shapes, ADAM, "float32").phases(64, box)
    assert phases[Phase.EVALUATE].activations.high <= phases[Phase.TRAIN].activations.high
    assert phases[Phase.EVALUATE].activations.high < 1.5 * 1024**3
