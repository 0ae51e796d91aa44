"""What learns: the model types of the language."""

from typing import NamedTuple


class Output(NamedTuple):
    """The last layer: number of units and activation."""

    units: int
    activation: str
    bias: bool


class ConvBlock(NamedTuple):
    """Some convolutions of one width, then pooling; ``dropout`` follows the pooling."""

    filters: int
    kernel: tuple[int, ...]
    convolutions: int
    strides: int
    padding: str
    batch_norm: bool
    pooling: str | None
    pool_size: int
    dropout: float


class Head(NamedTuple):
    """From feature map to output: how it is flattened, and the dense layers after that."""

    pooling: str
    hidden: tuple[int, ...]
    batch_norm: bool
    dropout: tuple[float, ...]


class Cnn(NamedTuple):
    """Convolutional blocks and a dense head."""

    type: str
    blocks: tuple[ConvBlock, ...]
    head: Head
    activation: str
    output: Output
    initial: str | None


class Mlp(NamedTuple):
    """Dense layers; with ``hidden`` empty it is a linear model. One dropout rate per hidden layer."""

    type: str
    hidden: tuple[int, ...]
    batch_norm: bool
    dropout: tuple[float, ...]
    activation: str
    output: Output
    initial: str | None


Model = Cnn | Mlp
