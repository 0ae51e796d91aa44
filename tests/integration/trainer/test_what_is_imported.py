"""What a run imports: seconds of every start."""

import os
import subprocess
import sys
from pathlib import Path

# NumPy stands in for JAX: it is the other backend that needs no TensorFlow, and is quick to import.
_SAVES = """
import sys
import keras
from trainyard.service.trainer import backend

backend.prepare(deterministic=False, seed=3, hide_gpus=True)
inputs = keras.Input((3,))
model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Rescaling(0.5)(inputs)))
model.save(sys.argv[1])
again = keras.saving.load_model(sys.argv[1])
assert [one.tolist() for one in again.get_weights()] == [one.tolist() for one in model.get_weights()]
print("tensorflow" in sys.modules)
"""


def test_without_its_backend_tensorflow_is_neither_seeded_nor_asked_when_a_model_is_saved(tmp_path: Path) -> None:
    environment = {**os.environ, "KERAS_BACKEND": "numpy", "KERAS_HOME": os.devnull, "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, "-c", _SAVES, str(tmp_path / "model.keras")]
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["False"]
