"""Write scikit-learn's breast cancer table as CSV.

    python examples/breast-cancer/write_table.py [FILE]

One row per sample in scikit-learn's order, thirty measurements and, last, the label column ``diagnosis``
(``malignant`` or ``benign``). Numbers are written in the shortest form that reads back to the same value.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from sklearn.datasets import load_breast_cancer

LABEL = "diagnosis"


def rows() -> list[list[str]]:
    """Return the table as text, header first."""
    table = load_breast_cancer()
    names = [name.replace(" ", "_") for name in table.feature_names.tolist()]
    labels = [str(table.target_names[index]) for index in table.target]
    body = [[*map(repr, values), label] for values, label in zip(table.data.tolist(), labels, strict=True)]
    return [[*names, LABEL], *body]


def write(path: Path) -> None:
    """Write the table to ``path`` with line feeds, whatever the platform."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows())


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "breast_cancer.csv")
