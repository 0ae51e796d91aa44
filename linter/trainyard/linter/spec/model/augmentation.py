"""Random changes of the training samples, as Keras' preprocessing layers make them."""

from typing import NamedTuple


class RandomFlip(NamedTuple):
    """Mirrors samples."""

    type: str
    mode: str


class RandomRotation(NamedTuple):
    """Rotates samples."""

    type: str
    factor: float | tuple[float, ...]
    fill_mode: str
    interpolation: str
    fill_value: float


class RandomZoom(NamedTuple):
    """Zooms in and out."""

    type: str
    height_factor: float | tuple[float, ...]
    width_factor: float | tuple[float, ...] | None
    fill_mode: str
    interpolation: str
    fill_value: float


class RandomTranslation(NamedTuple):
    """Shifts samples."""

    type: str
    height_factor: float | tuple[float, ...]
    width_factor: float | tuple[float, ...]
    fill_mode: str
    interpolation: str
    fill_value: float


class RandomShear(NamedTuple):
    """Slants samples."""

    type: str
    x_factor: float | tuple[float, ...]
    y_factor: float | tuple[float, ...]
    fill_mode: str
    interpolation: str
    fill_value: float


class RandomCrop(NamedTuple):
    """Cuts a window out at a random place (at the centre when not training)."""

    type: str
    height: int
    width: int


class RandomBrightness(NamedTuple):
    """Brightens and darkens."""

    type: str
    factor: float | tuple[float, ...]


class RandomContrast(NamedTuple):
    """Raises and lowers the contrast."""

    type: str
    factor: float | tuple[float, ...]


class RandomSaturation(NamedTuple):
    """Changes how colourful a sample is."""

    type: str
    factor: float | tuple[float, ...]


class RandomHue(NamedTuple):
    """Shifts colours."""

    type: str
    factor: float | tuple[float, ...]


class RandomSharpness(NamedTuple):
    """Sharpens and blurs."""

    type: str
    factor: float | tuple[float, ...]


class RandomGrayscale(NamedTuple):
    """Takes the colours away now and then."""

    type: str
    factor: float


class RandomGaussianBlur(NamedTuple):
    """Blurs samples."""

    type: str
    factor: float
    kernel_size: tuple[int, ...]
    sigma: float | tuple[float, ...]


class GaussianNoise(NamedTuple):
    """Adds noise."""

    type: str
    stddev: float


class RandomErasing(NamedTuple):
    """Blanks a rectangle."""

    type: str
    factor: float
    scale: tuple[float, ...]
    fill_value: float | None


class RandAugment(NamedTuple):
    """Some random operations of one strength (Cubuk 2019)."""

    type: str
    num_ops: int
    factor: float
    interpolation: str


class MixUp(NamedTuple):
    """Blends pairs of samples and their labels (Zhang 2018)."""

    type: str
    alpha: float


class CutMix(NamedTuple):
    """Pastes a piece of another sample and blends the labels (Yun 2019)."""

    type: str
    factor: float


Transform = (
    RandomFlip
    | RandomRotation
    | RandomZoom
    | RandomTranslation
    | RandomShear
    | RandomCrop
    | RandomBrightness
    | RandomContrast
    | RandomSaturation
    | RandomHue
    | RandomSharpness
    | RandomGrayscale
    | RandomGaussianBlur
    | GaussianNoise
    | RandomErasing
    | RandAugment
    | MixUp
    | CutMix
)
