"""Real Keras is the oracle of shapes and parameter counts, on generated models."""

from __future__ import annotations

import random
from typing import Any

import pytest

from trainyard.linter.shapes import layers_of
from trainyard.linter.shapes.layers import Shapes
from trainyard.linter.spec.model.architecture import Cnn, ConvBlock, Head, Mlp, Output

pytestmark = pytest.mark.keras

CASES = 80


def drawn_block(draw: random.Random) -> ConvBlock:
    kernel = draw.choice([(1, 1), (3, 3), (5, 3), (2, 2)])
    pooling = draw.choice(["max", "average", None])
    return ConvBlock(
        filters=draw.randint(1, 9),
        kernel=kernel,
        convolutions=draw.randint(1, 3),
        strides=draw.choice([1, 1, 2]),
        padding=draw.choice(["same", "valid"]),
        batch_norm=draw.random() < 0.5,
        pooling=pooling,
        pool_size=draw.choice([2, 3]),
        dropout=draw.choice([0.0, 0.25]),
    )


def drawn_hidden(draw: random.Random) -> tuple[tuple[int, ...], tuple[float, ...]]:
    hidden = tuple(draw.randint(1, 12) for _ in range(draw.randint(0, 3)))
    return hidden, tuple(draw.choice([0.0, 0.5]) for _ in hidden or (None,))


def drawn_output(draw: random.Random) -> Output:
    return Output(draw.randint(1, 10), draw.choice(["softmax", "linear", "sigmoid"]), draw.random() < 0.8)


def drawn_cnn(draw: random.Random) -> tuple[Cnn, tuple[int, ...]]:
    hidden, dropout = drawn_hidden(draw)
    head = Head(draw.choice(["flatten", "global_average", "global_max"]), hidden, draw.random() < 0.5, dropout)
    blocks = tuple(drawn_block(draw) for _ in range(draw.randint(1, 4)))
    shape = (draw.randint(5, 40), draw.randint(5, 40), draw.choice([1, 3, 4]))
    return Cnn("cnn", blocks, head, draw.choice(["relu", "linear"]), drawn_output(draw), None), shape


def drawn_mlp(draw: random.Random) -> tuple[Mlp, tuple[int, ...]]:
    hidden, dropout = drawn_hidden(draw)
    shape = draw.choice([(7,), (30,), (4, 5), (6, 6, 2)])
    return Mlp("mlp", hidden, draw.random() < 0.5, dropout, "relu", drawn_output(draw), None), shape


def keras_hidden(x: Any, hidden: tuple[int, ...], dropout: tuple[float, ...], activation: str, *, batch_norm: bool) -> Any:
    from keras import layers

    if not hidden and dropout[0]:
        x = layers.Dropout(dropout[0])(x)
    for units, rate in zip(hidden, dropout, strict=False):
        x = layers.Dense(units)(x)
        x = layers.BatchNormalization()(x) if batch_norm else x
        x = layers.Activation(activation)(x) if activation != "linear" else x
        x = layers.Dropout(rate)(x) if rate else x
    return x


def keras_output(x: Any, output: Output) -> Any:
    from keras import layers

    x = layers.Dense(output.units, use_bias=output.bias)(x)
    return layers.Activation(output.activation)(x) if output.activation != "linear" else x


def keras_block(x: Any, block: ConvBlock, activation: str) -> Any:
    from keras import layers

    for convolution in range(block.convolutions):
        x = layers.Conv2D(block.filters, block.kernel, strides=1 if convolution else block.strides, padding=block.padding)(x)
        x = layers.BatchNormalization()(x) if block.batch_norm else x
        x = layers.Activation(activation)(x) if activation != "linear" else x
    if block.pooling is not None:
        x = (layers.MaxPooling2D if block.pooling == "max" else layers.AveragePooling2D)(block.pool_size)(x)
    return layers.Dropout(block.dropout)(x) if block.dropout else x


def keras_cnn(model: Cnn, shape: tuple[int, ...]) -> Any:
    import keras
    from keras import layers

    flatten = {"flatten": layers.Flatten, "global_average": layers.GlobalAveragePooling2D, "global_max": layers.GlobalMaxPooling2D}
    inputs = x = keras.Input(shape)
    for block in model.blocks:
        x = keras_block(x, block, model.activation)
    x = flatten[model.head.pooling]()(x)
    x = keras_hidden(x, model.head.hidden, model.head.dropout, model.activation, batch_norm=model.head.batch_norm)
    return keras.Model(inputs, keras_output(x, model.output))


def keras_mlp(model: Mlp, shape: tuple[int, ...]) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input(shape)
    x = layers.Flatten()(inputs) if len(shape) > 1 else inputs
    x = keras_hidden(x, model.hidden, model.dropout, model.activation, batch_norm=model.batch_norm)
    return keras.Model(inputs, keras_output(x, model.output))


def assert_equal(ours: Shapes, theirs: Any) -> None:
    assert ours.parameters == theirs.count_params()
    assert ours.trainable == sum(int(weight.shape.num_elements()) for weight in theirs.trainable_weights)
    built = [(type(layer).__name__, layer.output.shape[1:], layer.count_params()) for layer in theirs.layers[1:]]
    assert [(layer.kind, layer.output_shape, layer.parameters) for layer in ours.layers] == built


def test_generated_convolutional_nets_have_the_shapes_and_parameters_of_keras() -> None:
    draw = random.Random(7)
    collapsed = 0
    for _ in range(CASES):
        model, shape = drawn_cnn(draw)
        ours = layers_of(model, shape)
        assert ours is not None
        if ours.obstacle is not None:
            collapsed += 1
            with pytest.raises(ValueError, match=r"negative|one or more|Computed output size"):
                keras_cnn(model, shape)
        else:
            assert_equal(ours, keras_cnn(model, shape))
    assert 5 < collapsed < CASES / 2


def test_generated_dense_nets_have_the_shapes_and_parameters_of_keras() -> None:
    draw = random.Random(8)
    for _ in range(CASES // 2):
        model, shape = drawn_mlp(draw)
        ours = layers_of(model, shape)
        assert ours is not None
        assert_equal(ours, keras_mlp(model, shape))
