"""What a server says about itself: messages in, values out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainyard.client.translation import jobs
from trainyard.client.values.server import Dataset, DatasetPage, Device, Limits, ServerInfo

if TYPE_CHECKING:
    from trainyard.v1 import server_info_pb2
    from trainyard.v1 import training_service_pb2 as pb


def server_info(message: server_info_pb2.ServerInfo) -> ServerInfo:
    """Read a server's description."""
    return ServerInfo(
        version=message.version,
        instance_id=message.instance_id,
        started=jobs.time(message, "start_time"),
        ruleset=message.ruleset,
        refuse_on=message.refuse_on,
        backend=message.backend,
        keras_version=message.keras_version,
        devices=tuple(Device(item.kind, item.name, item.uuid, item.memory_bytes) for item in message.devices),
        slots=message.slots,
        free_slots=message.free_slots,
        hardware_profile_json=message.hardware_profile_json,
        limits=_limits(message.limits),
    )


def datasets(response: pb.ListDatasetsResponse) -> DatasetPage:
    """Read a page of datasets."""
    found = (Dataset(item.path, item.type, item.size_bytes, item.samples, item.classes) for item in response.datasets)
    return DatasetPage(tuple(found), response.next_page_token)


def _limits(message: server_info_pb2.Limits) -> Limits:
    return Limits(
        max_epochs=message.max_epochs,
        max_batch_size=message.max_batch_size,
        max_parameters=message.max_parameters,
        max_hours=message.max_hours,
        max_gpus=message.max_gpus,
        max_spec_bytes=message.max_spec_bytes,
        max_live_jobs=message.max_live_jobs,
    )
