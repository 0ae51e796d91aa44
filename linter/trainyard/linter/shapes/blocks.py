"""The model types ``cnn`` and ``mlp``, in the order in which the trainer builds them.

Convolutional block: ``convolutions`` times (convolution, batch normalization, activation), the first one taking the
step, then pooling, then dropout. Head: flatten or global pooling, then per hidden layer (dense, batch normalization, activation, dropout).
Every convolution and dense layer has a bias, normalised or not; only the output's is for the author to choose.
"""

from __future__ import annotations

from collections.abc import Sequence

from trainyard.linter.shapes.stack import Stack
from trainyard.linter.spec.model.architecture import Cnn, ConvBlock, Head, Mlp, Output

FLATTEN = "flatten"


def cnn(stack: Stack, model: Cnn, units: int) -> None:
    """Append the layers of a ``cnn``; the stack's input is (height, width, channels)."""
    for index, block in enumerate(model.blocks):
        _block(stack, block, index, model.activation)
    head(stack, model.head, model.activation)
    add_output(stack, model.output, units)


def mlp(stack: Stack, model: Mlp, units: int) -> None:
    """Append the layers of an ``mlp``; an input of several axes is flattened first."""
    if len(stack.shape) > 1:
        stack.flatten()
    stack.part = "hidden"
    _hidden(stack, model.hidden, model.dropout, model.activation, batch_norm=model.batch_norm)
    add_output(stack, model.output, units)


def head(stack: Stack, head: Head, activation: str) -> None:
    """Append what leads from a feature map to the output."""
    stack.pointer, stack.part = "/model/head", "head"
    if head.pooling == FLATTEN:
        stack.flatten()
    else:
        stack.global_pooling(head.pooling.removeprefix("global_"))
    _hidden(stack, head.hidden, head.dropout, activation, batch_norm=head.batch_norm)


def add_output(stack: Stack, output: Output, units: int) -> None:
    """Append the last layer and its activation."""
    stack.pointer, stack.part = "/model/output", "output"
    stack.dense(units, bias=output.bias)
    stack.activation(output.activation)


def _block(stack: Stack, block: ConvBlock, index: int, activation: str) -> None:
    stack.pointer, stack.part = f"/model/blocks/{index}", f"block {index + 1}"
    stack.need_axes(f"Conv{len(block.kernel)}D", len(block.kernel) + 1)
    for convolution in range(block.convolutions):
        step = block.strides if convolution == 0 else 1
        stack.convolution(block.filters, block.kernel, (step,) * len(block.kernel), block.padding)
        if block.batch_norm:
            stack.batch_normalization()
        stack.activation(activation)
    if block.pooling is not None:
        size = (block.pool_size,) * len(block.kernel)
        stack.pooling(block.pooling, size, size)
    stack.dropout(block.dropout)


def _hidden(stack: Stack, hidden: Sequence[int], dropout: Sequence[float], activation: str, *, batch_norm: bool) -> None:
    """Append the hidden layers; without any, the dropout applies to what the output sees."""
    if not hidden and dropout:
        stack.dropout(dropout[0])
    for index, units in enumerate(hidden):
        stack.dense(units)
        if batch_norm:
            stack.batch_normalization()
        stack.activation(activation)
        stack.dropout(dropout[index] if index < len(dropout) else 0.0)
