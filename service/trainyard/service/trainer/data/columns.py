"""One column of a table into float32: a number, or a one-hot group over its categories.

What a column is can be said of all of its rows alone; what its values are is said here of any stretch of them.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trainyard.service.trainer.data.samples import Array, Column
from trainyard.service.trainer.failures import DataError

_MOST_CATEGORIES = 10_000


class Survey:
    """Looks over all rows for what a stretch of them can not tell: categories, and whether a text column holds any number.

    Args:
        numbers: columns that have to be numbers.
        words: columns whose categories are to be found.
        types: the Arrow type of each of them.

    Raises:
        DataError: a column holds something else.
    """

    def __init__(self, numbers: Iterable[str], words: Iterable[str], types: dict[str, pa.DataType]) -> None:
        numbers, words = tuple(numbers), tuple(words)
        for name in numbers:
            _check_type(name, types[name])
        for name in words:
            check_words(name, types[name])
        self._words: dict[str, set[str]] = {name: set() for name in words}
        # Columns of texts in which no number was found so far, with a text that is in them.
        self._strange = {name: "" for name in numbers if _is_text(types[name])}

    @property
    def curious(self) -> bool:
        """Tell whether rows have to be looked at."""
        return bool(self._words or self._strange)

    def look(self, rows: pa.Table) -> None:
        """Look at some rows; raises DataError when there are too many categories."""
        for name, found in self._words.items():
            found |= set(_words(pc.unique(rows.column(name))))
            if len(found) > _MOST_CATEGORIES + 1:
                raise DataError(f'Column "{name}" has more than {_MOST_CATEGORIES:,} different values: too many for a categorical one.')
        for name, example in list(self._strange.items()):
            texts = [text for text in pc.unique(rows.column(name)).to_pylist() if text]
            if any(_number(text) is not None for text in texts):
                del self._strange[name]
            else:
                self._strange[name] = example or next(iter(texts), "")

    def categories(self) -> dict[str, tuple[str, ...]]:
        """Return the categories of each column of words, sorted; raises DataError for a column that can not be used."""
        for name, example in self._strange.items():
            raise DataError(
                f'Column "{name}" holds text ("{example[:40]}"): list it in dataset.categorical or leave it out of dataset.features.'
            )
        found = {name: tuple(sorted(words - {""})) for name, words in self._words.items()}
        for name, categories in found.items():
            if not categories:
                raise DataError(f'Column "{name}" is empty.')
            if len(categories) > _MOST_CATEGORIES:
                raise DataError(f'Column "{name}" has {len(categories):,} different values: too many for a categorical one.')
        return found


def one_hot(values: pa.ChunkedArray, column: Column) -> Array:
    """Return ``(rows, categories)`` float32, NaN where a value is none of the categories."""
    words = np.asarray(_words(values), dtype=str)
    place = np.searchsorted(column.categories, words).clip(0, len(column.categories) - 1)
    hot = np.zeros((len(words), len(column.categories)), dtype=np.float32)
    hot[np.arange(len(words)), place] = 1.0
    hot[np.asarray(column.categories)[place] != words] = np.nan
    return hot


def numbers(values: pa.ChunkedArray) -> Array:
    """Return ``(rows,)`` float32, NaN where there is no finite number; one stray word makes Arrow take a column for text."""
    if _is_text(values.type):
        plain = pa.chunked_array([pa.array([_number(text) for text in values.to_pylist()], pa.float64())])
    else:
        plain = pc.cast(values, pa.float64(), safe=False)
    with np.errstate(over="ignore"):
        found = np.asarray(plain.to_numpy(zero_copy_only=False)).astype(np.float32)
    return np.where(np.isfinite(found), found, np.float32(np.nan))


def _check_type(name: str, kind: pa.DataType) -> None:
    """Raise DataError when a column is empty or holds dates and the like."""
    if pa.types.is_null(kind):
        raise DataError(f'Column "{name}" is empty.')
    known = (pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, _is_text)
    if not any(is_it(kind) for is_it in known):
        raise DataError(f'Column "{name}" holds {kind}; numbers are understood, and words when listed in dataset.categorical.')


def check_words(name: str, kind: pa.DataType) -> None:
    """Raise DataError when a column holds what is no word and can not be written as one: lists, structures, bytes."""
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        raise DataError(f'Column "{name}" holds {kind}, which is neither a number nor a word: leave it out.')


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _words(values: pa.ChunkedArray) -> list[str]:
    words: list[str] = pc.cast(values, pa.string()).fill_null("").to_pylist()
    return words


def _number(word: str | None) -> float | None:
    try:
        # Python reads 1_000 as a number; no other reader of tables does.
        return float(word) if word and "_" not in word else None
    except ValueError:
        return None
