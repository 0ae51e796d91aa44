"""Writes a Keras model in another format, and holds what was written against the model before it is put in place."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from trainyard.service.trainer.data.samples import Array
from trainyard.service.trainer.export.names import KERAS, ONNX, SAVED_MODEL

_SAMPLES = 4
# Another runtime sums in another order; half precision keeps three digits.
_TOLERANCE = 1e-3


class ExportError(Exception):
    """The model cannot be written in this format; the message says why and what to do."""


def write(source: Path, form: str, target: Path) -> None:
    """Write the model ``source`` to ``target`` in the format ``form``, whole or not at all.

    Raises:
        ExportError: the file is no model, the format cannot hold it, or what was written answers otherwise.
        OSError: the disk.
    """
    model = _load(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=target.parent) as folder:
        made = Path(folder) / target.name
        answers = _WRITERS[form](model, made)
        _compare(model, answers, form)
        if target.is_dir():
            shutil.rmtree(target)
        made.replace(target)


def _load(source: Path) -> Any:
    try:
        model = keras.saving.load_model(source, compile=False)
    except Exception as error:
        raise ExportError(f"{source} is no Keras model that can be read: {_short(error)}") from error
    # Keras exports to ONNX only what has been called once.
    model(_samples(model)[:1])
    return model


def _as_keras(model: Any, path: Path) -> Callable[[Array], Array]:
    # Keras knows its own format by the ending alone.
    saved = path if path.suffix == ".keras" else path.with_name(f"{path.name}.keras")
    model.save(saved)
    again = keras.saving.load_model(saved, compile=False)
    saved.replace(path)
    return lambda samples: np.asarray(again(samples))


def _as_saved_model(model: Any, path: Path) -> Callable[[Array], Array]:
    import tensorflow as tf

    model.export(path, format="tf_saved_model", verbose=False)
    again = tf.saved_model.load(path)
    return lambda samples: np.asarray(again.serve(tf.constant(samples)))


def _as_onnx(model: Any, path: Path) -> Callable[[Array], Array]:
    try:
        import onnx.reference
        import tf2onnx  # type: ignore[import-untyped,unused-ignore] # noqa: F401 -- Keras wants it, and says less when it is not there
    except ModuleNotFoundError as error:
        raise ExportError(f"the format onnx needs {error.name}, not installed here: pip install 'trainyard[onnx]'") from error
    try:
        with warnings.catch_warnings():
            # The converter speaks to NumPy in old words; nobody who exports a model can mend that.
            warnings.simplefilter("ignore")
            model.export(path, format="onnx", verbose=False)
    except Exception as error:
        raise ExportError(f"ONNX cannot hold this model: {_short(error)}") from error
    again: Any = onnx.reference.ReferenceEvaluator(str(path))
    return lambda samples: np.asarray(again.run(None, {again.input_names[0]: samples})[0])


_WRITERS: dict[str, Callable[[Any, Path], Callable[[Array], Array]]] = {KERAS: _as_keras, SAVED_MODEL: _as_saved_model, ONNX: _as_onnx}


def _compare(model: Any, answers: Callable[[Array], Array], form: str) -> None:
    """Raise unless the written model answers as the model does."""
    samples = _samples(model)
    wanted = np.asarray(model(samples, training=False), dtype=np.float64)
    try:
        found = np.asarray(answers(samples), dtype=np.float64)
    except Exception as error:
        raise ExportError(f"what was written as {form} does not run: {_short(error)}") from error
    if not np.allclose(wanted, found, rtol=_TOLERANCE, atol=_TOLERANCE, equal_nan=True):
        raise ExportError(f"what was written as {form} answers otherwise than the model (by up to {np.abs(wanted - found).max():.3g})")


def _samples(model: Any) -> Array:
    """Return samples that the model takes: bytes, or where it looks tokens up, numbers of tokens that it knows."""
    shape = (_SAMPLES, *(size or 1 for size in model.input_shape[1:]))
    values = np.random.default_rng(0).uniform(0, 255, shape)
    vocabularies = [layer.input_dim for layer in model.layers if isinstance(layer, keras.layers.Embedding)]
    if vocabularies:
        values = np.floor(values * (min(vocabularies) / 255))
    return values.astype(np.float32)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
