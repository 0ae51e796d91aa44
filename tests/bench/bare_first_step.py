"""The least that a person's script does before its first step is done: build, compile, one batch. Prints the seconds.

    python bare_first_step.py RESOLVED_SPEC ARRAYS

It imports nothing of Trainyard; the network is that of ``plain_keras.py``. Imports and samples are not counted.
"""

import json
import sys
import time
from pathlib import Path

import keras
import numpy as np
from plain_keras import convolutional, dense  # type: ignore[import-not-found] # its neighbour, found where it is run


def main() -> None:
    spec = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    with np.load(sys.argv[2]) as arrays:
        inputs, labels = arrays["x"], arrays["y"]
    size = spec["training"]["batch_size"]
    began = time.perf_counter()
    outputs = int(labels.max()) + 1
    model = convolutional(spec, outputs) if spec["model"]["type"] == "cnn" else dense(spec, outputs)
    model.compile(
        optimizer=keras.optimizers.Adam(spec["optimizer"]["learning_rate"]), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    model.train_on_batch(inputs[:size], labels[:size])
    print(time.perf_counter() - began)


if __name__ == "__main__":
    main()
