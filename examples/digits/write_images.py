"""Write scikit-learn's handwritten digits as PNG class folders.

    python examples/digits/write_images.py [FOLDER]

scikit-learn ships the digits as numbers from 0 to 16; Trainyard reads folders of images. Two folders come out:

- ``images/<digit>/<row>.png``: all 1,797 digits, 8 by 8 pixels, one grey channel;
- ``skewed/<digit>/<row>.png``: only zeros, ones and eights, and of the last two only a few. It is what
  ``bad.trainspec.json`` learns from, so that its class imbalance is a fact and not a claim.

``row`` is the row in scikit-learn's table, so every file can be traced back. The same rows give the same
pixels everywhere; the bytes of a PNG may differ with the zlib that wrote it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

BRIGHTEST = 16
# Digit -> how many of its images are kept.
SKEWED = {0: 178, 1: 40, 8: 9}


def digits() -> Iterator[tuple[int, int, np.ndarray]]:
    """Yield (row, digit, pixels) with pixels (8, 8), uint8, 0 is black."""
    table = load_digits()
    scaled = np.rint(table.images * 255 / BRIGHTEST).astype(np.uint8)
    for row, (digit, pixels) in enumerate(zip(table.target.tolist(), scaled, strict=True)):
        yield row, digit, pixels


def write(folder: Path) -> None:
    """Write both folders below ``folder``; files that are there are replaced."""
    left = dict(SKEWED)
    for row, digit, pixels in digits():
        save(pixels, folder / "images" / str(digit) / f"{row:04}.png")
        if left.get(digit, 0):
            save(pixels, folder / "skewed" / str(digit) / f"{row:04}.png")
            left[digit] -= 1


def save(pixels: np.ndarray, path: Path) -> None:
    """Write one grey image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, optimize=True)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
