"""What learns: the model types of the language."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from trainyard.linter.spec.model.layers import Layer


class Output(NamedTuple):
    """The last layer; ``units`` is ``None`` while the number of classes is unknown."""

    units: int | None
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
    """From feature map to output: how it is flattened, and the dense layers after that.

    ``dropout`` has one rate per hidden layer. Without hidden layers it is empty, or one rate that drops
    inputs of the output layer.
    """

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
    """Dense layers; with ``hidden`` empty it is a linear model. Dropout rates as in a ``Head``."""

    type: str
    hidden: tuple[int, ...]
    batch_norm: bool
    dropout: tuple[float, ...]
    activation: str
    output: Output
    initial: str | None


class Transfer(NamedTuple):
    """A backbone of Keras Applications with a new head.

    ``trainable`` is ``none``, ``all``, ``{"last": n}`` or ``{"from": name of a layer}``.
    """

    type: str
    backbone: str
    weights: str | None
    trainable: str | dict[str, int | str]
    freeze_batch_norm: bool
    head: Head
    activation: str
    output: Output
    initial: str | None


class Sequential(NamedTuple):
    """Explicit layers; the last one is the output unless ``output`` is there."""

    type: str
    layers: "tuple[Layer, ...]"
    output: Output | None
    initial: str | None


class Node(NamedTuple):
    """One layer of a graph and the names of those it takes from; ``input`` is the sample itself."""

    name: str
    inputs: tuple[str, ...]
    layer: "Layer"


class Graph(NamedTuple):
    """Named layers; the last one is the output unless ``output`` is there."""

    type: str
    layers: tuple[Node, ...]
    output: Output | None
    initial: str | None


class Declared(NamedTuple):
    """A model that is only described; a server does not run it."""

    type: str
    parameters: int
    batch_norm: bool


Model = Cnn | Mlp | Transfer | Sequential | Graph | Declared
