"""What the server says about itself, as the contract's message."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version
from typing import Any

from trainyard.service.core.gate import Gate
from trainyard.service.core.jobs import Change, Job
from trainyard.service.executor.devices import Device
from trainyard.service.rpc.translation.moments import timestamp
from trainyard.v1 import server_info_pb2

BACKEND = "tensorflow"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this start of the server is."""

    instance: str
    started_at: datetime
    devices: Sequence[Device]
    slots: int
    hardware: dict[str, Any]


class About:
    """Describes the server; an :class:`Observer`, because only trainers know which Keras they run."""

    def __init__(self, identity: Identity, gate: Gate, held: Callable[[], int]) -> None:
        self._identity = identity
        self._gate = gate
        self._held = held
        self._keras_version = ""
        self._version = version("trainyard")

    def seed(self, jobs: Sequence[Job]) -> None:
        """Learn from jobs that ran before this start; the first that knows is believed."""
        self._keras_version = next((job.trainer.keras_version for job in jobs if job.trainer), "")

    def committed(self, change: Change) -> None:
        """Learn from jobs that run."""
        if change.job.trainer is not None:
            self._keras_version = change.job.trainer.keras_version

    def measured(self, hardware: dict[str, Any]) -> None:
        """Tell another profile of the box from now on."""
        self._identity = replace(self._identity, hardware=hardware)

    def message(self) -> server_info_pb2.ServerInfo:
        """Return the description."""
        identity = self._identity
        return server_info_pb2.ServerInfo(
            version=self._version,
            instance_id=identity.instance,
            start_time=timestamp(identity.started_at),
            ruleset=self._gate.ruleset,
            refuse_on=self._gate.refuse_on.label,
            backend=BACKEND,
            devices=[_device(device) for device in identity.devices],
            slots=identity.slots,
            free_slots=max(0, identity.slots - self._held()),
            hardware_profile_json=json.dumps(identity.hardware).encode(),
            limits=server_info_pb2.Limits(max_spec_bytes=self._gate.largest_spec_bytes, max_gpus=self._gate.most_gpus or 0),
            keras_version=self._keras_version,
        )


def _device(device: Device) -> server_info_pb2.Device:
    return server_info_pb2.Device(kind=device.kind, name=device.name, uuid=device.uuid, memory_bytes=device.memory_bytes)
