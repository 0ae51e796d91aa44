"""Layers for sequences: embeddings and gated recurrences, with the weights that Keras gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainyard.linter.shapes.stack import Stack

if TYPE_CHECKING:
    from trainyard.linter.spec.model.layers import Embedding, Gru, Lstm

# Gates per unit.
_LSTM_GATES, _GRU_GATES = 4, 3
_KEPT_PER_UNIT = 5


def embedding(stack: Stack, layer: Embedding) -> None:
    """Append ``Embedding``: a vector for each number of its input."""
    if layer.input_dim < 1:
        raise stack.obstacle("size", "Embedding", "a size is zero or less")
    stack.add("Embedding", (*stack.shape, layer.output_dim), layer.input_dim * layer.output_dim)


def lstm(stack: Stack, layer: Lstm) -> None:
    """Append ``LSTM`` (keras/src/layers/rnn/lstm.py): four gates, one offset each."""
    _recurrent(stack, layer, "LSTM", _LSTM_GATES, _LSTM_GATES * layer.units * layer.use_bias)


def gru(stack: Stack, layer: Gru) -> None:
    """Append ``GRU`` (keras/src/layers/rnn/gru.py): three gates; two offsets each when the reset comes after the product."""
    _recurrent(stack, layer, "GRU", _GRU_GATES, _GRU_GATES * layer.units * layer.use_bias * (2 if layer.reset_after else 1))


def _recurrent(stack: Stack, layer: Lstm | Gru, kind: str, gates: int, offsets: int) -> None:
    kind = "Bidirectional" if layer.bidirectional else kind
    stack.need_axes(kind, 2)
    steps, features = stack.shape
    directions = 2 if layer.bidirectional else 1
    weights = gates * layer.units * (features + layer.units)
    width = layer.units * (2 if layer.bidirectional and layer.merge_mode == "concat" else 1)
    stack.add(
        kind,
        (steps, width) if layer.return_sequences else (width,),
        directions * (weights + offsets),
        multiply_adds=directions * steps * weights,
        # Gates and states of every step are read again on the way back: five numbers for a unit. GRU has three gates, its state,
        # and the recurrent product that the reset gate scales.
        inner=directions * steps * layer.units * _KEPT_PER_UNIT,
    )
