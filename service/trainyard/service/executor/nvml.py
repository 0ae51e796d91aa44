"""What the NVIDIA driver knows, through its management library: GPUs, and whose processes are on them.

The library needs no CUDA and takes no memory of a GPU. Where it is missing there is nothing to tell, and nothing fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple


class Gpu(NamedTuple):
    """A GPU as the driver names it; memory in bytes."""

    uuid: str
    name: str
    memory_bytes: int


def gpus() -> tuple[Gpu, ...]:
    """Return the GPUs of this machine; none where there is no driver."""
    with _library() as library:
        return tuple(_described(library, handle) for handle in _handles(library))


def process_ids() -> frozenset[int]:
    """Return the processes that hold memory of any GPU, as far as the driver names them in this container's numbers."""
    with _library() as library:
        return frozenset(process.pid for handle in _handles(library) for process in _processes(library, handle))


@contextmanager
def _library() -> Iterator[Any]:
    """Give the library, or None where it says nothing."""
    try:
        library = import_module("pynvml")
        library.nvmlInit()
    except Exception:  # noqa: BLE001 - the package, the driver or its library is missing, each with an exception of its own
        yield None
        return
    try:
        yield library
    finally:
        library.nvmlShutdown()


def _handles(library: Any) -> list[Any]:
    if library is None:
        return []
    try:
        return [library.nvmlDeviceGetHandleByIndex(index) for index in range(library.nvmlDeviceGetCount())]
    except library.NVMLError:
        return []


def _described(library: Any, handle: Any) -> Gpu:
    name, uuid = library.nvmlDeviceGetName(handle), library.nvmlDeviceGetUUID(handle)
    try:
        memory = int(library.nvmlDeviceGetMemoryInfo(handle).total)
    except library.NVMLError:
        memory = 0
    return Gpu(_text(uuid), _text(name), memory)


def _processes(library: Any, handle: Any) -> list[Any]:
    try:
        return list(library.nvmlDeviceGetComputeRunningProcesses(handle))
    except library.NVMLError:
        return []


def _text(value: str | bytes) -> str:
    """Older versions of the package answer in bytes."""
    return value.decode() if isinstance(value, bytes) else value
