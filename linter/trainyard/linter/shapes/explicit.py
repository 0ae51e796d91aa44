"""The model types ``sequential`` and ``graph``: explicit layers with Keras' own parameters.

Layers are told apart by their ``type`` text, so that this module needs none of their classes at run time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from trainyard.linter.shapes.blocks import add_output
from trainyard.linter.shapes.layers import Shape
from trainyard.linter.shapes.recurrent import embedding, gru, lstm
from trainyard.linter.shapes.stack import Stack, inside

# What Keras makes for matrices alone, and the weights (and outputs) that are some.
_FOR_MATRICES = {"regularizer": "orthogonal", "initializer": "identity"}
_MATRICES = frozenset(
    {("dense", "kernel"), ("dense", "activity"), ("embedding", "embeddings")}
    | {(kind, weights) for kind in ("lstm", "gru") for weights in ("kernel", "recurrent")}
)
# Weights in a row, which can not be orthogonal to anything.
_ROWS = frozenset({"bias", "beta", "gamma"})

if TYPE_CHECKING:
    from trainyard.linter.spec.model import layers as spec_layers
    from trainyard.linter.spec.model.architecture import Graph, Sequential


def grow(stack: Stack, model: Sequential | Graph, outputs: int | None) -> bool:
    """Append every layer, then the output if one is written; ``False`` where its units are unknown."""
    if model.type == "graph":
        _grow_graph(stack, model)  # type: ignore[arg-type]  # told apart by its type text
    else:
        for index, layer in enumerate(model.layers):
            stack.pointer, stack.part = f"/model/layers/{index}", f"layer {index + 1}"
            append(stack, layer)
    units = model.output and (model.output.units or outputs)
    if model.output is not None and units is not None:
        add_output(stack, model.output, units)
    if model.type == "graph":
        stack.drop_loose_ends()
    return model.output is None or units is not None


def append(stack: Stack, layer: Any, inputs: Sequence[int] = ()) -> None:
    """Append one explicit layer of the language (a residual block is several of Keras)."""
    kind: str = layer.type
    _need_matrices(stack, layer)
    if kind in _JOINS:
        _JOINS[kind](stack, layer, tuple(inputs) or (stack.tensor,))
    else:
        _APPEND[kind](stack, layer)


def _need_matrices(stack: Stack, layer: Any) -> None:
    """Stop where what is made for a matrix meets weights of another rank (keras/src/regularizers, keras/src/initializers)."""
    for field in layer._fields:
        weights, _, what = field.rpartition("_")
        value = getattr(layer, field) if what in _FOR_MATRICES else None
        name = getattr(value, "type", None)
        flat = (layer.type, weights) in _MATRICES and (weights != "activity" or len(stack.shape) == 1)
        if (name == _FOR_MATRICES.get(what, "") and not flat) or (name == "orthogonal" and weights in _ROWS):
            raise stack.obstacle("join", layer.type, f"the {what} {name} takes a matrix, and {weights} is none")


def _grow_graph(stack: Stack, model: Graph) -> None:
    tensors = {"input": 0}
    for index, node in enumerate(model.layers):
        stack.pointer, stack.part = f"/model/layers/{index}", node.name
        if node.name in tensors:
            whose = "the sample itself" if node.name == "input" else "an earlier layer"
            raise stack.obstacle("name", node.layer.type, f"'{node.name}' is the name of {whose}, so nobody can say which is meant")
        unknown = next((name for name in node.inputs if name not in tensors), None)
        if unknown is not None:
            raise stack.obstacle("name", node.layer.type, f"'{node.name}' takes from '{unknown}', and no layer before it has that name")
        inputs = [tensors[name] for name in node.inputs]
        stack.go_to(inputs[0] if inputs else 0)
        append(stack, node.layer, inputs)
        tensors[node.name] = stack.tensor


def _axes(size: Sequence[int], axes: int) -> tuple[int, ...]:
    """Return one number per axis: a single one means all."""
    return tuple(size) * axes if len(size) == 1 else tuple(size)


def _dims(kind: str) -> int:
    return 1 if "1d" in kind else 2


def _dense(stack: Stack, layer: spec_layers.Dense) -> None:
    stack.dense(layer.units, bias=layer.use_bias, activated=inside(layer.activation))


def _conv(stack: Stack, layer: spec_layers.Conv) -> None:
    axes = _dims(layer.type)
    stack.convolution(
        layer.filters,
        _axes(layer.kernel_size, axes),
        _axes(layer.strides, axes),
        layer.padding,
        bias=layer.use_bias,
        dilation=_axes(layer.dilation_rate, axes),
        groups=layer.groups,
        activated=inside(layer.activation),
    )


def _separable(stack: Stack, layer: spec_layers.SeparableConv) -> None:
    axes = _dims(layer.type)
    kind, kernel = f"SeparableConv{axes}D", _axes(layer.kernel_size, axes)
    spatial = stack.slide(kind, kernel, _axes(layer.strides, axes), layer.padding, _axes(layer.dilation_rate, axes))
    deep = stack.shape[-1] * layer.depth_multiplier
    weights = prod(kernel) * deep + deep * layer.filters
    inner = prod(spatial) * (deep + layer.filters * inside(layer.activation))
    parameters = weights + layer.filters * layer.use_bias
    stack.add(kind, (*spatial, layer.filters), parameters, multiply_adds=prod(spatial) * weights, inner=inner)


def _depthwise(stack: Stack, layer: spec_layers.DepthwiseConv) -> None:
    axes = _dims(layer.type)
    kind, kernel = f"DepthwiseConv{axes}D", _axes(layer.kernel_size, axes)
    spatial = stack.slide(kind, kernel, _axes(layer.strides, axes), layer.padding, _axes(layer.dilation_rate, axes))
    deep = stack.shape[-1] * layer.depth_multiplier
    weights = prod(kernel) * deep
    inner = prod(spatial) * deep * inside(layer.activation)
    stack.add(kind, (*spatial, deep), weights + deep * layer.use_bias, multiply_adds=prod(spatial) * weights, inner=inner)


def _transposed(stack: Stack, layer: spec_layers.ConvTranspose) -> None:
    axes = _dims(layer.type)
    kind = f"Conv{axes}DTranspose"
    stack.need_axes(kind, axes + 1)
    kernel, strides = _axes(layer.kernel_size, axes), _axes(layer.strides, axes)
    extra = (None,) * axes if layer.output_padding is None else _axes(layer.output_padding, axes)
    wide = [gap * (width - 1) + 1 for width, gap in zip(kernel, _axes(layer.dilation_rate, axes), strict=True)]
    if min(*kernel, *strides) < 1:
        raise stack.obstacle("size", kind, "a size is zero or less")
    stack.need_one_of(kind, strides, _axes(layer.dilation_rate, axes))
    spatial = tuple(
        _enlarged(size, width, stride, layer.padding, more)
        for size, width, stride, more in zip(stack.shape[:-1], wide, strides, extra, strict=True)
    )
    weights = prod(kernel) * stack.shape[-1] * layer.filters
    shape = (*spatial, layer.filters)
    inner = prod(shape) * inside(layer.activation)
    parameters = weights + layer.filters * layer.use_bias
    stack.add(kind, shape, parameters, multiply_adds=prod(stack.shape[:-1]) * weights, inner=inner)


def _enlarged(size: int, width: int, stride: int, padding: str, extra: int | None) -> int:
    """Return the length that a transposed window makes (keras/src/backend/common/backend_utils.py)."""
    if padding == "valid":
        return (size - 1) * stride + width + (max(width, stride) - width if extra is None else extra)
    return size * stride if extra is None else (size - 1) * stride + width % 2 + extra


def _pooling(stack: Stack, layer: spec_layers.Pooling) -> None:
    axes = _dims(layer.type)
    size = _axes(layer.pool_size, axes)
    strides = size if layer.strides is None else _axes(layer.strides, axes)
    stack.pooling("max" if layer.type.startswith("max") else "average", size, strides, layer.padding)


def _global_pooling(stack: Stack, layer: spec_layers.GlobalPooling) -> None:
    how = "max" if "max" in layer.type else "average"
    stack.global_pooling(how, axes=_dims(layer.type), keepdims=layer.keepdims)


def _axis_lengths(stack: Stack, kind: str, axis: int | tuple[int, ...] | None) -> Shape:
    """Return the lengths along axes that are counted as Keras does, the batch being axis 0."""
    lengths: list[int] = []
    for each in (axis,) if isinstance(axis, int) else axis or ():
        index = each if each < 0 else each - 1
        if each == 0 or not -len(stack.shape) <= index < len(stack.shape):
            raise stack.obstacle("rank", kind, f"it has no axis {each}")
        lengths.append(stack.shape[index])
    return tuple(lengths)


def _batch_normalization(stack: Stack, layer: spec_layers.BatchNormalization) -> None:
    (channels,) = _axis_lengths(stack, "BatchNormalization", layer.axis)
    stack.batch_normalization(channels=channels, center=layer.center, scale=layer.scale)


def _layer_normalization(stack: Stack, layer: spec_layers.LayerNormalization) -> None:
    width = prod(_axis_lengths(stack, "LayerNormalization", layer.axis))
    stack.add("LayerNormalization", stack.shape, width * (layer.center + layer.scale))


def _group_normalization(stack: Stack, layer: spec_layers.GroupNormalization) -> None:
    (width,) = _axis_lengths(stack, "GroupNormalization", layer.axis)
    groups = width if layer.groups == -1 else layer.groups
    if groups < 1 or width % groups:
        raise stack.obstacle("join", "GroupNormalization", f"{layer.groups} groups do not divide {width} channels")
    stack.add("GroupNormalization", stack.shape, width * (layer.center + layer.scale))


def _dropout(stack: Stack, layer: spec_layers.Dropout) -> None:
    kind = {"dropout": "Dropout", "spatial_dropout1d": "SpatialDropout1D", "spatial_dropout2d": "SpatialDropout2D"}[layer.type]
    if layer.type != "dropout":
        stack.need_axes(kind, _dims(layer.type) + 1)
    stack.add(kind, stack.shape)


def _reshape(stack: Stack, layer: spec_layers.Reshape) -> None:
    elements, target = prod(stack.shape), layer.target_shape
    fixed = prod(length for length in target if length != -1)
    free = target.count(-1)
    shape = tuple(elements // fixed if length == -1 and fixed > 0 else length for length in target)
    if free > 1 or fixed < 1 or prod(shape) != elements:
        raise stack.obstacle("join", "Reshape", f"{elements} numbers do not fill {list(target)}")
    stack.add("Reshape", shape)


def _resizing(stack: Stack, layer: spec_layers.Resizing) -> None:
    stack.need_axes("Resizing", 3)
    stack.add("Resizing", (layer.height, layer.width, stack.shape[-1]))


def _normalization(stack: Stack, layer: spec_layers.Normalization) -> None:
    """Append ``Normalization``: without a mean it keeps mean, variance and a count of its own, which do not train."""
    lengths = _axis_lengths(stack, "Normalization", layer.axis)
    for values in (layer.mean, layer.variance):
        if isinstance(values, tuple) and len(values) not in {1, prod(lengths)}:
            raise stack.obstacle(
                "join", "Normalization", f"{len(values)} means or variances are not one for each of {prod(lengths)} features"
            )
    own = 0 if layer.mean is not None else 2 * prod(lengths) + 1
    stack.add("Normalization", stack.shape, own, trainable=0)


def _residual_block(stack: Stack, layer: spec_layers.ResidualBlock) -> None:
    stack.need_axes("Conv2D", 3)
    source, shape, bias = stack.tensor, stack.shape, not layer.batch_norm
    kernel, strides = _axes(layer.kernel_size, 2), _axes(layer.strides, 2)
    for index in range(layer.convolutions):
        stack.convolution(layer.filters, kernel, (1, 1) if index else strides, "same", bias=bias)
        if layer.batch_norm:
            stack.batch_normalization()
        if index < layer.convolutions - 1:
            stack.activation(layer.activation)
    end = stack.tensor
    if stack.shape != shape:
        stack.go_to(source)
        stack.convolution(layer.filters, (1, 1), strides, "same", bias=bias)
        if layer.batch_norm:
            stack.batch_normalization()
        source = stack.tensor
    stack.go_to(end)
    stack.add("Add", stack.shape, inputs=(end, source))
    stack.activation(layer.activation)


def _dense_block(stack: Stack, layer: spec_layers.DenseBlock) -> None:
    stack.need_axes("Conv2D", 3)
    kernel = _axes(layer.kernel_size, 2)
    for _ in range(layer.convolutions):
        source, channels = stack.tensor, stack.shape[-1]
        if layer.batch_norm:
            stack.batch_normalization()
        stack.activation(layer.activation)
        stack.convolution(layer.growth_rate, kernel, (1, 1), "same", bias=not layer.batch_norm)
        stack.dropout(layer.dropout)
        joined = (*stack.shape[:-1], channels + layer.growth_rate)
        stack.add("Concatenate", joined, inputs=(source, stack.tensor))


def _add(stack: Stack, _layer: spec_layers.PlainLayer, inputs: tuple[int, ...]) -> None:
    shapes = [_shape_of(stack, tensor) for tensor in inputs]
    if len(inputs) < 2:
        raise stack.obstacle("join", "Add", "it takes two inputs or more")
    joined = shapes[0]
    for other in shapes[1:]:
        merged = _broadcast(joined, other)
        if merged is None:
            raise stack.obstacle("join", "Add", f"{list(joined)} and {list(other)} cannot be added")
        joined = merged
    stack.add("Add", joined, inputs=inputs)


def _broadcast(left: Shape, right: Shape) -> Shape | None:
    """Return the shape of a sum, where an axis of length 1 is repeated, as ``Add`` of Keras does it."""
    if len(left) != len(right) or any(a != b and 1 not in {a, b} for a, b in zip(left, right, strict=True)):
        return None
    return tuple(max(a, b) for a, b in zip(left, right, strict=True))


def _concatenate(stack: Stack, layer: spec_layers.Concatenate, inputs: tuple[int, ...]) -> None:
    shapes = [_shape_of(stack, tensor) for tensor in inputs]
    axis = layer.axis if layer.axis < 0 else layer.axis - 1
    first = shapes[0]
    if len(inputs) < 2 or layer.axis == 0 or not -len(first) <= axis < len(first):
        raise stack.obstacle("join", "Concatenate", "it takes two inputs or more, and an axis that they have")
    axis %= len(first)
    if any(len(shape) != len(first) or _without(shape, axis) != _without(first, axis) for shape in shapes):
        raise stack.obstacle("join", "Concatenate", f"{' and '.join(str(list(shape)) for shape in shapes)} differ in another axis")
    stack.add("Concatenate", (*first[:axis], sum(shape[axis] for shape in shapes), *first[axis + 1 :]), inputs=inputs)


def _without(shape: Shape, axis: int) -> Shape:
    return shape[:axis] + shape[axis + 1 :]


def _shape_of(stack: Stack, tensor: int) -> Shape:
    return stack.layers[tensor - 1].output_shape if tensor else stack.input_shape


def _activation(stack: Stack, layer: spec_layers.Activation) -> None:
    stack.add("Activation", stack.shape, inner=prod(stack.shape) * max(0, inside(layer.activation) - 1))


def _same(kind: str) -> Callable[[Stack, Any], None]:
    """Return the function for a layer that changes neither shape nor weights."""
    return lambda stack, _layer: stack.add(kind, stack.shape)


_APPEND: dict[str, Callable[[Stack, Any], None]] = {
    "dense": _dense,
    "conv1d": _conv,
    "conv2d": _conv,
    "separable_conv1d": _separable,
    "separable_conv2d": _separable,
    "depthwise_conv1d": _depthwise,
    "depthwise_conv2d": _depthwise,
    "conv1d_transpose": _transposed,
    "conv2d_transpose": _transposed,
    "max_pooling1d": _pooling,
    "max_pooling2d": _pooling,
    "average_pooling1d": _pooling,
    "average_pooling2d": _pooling,
    "global_max_pooling1d": _global_pooling,
    "global_max_pooling2d": _global_pooling,
    "global_average_pooling1d": _global_pooling,
    "global_average_pooling2d": _global_pooling,
    "batch_normalization": _batch_normalization,
    "layer_normalization": _layer_normalization,
    "group_normalization": _group_normalization,
    "dropout": _dropout,
    "spatial_dropout1d": _dropout,
    "spatial_dropout2d": _dropout,
    "flatten": lambda stack, _layer: stack.flatten(),
    "reshape": _reshape,
    "embedding": embedding,
    "lstm": lstm,
    "gru": gru,
    "residual_block": _residual_block,
    "dense_block": _dense_block,
    "activation": _activation,
    "rescaling": _same("Rescaling"),
    "resizing": _resizing,
    "normalization": _normalization,
}
_JOINS: dict[str, Callable[[Stack, Any, tuple[int, ...]], None]] = {"add": _add, "concatenate": _concatenate}
