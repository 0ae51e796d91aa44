"""A folder with one sub-folder of images per class: counted without opening a file, looked at in a sample.

Classes are the sub-folders in order of their names, as the trainer numbers them. Files in deeper folders belong to
the class above; hidden files, and files that are no images by their ending, are not counted.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from trainyard.linter.facts.budget import Budget
from trainyard.linter.facts.model import Facts, FactsError, Images, Problem, Trouble, Unusable
from trainyard.linter.spec.model.dataset import ImageDirectory

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
_WIDE_MODES = frozenset({"I", "F", "I;16", "I;16B", "I;16L"})
# How many files are opened, spread evenly over all, and how many bad ones are named.
_SAMPLE, _NAMED = 64, 20
# How the formats that are listed above begin; P1 to P6 are those of pgm and ppm.
_BEGINNINGS = (b"BM", b"GIF8", b"\xff\xd8\xff", b"\x89PNG", b"II*\0", b"MM\0*", b"RIFF", *(b"P%d" % kind for kind in range(1, 7)))
_LONGEST_BEGINNING = 8
# The clock is asked once for so many files.
_EVERY = 64
_CHANNELS = {"1": 1, "L": 1, "I": 1, "F": 1, "I;16": 1, "P": 3, "LA": 2, "RGB": 3, "YCbCr": 3, "LAB": 3, "HSV": 3, "RGBA": 4, "CMYK": 4}


class Listing(NamedTuple):
    """The files of each class; ``complete`` is false where time ran out; folders that may not be read are ``closed``."""

    classes: tuple[str, ...]
    files: tuple[tuple[str, ...], ...]
    complete: bool
    closed: tuple[str, ...] = ()


def read(dataset: ImageDirectory, place: Path, root: Path, budget: Budget, *, deep: bool = False) -> Facts:
    """Return counts per class and what a sample (``deep``: all) of the images shows.

    Raises ``FactsError`` where ``place`` is no folder or holds no class folder with an image.
    """
    if not place.is_dir():
        message = f"'{dataset.path}' is a file; an image directory is a folder of class folders."
        raise FactsError(Problem(Trouble.WRONG_KIND, dataset.path, message))
    listing = list_files(place, root, budget)
    counts = tuple(len(files) for files in listing.files)
    if not any(counts) and listing.complete and not listing.closed:
        message = f"'{dataset.path}' holds no class folder with an image: it needs one sub-folder per class with .png or .jpg files."
        raise FactsError(Problem(Trouble.EMPTY, dataset.path, message))
    every = [f"{place}/{name}/{file}" for name, files in zip(listing.classes, listing.files, strict=False) for file in files]
    sample = every if deep else spread(every, _SAMPLE)
    seen = look(sample, place, dataset.path, budget)
    strange = () if deep else beginnings(every, frozenset(sample), place, dataset.path, budget)
    broken = [problem for problem in (*seen.problems, *strange) if problem.trouble is Trouble.UNREADABLE]
    closed = tuple(_closed(f"{dataset.path}/{name}".rstrip("/")) for name in listing.closed[:_NAMED])
    whole = listing.complete and not closed
    return Facts(
        dataset.type,
        dataset.path,
        samples=sum(counts) if whole else None,
        class_names=listing.classes if whole else (),
        class_counts=counts if whole else (),
        input_range=seen.input_range,
        label_encoding="integer",
        images=seen.images,
        unusable=Unusable(len(every), len(broken), len(broken)),
        problems=(*closed, *seen.problems, *strange[: max(0, _NAMED - len(seen.problems))]),
        complete=whole and not budget.is_spent,
    )


def _closed(path: str) -> Problem:
    return Problem(Trouble.UNREADABLE, path, f"The folder '{path}' cannot be read, so its images are not counted.")


def list_files(place: Path, root: Path, budget: Budget) -> Listing:
    """Return the image files below each class folder, sorted, as paths relative to it."""
    walk = _Walk(os.fspath(place), root)
    classes = sorted(entry.name for entry in walk.entries("") if entry.is_dir() and not entry.name.startswith("."))
    files: list[tuple[str, ...]] = []
    for name in classes:
        found: list[str] = []
        for file in walk.images(f"{name}/"):
            if budget.tick():
                return Listing(tuple(classes), tuple(files), complete=False, closed=tuple(walk.closed))
            found.append(file.removeprefix(f"{name}/"))
        files.append(tuple(sorted(found)))
    return Listing(tuple(classes), tuple(files), complete=True, closed=tuple(walk.closed))


def spread(items: Sequence[str], count: int) -> list[str]:
    """Return up to ``count`` items, spread evenly over all of them."""
    if len(items) <= count:
        return list(items)
    return [items[index * len(items) // count] for index in range(count)]


def is_image(name: str) -> bool:
    """Tell by its ending whether a file is an image."""
    return f".{name.rpartition('.')[2]}".lower() in SUFFIXES


class _Walk:
    """A way through a folder that leaves neither the root nor the ground: what cannot be opened is remembered in ``closed``."""

    def __init__(self, place: str, root: Path) -> None:
        self._place = place
        self._root = root.resolve()
        self.closed: list[str] = []

    def images(self, below: str) -> Iterator[str]:
        """Yield the images below a folder, as paths relative to the place."""
        for entry in self.entries(below):
            name = f"{below}{entry.name}"
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from self.images(f"{name}/")
            elif is_image(entry.name):
                yield name

    def entries(self, below: str) -> Iterator[os.DirEntry[str]]:
        """Yield the entries of a folder, without links that lead out of the root or back up."""
        try:
            with os.scandir(f"{self._place}/{below}") as entries:
                for entry in entries:
                    if not entry.is_symlink() or self._stays(entry.path):
                        yield entry
        except OSError:
            self.closed.append(below.rstrip("/"))

    def _stays(self, link: str) -> bool:
        try:
            target, here = Path(link).resolve(), Path(link).parent.resolve()
        except (OSError, RuntimeError):  # links in a circle
            return False
        return target.is_relative_to(self._root) and not here.is_relative_to(target)


class Look(NamedTuple):
    """What was seen in the files that were opened."""

    images: Images | None
    input_range: tuple[float, float] | None
    problems: tuple[Problem, ...]


def look(files: Sequence[str], place: Path, path: str, budget: Budget) -> Look:
    """Open the files one by one until the time is up; decode them, so that a truncated one is noticed."""
    try:
        with budget.halted():
            from PIL import Image

            Image.preinit()
    except ImportError:
        message = "Sizes and channels of the images are not known: reading them needs Pillow (pip install 'trainyard[data]')."
        return Look(None, None, (Problem(Trouble.LIBRARY, path, message),))
    sizes: list[tuple[int, int]] = []
    modes: set[str] = set()
    problems: list[Problem] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        for file in files:
            if budget.is_spent or len(problems) >= _NAMED:
                break
            try:
                with Image.open(file) as image:
                    image.load()
                    sizes.append((image.height, image.width))
                    modes.add(image.mode)
            except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
                name = f"{path}/{os.path.relpath(file, place).replace(os.sep, '/')}"
                problems.append(Problem(Trouble.UNREADABLE, name, f"'{name}' cannot be read as an image ({_reason(error, file)})."))
    return Look(_seen(sizes, modes), (0.0, 255.0) if modes and not modes & _WIDE_MODES else None, tuple(problems))


def beginnings(files: Sequence[str], opened: frozenset[str], place: Path, path: str, budget: Budget) -> tuple[Problem, ...]:
    """Return the files that are empty or do not begin as an image, among those that were not opened; half of the time is for that.

    A beginning that is not known is no verdict: Pillow, where it is there, has the last word.
    """
    problems: list[Problem] = []
    least_seconds = budget.left_seconds / 2
    for count, file in enumerate(files):
        if count % _EVERY == 0 and budget.left_seconds <= least_seconds:
            break
        if file in opened or _begins_well(file):
            continue
        problems += look([file], place, path, budget).problems if os.path.getsize(file) else [_empty(file, place, path)]  # noqa: PTH202 - thousands of files
    return tuple(problem for problem in problems if problem.trouble is Trouble.UNREADABLE)


def _begins_well(file: str) -> bool:
    try:
        with open(file, "rb", buffering=0) as stream:  # noqa: PTH123 -- a hundred thousand Path objects cost a second
            start = stream.read(_LONGEST_BEGINNING)
    except OSError:
        return True  # gone, or closed: nobody knows what it holds
    return start.startswith(_BEGINNINGS)


def _empty(file: str, place: Path, path: str) -> Problem:
    name = f"{path}/{os.path.relpath(file, place).replace(os.sep, '/')}"
    return Problem(Trouble.UNREADABLE, name, f"'{name}' cannot be read as an image (it is empty).")


def _seen(sizes: Sequence[tuple[int, int]], modes: set[str]) -> Images | None:
    if not sizes:
        return None
    heights, widths = zip(*sizes, strict=True)
    channels = tuple(sorted({_CHANNELS.get(mode, len(mode)) for mode in modes}))
    return Images(len(sizes), (min(heights), min(widths)), (max(heights), max(widths)), channels)


def _reason(error: Exception, file: str) -> str:
    """Return the library's words without the path of this machine."""
    return str(error).replace(repr(file), "the file").replace(file, "the file") or type(error).__name__
