"""Data that a test can learn from in two epochs: pictures, a table in two formats, arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as arrow_parquet
from PIL import Image

KINDS = ("circle", "cross", "stripe")
SAMPLES = 72


def lay_out(root: Path) -> Path:
    """Write everything below ``root`` and return it."""
    draw = np.random.default_rng(5)
    pictures = np.stack([_picture(place % len(KINDS), draw) for place in range(SAMPLES)])
    for place, picture in enumerate(pictures):
        folder = root / "pictures" / KINDS[place % len(KINDS)]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / f"{place:03}.png")
    labels = np.arange(SAMPLES) % len(KINDS)
    size = labels * 2.0 + draw.normal(0, 0.3, SAMPLES)
    table = pa.table(
        {
            "size": size,
            "weight": 70_000 + 100 * draw.normal(0, 1, SAMPLES) + 300 * labels,
            "colour": [("red", "blue")[label % 2] for label in labels],
            "large": (size > 2).astype(int),
            "heavy": (labels == 2).astype(int),
            "price": 3 * size + draw.normal(0, 0.1, SAMPLES),
            "kind": [KINDS[label] for label in labels],
        }
    )
    arrow_parquet.write_table(table, root / "table.parquet")
    rows = [",".join(table.column_names), *(",".join(map(str, row.values())) for row in table.to_pylist())]
    (root / "table.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    large, heavy = (size > 2).astype(int), (labels == 2).astype(int)
    flags: dict[str, Any] = {"large": large, "flags": np.stack([large, heavy], axis=1), "price": 3 * size}
    np.savez(root / "arrays.npz", x=pictures[..., np.newaxis].astype(np.float32), y=labels, **flags)
    tokens = np.minimum(pictures[:, 0, :6].astype(np.int64) + 1, 255) * (np.arange(6) < 5)
    np.savez(root / "tokens.npz", x=tokens, y=labels)
    return root


def _picture(kind: int, draw: np.random.Generator) -> Any:
    grey = draw.integers(0, 60, size=(8, 8))
    if kind == 0:
        grey[2:6, 2:6] += 180
    elif kind == 1:
        grey[3:5, :] += 90
        grey[:, 3:5] += 90
    else:
        grey[::2] += 180
    return grey.clip(0, 255).astype(np.uint8)
