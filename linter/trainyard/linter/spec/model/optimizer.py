"""How weights move: the optimizers of Keras 3 with their own parameters."""

from typing import NamedTuple


class Adam(NamedTuple):
    """Kingma & Ba 2015; ``weight_decay`` is decoupled, as in every class here."""

    type: str
    learning_rate: float
    beta_1: float
    beta_2: float
    epsilon: float
    amsgrad: bool
    weight_decay: float | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None


class AdamW(NamedTuple):
    """Loshchilov & Hutter 2019."""

    type: str
    learning_rate: float
    beta_1: float
    beta_2: float
    epsilon: float
    amsgrad: bool
    weight_decay: float | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None


class Sgd(NamedTuple):
    """Stochastic gradient descent with momentum."""

    type: str
    learning_rate: float
    momentum: float
    nesterov: bool
    weight_decay: float | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None


class RmsProp(NamedTuple):
    """Hinton's running mean of squares."""

    type: str
    learning_rate: float
    rho: float
    momentum: float
    epsilon: float
    centered: bool
    weight_decay: float | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None


class Adagrad(NamedTuple):
    """Duchi et al. 2011."""

    type: str
    learning_rate: float
    initial_accumulator_value: float
    epsilon: float
    weight_decay: float | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None


class Adadelta(NamedTuple):
    """Zeiler 2012."""

    type: str
    learning_rate: float
    rho: float
    epsilon: float
    weight_decay: float | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None


class Adamax(NamedTuple):
    """Adam with the infinity norm."""

    type: str
    learning_rate: float
    beta_1: float
    beta_2: float
    epsilon: float
    weight_decay: float | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None


class Nadam(NamedTuple):
    """Adam with Nesterov momentum."""

    type: str
    learning_rate: float
    beta_1: float
    beta_2: float
    epsilon: float
    weight_decay: float | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None


class Lion(NamedTuple):
    """Chen et al. 2023: the sign of a momentum."""

    type: str
    learning_rate: float
    beta_1: float
    beta_2: float
    weight_decay: float | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None


Optimizer = Adam | AdamW | Sgd | RmsProp | Adagrad | Adadelta | Adamax | Nadam | Lion
