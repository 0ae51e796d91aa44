"""A folder with one sub-folder of images per class, decoded once into uint8.

Each image is decoded by its content, converted to the channels of ``input_shape`` and resized; class names are the
folder names, sorted. What can not be decoded is named with its reason, and the policy of the spec decides.
"""

from __future__ import annotations

import math
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from trainyard.linter.facts import images as facts
from trainyard.linter.facts.budget import Budget
from trainyard.linter.spec.model.dataset import ImageDirectory
from trainyard.service.trainer.data import budget, location
from trainyard.service.trainer.data.budget import Room
from trainyard.service.trainer.data.samples import Array, BadRecord, Samples, judge
from trainyard.service.trainer.failures import DataError

_MOST_PIXELS = 64 * 1024 * 1024
_SMALLEST = (1, 1, 1)
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
# Pillow modes that are neither three-channel colour nor turned into it.
_CHANNELS = {"1": 1, "L": 1, "LA": 1, "I": 1, "I;16": 1, "F": 1, "RGBA": 4, "PA": 4}
_RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    name: str
    label: int


def read(dataset: ImageDirectory, root: Path, known_classes: tuple[str, ...] | None = None) -> Samples:
    """Decode every image; ``known_classes`` are those of the training folder when this is a part of its own.

    Raises:
        DataError: not there, empty, another set of classes, too large for memory, or too many bad files.
    """
    folder = location.find(root, dataset.path)
    if not folder.is_dir():
        raise DataError(f'"{dataset.path}" is a file; an image_directory is a folder with one folder per class.')
    classes, files = _list_files(folder, root, known_classes, dataset.path)
    if not files:
        raise DataError(
            f'There are no images in "{dataset.path}" (looked for {", ".join(sorted(facts.SUFFIXES))} in one folder per class).'
        )
    shape = _shape(dataset, files)
    inputs, bad = _decode_all(files, shape, dataset.interpolation)
    judge(bad, dataset.bad_records, dataset.max_bad_records, "images")
    bad_names = {record.name for record in bad}
    kept = np.array([index for index, file in enumerate(files) if file.name not in bad_names], dtype=np.int64)
    targets = np.array([file.label for file in files], dtype=np.int32)[kept]
    return Samples(inputs.kept(kept), targets, classes, bad=tuple(bad))


def _list_files(folder: Path, root: Path, known_classes: tuple[str, ...] | None, shown: str) -> tuple[tuple[str, ...], list[_File]]:
    """Return the classes and their images as the linter lists them; links that leave the data root are none."""
    listing = facts.list_files(folder, root, Budget(math.inf, time.monotonic))
    if listing.closed:
        place = "/".join(part for part in (shown, listing.closed[0]) if part)
        more = f" (and {len(listing.closed) - 1} more)" if len(listing.closed) > 1 else ""
        raise DataError(f'The folder "{place}"{more} can not be read, so its images would be missing: let the trainer read it.')
    classes = known_classes or listing.classes
    strange = sorted(set(listing.classes) - set(classes))
    if strange:
        raise DataError(f'"{shown}" has a folder "{strange[0]}", and the training data has no such class.')
    return classes, [
        _File(folder / name / file, f"{name}/{file}", classes.index(name))
        for name, files in zip(listing.classes, listing.files, strict=True)
        for file in files
    ]


def _shape(dataset: ImageDirectory, files: list[_File]) -> tuple[int, int, int]:
    """Return (height, width, channels): as declared, what is left open taken from the first image that can be opened."""
    declared = dataset.input_shape or (None, None, None)
    if len(declared) != len(_MODES):
        raise DataError(f"dataset.input_shape of images is [height, width, channels], not {list(declared)}.")
    sizes = (size for file in files if (size := _size(file.path)))
    found = next(sizes, _SMALLEST) if None in declared else _SMALLEST
    height, width, channels = (size or real for size, real in zip(declared, found, strict=True))
    if channels not in _MODES:
        raise DataError(f"Images have 1, 3 or 4 channels, not {channels}.")
    return height, width, channels


def _size(path: Path) -> tuple[int, int, int] | None:
    try:
        with Image.open(path) as image:
            return image.height, image.width, _CHANNELS.get(image.mode, 3)
    except Exception:  # noqa: BLE001 -- decoders raise anything on bad bytes; the full read names the file
        return None


def _decode_all(files: list[_File], shape: tuple[int, int, int], interpolation: str) -> tuple[Room, list[BadRecord]]:
    inputs = budget.room((len(files), *shape))

    def decode(index: int) -> BadRecord | None:
        file = files[index]
        try:
            pixels = _pixels(file.path, shape, interpolation)
        except Exception as error:  # noqa: BLE001 -- decoders raise anything on bad bytes
            return BadRecord(file.name, _reason(error, file.path))
        inputs.put(index, pixels[np.newaxis])
        return None

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return inputs, [record for record in pool.map(decode, range(len(files)), chunksize=64) if record is not None]


def _pixels(path: Path, shape: tuple[int, int, int], interpolation: str) -> Array:
    height, width, channels = shape
    with Image.open(path) as image:
        if image.width * image.height > _MOST_PIXELS:
            raise ValueError(f"{image.width} x {image.height} pixels are too many")
        plain = _eight_bits(image).convert(_MODES[channels])
        if plain.size != (width, height):
            plain = plain.resize((width, height), _RESAMPLING[interpolation])
        return np.asarray(plain).reshape(shape)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Bring 16-bit grey to 8 bits by its high byte: Pillow's own conversion clips everything above 255 to white."""
    if not image.mode.startswith("I"):
        return image
    return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8))


def _reason(error: Exception, path: Path) -> str:
    """Say in a few words why an image can not be decoded, without the machine's paths."""
    text = " ".join(str(error).split()).replace(str(path), path.name)
    return "is no image" if text.startswith("cannot identify") else text[:120] or type(error).__name__
