"""What is learnt from: where the samples lie, how they are split, and what is known about them."""

from typing import NamedTuple

from trainyard.linter.spec.model.units import Range


class Part(NamedTuple):
    """One part of a split: a fraction of the samples, a number of them, or a path of its own."""

    fraction: float | None
    samples: int | None
    path: str | None


class Split(NamedTuple):
    """How the samples are divided into training, validation and test."""

    validation: Part | None
    test: Part | None
    method: str
    group: str | None
    seed: int


class SampleCount(NamedTuple):
    """How many samples there are: exactly, or a bound."""

    exactly: int | None
    at_least: int | None
    at_most: int | None


class SplitSamples(NamedTuple):
    """Sample counts declared for each part by itself."""

    train: SampleCount | None
    validation: SampleCount | None
    test: SampleCount | None


class Labels(NamedTuple):
    """How labels are written down, and the smallest and largest of them."""

    encoding: str | None
    min: float | None
    max: float | None


class Target(NamedTuple):
    """The range of a regression target and the scaling applied to it."""

    range: Range | None
    scaling: str | None


class Sequence(NamedTuple):
    """Length in tokens or time steps, size of the vocabulary, and the padding side."""

    length: int | None
    vocabulary: int | None
    padding: str | None


class Symmetries(NamedTuple):
    """Which changes keep a sample's meaning: flips, rotation, colour changes."""

    flips: bool | None
    rotation: bool | None
    colour: bool | None


class Facts(NamedTuple):
    """What is known about the data without reading it; ``None`` where nothing was declared."""

    samples: SampleCount | SplitSamples | None
    classes: int | tuple[str, ...] | None
    class_counts: dict[str, int] | tuple[int, ...] | None
    class_shares: dict[str, float] | tuple[float, ...] | None
    labels: Labels | None
    input_range: Range | None
    target: Target | None
    order: str | None
    overlap: str | None
    sequence: Sequence | None
    content: str | None
    symmetries: Symmetries | None
    fingerprint: str | None


class ImageDirectory(NamedTuple):
    """A folder with one sub-folder of images per class; ``input_shape`` is (height, width, channels)."""

    type: str
    path: str
    input_shape: tuple[int | None, ...] | None
    scaling: str
    split: Split
    facts: Facts
    interpolation: str
    bad_records: str
    max_bad_records: int


class Csv(NamedTuple):
    """A comma-separated table; ``target`` names the label column or columns."""

    type: str
    path: str
    target: str | tuple[str, ...]
    features: tuple[str, ...] | None
    categorical: tuple[str, ...]
    delimiter: str
    input_shape: tuple[int | None, ...] | None
    scaling: str
    split: Split
    facts: Facts
    bad_records: str
    max_bad_records: int


class Parquet(NamedTuple):
    """A Parquet table; ``target`` names the label column or columns."""

    type: str
    path: str
    target: str | tuple[str, ...]
    features: tuple[str, ...] | None
    categorical: tuple[str, ...]
    input_shape: tuple[int | None, ...] | None
    scaling: str
    split: Split
    facts: Facts
    bad_records: str
    max_bad_records: int


class Npz(NamedTuple):
    """A NumPy archive; ``features`` and ``target`` name its arrays (samples first)."""

    type: str
    path: str
    features: str
    target: str
    input_shape: tuple[int | None, ...] | None
    scaling: str
    split: Split
    facts: Facts
    bad_records: str
    max_bad_records: int


Dataset = ImageDirectory | Csv | Parquet | Npz
