"""Explicit layers, with Keras' own parameter names."""

from typing import NamedTuple

from trainyard.linter.spec.model.weights import Constraint, Initializer, Regularizer


class Dense(NamedTuple):
    """Every output sees every input."""

    type: str
    units: int
    activation: str
    use_bias: bool
    kernel_initializer: str | Initializer
    bias_initializer: str | Initializer
    kernel_regularizer: Regularizer | None
    bias_regularizer: Regularizer | None
    activity_regularizer: Regularizer | None
    kernel_constraint: Constraint | None
    bias_constraint: Constraint | None


class Conv(NamedTuple):
    """A convolution over a sequence (``conv1d``) or a picture (``conv2d``)."""

    type: str
    filters: int
    kernel_size: tuple[int, ...]
    strides: tuple[int, ...]
    padding: str
    dilation_rate: tuple[int, ...]
    groups: int
    activation: str
    use_bias: bool
    kernel_initializer: str | Initializer
    bias_initializer: str | Initializer
    kernel_regularizer: Regularizer | None
    bias_regularizer: Regularizer | None
    activity_regularizer: Regularizer | None
    kernel_constraint: Constraint | None
    bias_constraint: Constraint | None


class SeparableConv(NamedTuple):
    """A convolution per channel, then one across channels."""

    type: str
    filters: int
    kernel_size: tuple[int, ...]
    strides: tuple[int, ...]
    padding: str
    dilation_rate: tuple[int, ...]
    depth_multiplier: int
    activation: str
    use_bias: bool
    depthwise_initializer: str | Initializer
    pointwise_initializer: str | Initializer
    bias_initializer: str | Initializer
    depthwise_regularizer: Regularizer | None
    pointwise_regularizer: Regularizer | None
    bias_regularizer: Regularizer | None
    activity_regularizer: Regularizer | None
    depthwise_constraint: Constraint | None
    pointwise_constraint: Constraint | None
    bias_constraint: Constraint | None


class DepthwiseConv(NamedTuple):
    """A convolution for each channel by itself."""

    type: str
    kernel_size: tuple[int, ...]
    strides: tuple[int, ...]
    padding: str
    depth_multiplier: int
    dilation_rate: tuple[int, ...]
    activation: str
    use_bias: bool
    depthwise_initializer: str | Initializer
    bias_initializer: str | Initializer
    depthwise_regularizer: Regularizer | None
    bias_regularizer: Regularizer | None
    activity_regularizer: Regularizer | None
    depthwise_constraint: Constraint | None
    bias_constraint: Constraint | None


class ConvTranspose(NamedTuple):
    """A convolution that enlarges."""

    type: str
    filters: int
    kernel_size: tuple[int, ...]
    strides: tuple[int, ...]
    padding: str
    output_padding: tuple[int, ...] | None
    dilation_rate: tuple[int, ...]
    activation: str
    use_bias: bool
    kernel_initializer: str | Initializer
    bias_initializer: str | Initializer
    kernel_regularizer: Regularizer | None
    bias_regularizer: Regularizer | None
    activity_regularizer: Regularizer | None
    kernel_constraint: Constraint | None
    bias_constraint: Constraint | None


class Pooling(NamedTuple):
    """Shrinks by taking the largest value or the mean of each window; ``strides`` of ``None`` are the window's size."""

    type: str
    pool_size: tuple[int, ...]
    strides: tuple[int, ...] | None
    padding: str


class GlobalPooling(NamedTuple):
    """One value per channel."""

    type: str
    keepdims: bool


class BatchNormalization(NamedTuple):
    """Zero mean and unit variance over the batch, per channel."""

    type: str
    axis: int
    momentum: float
    epsilon: float
    center: bool
    scale: bool
    beta_initializer: str | Initializer
    gamma_initializer: str | Initializer
    moving_mean_initializer: str | Initializer
    moving_variance_initializer: str | Initializer
    beta_regularizer: Regularizer | None
    gamma_regularizer: Regularizer | None
    beta_constraint: Constraint | None
    gamma_constraint: Constraint | None


class LayerNormalization(NamedTuple):
    """Zero mean and unit variance per sample."""

    type: str
    axis: int | tuple[int, ...]
    epsilon: float
    center: bool
    scale: bool
    beta_initializer: str | Initializer
    gamma_initializer: str | Initializer
    beta_regularizer: Regularizer | None
    gamma_regularizer: Regularizer | None
    beta_constraint: Constraint | None
    gamma_constraint: Constraint | None


class GroupNormalization(NamedTuple):
    """Zero mean and unit variance per sample and group of channels."""

    type: str
    groups: int
    axis: int
    epsilon: float
    center: bool
    scale: bool
    beta_initializer: str | Initializer
    gamma_initializer: str | Initializer
    beta_regularizer: Regularizer | None
    gamma_regularizer: Regularizer | None
    beta_constraint: Constraint | None
    gamma_constraint: Constraint | None


class Dropout(NamedTuple):
    """Drops single values, or whole channels (``spatial_dropout1d``, ``spatial_dropout2d``), while training."""

    type: str
    rate: float


class PlainLayer(NamedTuple):
    """A layer without parameters: ``flatten``, or ``add`` in a graph."""

    type: str


class Reshape(NamedTuple):
    """Gives the values another shape."""

    type: str
    target_shape: tuple[int, ...]


class Embedding(NamedTuple):
    """A learnt vector for each token."""

    type: str
    input_dim: int
    output_dim: int
    embeddings_initializer: str | Initializer
    embeddings_regularizer: Regularizer | None
    embeddings_constraint: Constraint | None
    mask_zero: bool


class Lstm(NamedTuple):
    """Long short-term memory (Hochreiter & Schmidhuber 1997)."""

    type: str
    units: int
    activation: str
    recurrent_activation: str
    use_bias: bool
    kernel_initializer: str | Initializer
    recurrent_initializer: str | Initializer
    bias_initializer: str | Initializer
    kernel_regularizer: Regularizer | None
    recurrent_regularizer: Regularizer | None
    bias_regularizer: Regularizer | None
    activity_regularizer: Regularizer | None
    kernel_constraint: Constraint | None
    recurrent_constraint: Constraint | None
    bias_constraint: Constraint | None
    dropout: float
    recurrent_dropout: float
    return_sequences: bool
    go_backwards: bool
    bidirectional: bool
    merge_mode: str
    unit_forget_bias: bool


class Gru(NamedTuple):
    """Gated recurrent unit (Cho 2014)."""

    type: str
    units: int
    activation: str
    recurrent_activation: str
    use_bias: bool
    kernel_initializer: str | Initializer
    recurrent_initializer: str | Initializer
    bias_initializer: str | Initializer
    kernel_regularizer: Regularizer | None
    recurrent_regularizer: Regularizer | None
    bias_regularizer: Regularizer | None
    activity_regularizer: Regularizer | None
    kernel_constraint: Constraint | None
    recurrent_constraint: Constraint | None
    bias_constraint: Constraint | None
    dropout: float
    recurrent_dropout: float
    return_sequences: bool
    go_backwards: bool
    bidirectional: bool
    merge_mode: str
    reset_after: bool


class ResidualBlock(NamedTuple):
    """2-D convolutions whose result is added to their input (He 2016).

    Convolution, batch norm, activation, repeated; the last activation comes after the addition. The first
    convolution takes the step. Where shape or channels change, the input passes a 1x1 convolution (and
    batch norm) of its own. Convolutions have offsets only without batch norm; padding is ``same``.
    """

    type: str
    filters: int
    kernel_size: tuple[int, ...]
    strides: tuple[int, ...]
    convolutions: int
    batch_norm: bool
    activation: str


class DenseBlock(NamedTuple):
    """2-D convolutions that each see all outputs before them (Huang 2017).

    Batch norm, activation, convolution, dropout, then joined to the input along the channels. Convolutions
    have offsets only without batch norm; padding is ``same``, the step 1.
    """

    type: str
    convolutions: int
    growth_rate: int
    kernel_size: tuple[int, ...]
    batch_norm: bool
    activation: str
    dropout: float


class Activation(NamedTuple):
    """A function of each value."""

    type: str
    activation: str


class Rescaling(NamedTuple):
    """Multiplies and shifts."""

    type: str
    scale: float
    offset: float


class Resizing(NamedTuple):
    """Brings pictures to one size."""

    type: str
    height: int
    width: int
    interpolation: str
    crop_to_aspect_ratio: bool


class Normalization(NamedTuple):
    """Subtracts a mean and divides by a standard deviation; both are taken from the training data unless written."""

    type: str
    axis: int | tuple[int, ...] | None
    mean: float | tuple[float, ...] | None
    variance: float | tuple[float, ...] | None


class Concatenate(NamedTuple):
    """Joins several inputs (in a graph)."""

    type: str
    axis: int


Layer = (
    Dense
    | Conv
    | SeparableConv
    | DepthwiseConv
    | ConvTranspose
    | Pooling
    | GlobalPooling
    | BatchNormalization
    | LayerNormalization
    | GroupNormalization
    | Dropout
    | PlainLayer
    | Reshape
    | Embedding
    | Lstm
    | Gru
    | ResidualBlock
    | DenseBlock
    | Activation
    | Rescaling
    | Resizing
    | Normalization
    | Concatenate
)
