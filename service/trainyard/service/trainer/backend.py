"""The only place that knows which framework runs under Keras.

Everything else in the trainer is plain Keras 3. What Keras leaves to the framework stands here: memory growth, op
determinism, the device's name and memory, and what "out of memory" looks like.
"""

from __future__ import annotations

import functools
import os
import platform
import re
import resource
import sys
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import keras
import psutil

from trainyard.service.trainer.device import CPU, GPU
from trainyard.service.trainer.failures import SpecError
from trainyard.service.trainer.spread import Spread, over

TENSORFLOW, JAX = "tensorflow", "jax"
# Colours, and names of nodes and operations, that TensorFlow puts around what it says.
_DECORATION = re.compile(r"\x1b\[[0-9;]*m|\{\{[^}]*\}\}|\[Op:[^]]*\].*")


@dataclass(frozen=True, slots=True)
class Device:
    """What the model is trained on: ``kind`` is ``cpu`` or ``gpu``, ``name`` is for people."""

    kind: str
    name: str


def name() -> str:
    """Return the name of Keras' backend."""
    return str(keras.backend.backend())


def version() -> str:
    """Return the version of the framework under Keras."""
    return metadata.version(name()) if name() in {TENSORFLOW, JAX} else "unknown"


def prepare(*, deterministic: bool, seed: int, hide_gpus: bool, virtual_devices: int = 0) -> None:
    """Set what must be set before the first tensor is made; call once per process.

    The meaning of a spec must not depend on what a Keras configuration on this machine says. With ``virtual_devices`` the
    processor stands in for that many GPUs.
    """
    if virtual_devices:
        _divide_processor(virtual_devices)
    if name() != TENSORFLOW:
        _spare_tensorflow()
    keras.utils.set_random_seed(seed % 2**32)
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    if name() == TENSORFLOW:
        _prepare_tensorflow(deterministic=deterministic, hide_gpus=hide_gpus)


def spread(count: int) -> Spread:
    """Return the spread over so many of the devices that this process sees; raises SpecError when there are fewer."""
    names = _names()
    if count > max(1, len(names)):
        raise SpecError(f"resources.gpus asks for {count}, and this trainer sees {len(names)}.")
    return over(count, name(), names)


def device() -> Device:
    """Return the device that Keras places the model on."""
    if name() == TENSORFLOW:
        return _tensorflow_device()
    if name() == JAX:
        return _jax_device()
    return Device(CPU, platform.processor() or platform.machine())


def compile_choice(*, deterministic: bool) -> bool | str:
    """Return Keras' ``jit_compile``.

    Off for TensorFlow on a CPU, where XLA's convolutions are two to three times slower (0.62 s against 0.23 s an epoch
    on digits, two cores) and compiling costs 6 s; off where TensorFlow must be deterministic, which XLA does not promise.
    """
    if name() == TENSORFLOW and (deterministic or device().kind == CPU):
        return False
    return "auto"


def peak_memory_bytes() -> int:
    """Return the most memory used on the device so far, on the fullest of several; on a CPU that of the process; 0 when unknown."""
    if device().kind == CPU:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if name() == TENSORFLOW:
        import tensorflow as tf

        visible = range(len(tf.config.get_visible_devices("GPU")))
        return max(int(tf.config.experimental.get_memory_info(f"GPU:{place}")["peak"]) for place in visible)
    if name() == JAX:
        import jax  # type: ignore[import-not-found,unused-ignore] # an option, not always installed

        return max(int((one.memory_stats() or {}).get("peak_bytes_in_use", 0)) for one in jax.devices())
    return 0


@functools.cache
def memory_limit_bytes() -> int | None:
    """Return how much memory the device has; on a CPU that of the machine; None when nobody tells."""
    if device().kind == CPU:
        return int(psutil.virtual_memory().total)
    if name() == JAX:
        import jax

        limit = (jax.devices()[0].memory_stats() or {}).get("bytes_limit")
        return None if limit is None else int(limit)
    return _nvidia_memory_bytes()


def free_memory_bytes() -> int:
    """Return how much memory the device has left for this process; what nobody tells is the machine's."""
    available = int(psutil.virtual_memory().available)
    if device().kind == CPU:
        return available
    limit = memory_limit_bytes()
    return available if limit is None else min(available, limit - peak_memory_bytes())


def _nvidia_memory_bytes() -> int | None:
    """Ask the driver about the first device that this process may see; TensorFlow does not tell."""
    import pynvml  # type: ignore[import-untyped,unused-ignore] # it ships none

    try:
        pynvml.nvmlInit()
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0].strip() or "0"
        handle = pynvml.nvmlDeviceGetHandleByIndex(int(visible)) if visible.isdigit() else pynvml.nvmlDeviceGetHandleByUUID(visible)
        return int(pynvml.nvmlDeviceGetMemoryInfo(handle).total)
    except (ValueError, pynvml.NVMLError):
        return None


def ran_out_of_memory(error: BaseException) -> bool:
    """Tell whether the framework could not allocate memory.

    By type and status code, never by the words of one vendor: TensorFlow raises ``ResourceExhaustedError``, XLA (under
    JAX, and under TensorFlow with compilation on) an error whose status is ``RESOURCE_EXHAUSTED``.
    """
    names = {kind.__name__ for kind in type(error).__mro__}
    if "ResourceExhaustedError" in names:
        return True
    return bool(names & {"XlaRuntimeError", "JaxRuntimeError"}) and str(error).startswith("RESOURCE_EXHAUSTED")


def unsupported(error: BaseException) -> str | None:
    """Return what the framework says where it has no way to compute an operation of the model; None for every other error.

    Keras builds what TensorFlow then has no kernel for, such as a depthwise convolution with two different strides.
    """
    names = {kind.__name__ for kind in type(error).__mro__}
    text = _DECORATION.sub("", str(getattr(error, "message", error)))
    lacks = "UnimplementedError" in names or ("NotFoundError" in names and "OpKernel" in text)
    if lacks or ("InvalidArgumentError" in names and "support" in text):
        return next((line.strip() for line in text.splitlines() if "support" in line or "OpKernel" in line), text.strip())[:300]
    return None


def _divide_processor(count: int) -> None:
    """Show the processor several times over, as devices that can share a batch."""
    if name() == JAX:
        import jax

        settings: Any = jax.config  # JAX leaves its settings untyped
        if settings.jax_num_cpu_devices != count:
            settings.update("jax_platforms", "cpu")
            settings.update("jax_num_cpu_devices", count)
        return
    import tensorflow as tf

    processor = tf.config.list_physical_devices("CPU")[0]
    if len(tf.config.get_logical_device_configuration(processor) or ()) != count:
        tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * count)


def _names() -> list[str]:
    """Name the devices that could share a batch, as Keras and TensorFlow want them named."""
    kind = device().kind
    if name() == JAX:
        return [str(one) for one in keras.distribution.list_devices(kind)]
    import tensorflow as tf

    return [str(one.name) for one in tf.config.list_logical_devices(kind.upper())]


def _spare_tensorflow() -> None:
    """Keep Keras from importing TensorFlow, which takes seconds, only to seed it and to ask whether an object is one of its own.

    Where it was never imported there is none (keras/src/utils/rng_utils.py, keras/src/saving/serialization_lib.py). Whatever
    really needs it imports it all the same.
    """
    if TENSORFLOW not in sys.modules:
        from keras.src.utils import module_utils

        module_utils.tensorflow._available = False  # noqa: SLF001 -- there is no public way to say so


def _prepare_tensorflow(*, deterministic: bool, hide_gpus: bool) -> None:
    import tensorflow as tf

    if hide_gpus:
        tf.config.set_visible_devices([], "GPU")
    for gpu in tf.config.get_visible_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, enable=True)
    if deterministic:
        tf.config.experimental.enable_op_determinism()


def _tensorflow_device() -> Device:
    import tensorflow as tf

    gpus = tf.config.get_visible_devices("GPU")
    if not gpus:
        return Device(CPU, _processor())
    details: dict[str, Any] = tf.config.experimental.get_device_details(gpus[0])
    return Device(GPU, str(details.get("device_name", gpus[0].name)))


def _jax_device() -> Device:
    import jax

    first = jax.devices()[0]
    return Device(CPU, _processor()) if first.platform == CPU else Device(GPU, str(first.device_kind))


def _processor() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores"
