"""A server as it describes itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Device:
    """One device: ``kind`` is ``gpu`` or ``cpu``."""

    kind: str
    name: str
    uuid: str
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What the policy allows; 0 means no limit."""

    max_epochs: int
    max_batch_size: int
    max_parameters: int
    max_hours: float
    max_gpus: int
    max_spec_bytes: int
    max_live_jobs: int


@dataclass(frozen=True, slots=True)
class Dataset:
    """What lies under a server's data root: ``path`` is what to write into a spec; the counts are 0 where nobody has counted."""

    path: str
    type: str
    size_bytes: int
    samples: int
    classes: int


@dataclass(frozen=True, slots=True)
class DatasetPage:
    """Some datasets, by path; ``next_page_token`` is empty on the last page."""

    datasets: tuple[Dataset, ...]
    next_page_token: str


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """Who a server is; ``instance_id`` is new with every start, so it tells a restart from a blip."""

    version: str
    instance_id: str
    started: datetime | None
    ruleset: str
    refuse_on: str
    backend: str
    keras_version: str
    devices: tuple[Device, ...]
    slots: int
    free_slots: int
    hardware_profile_json: bytes
    limits: Limits
