"""Which device a run may use: said by whoever starts the trainer. There is no silent way from GPU to CPU."""

from __future__ import annotations

AUTO, CPU, GPU = "auto", "cpu", "gpu"
DEVICES = (AUTO, CPU, GPU)
