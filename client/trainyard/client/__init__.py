"""The Python client of a Trainyard server, and the ``trainyard`` command.

``Client`` is the front door. Names are loaded when first used, because the command lives here too and
its ``--help`` must not pay for gRPC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainyard.client.aio import AsyncClient, AsyncWatch
    from trainyard.client.backoff import Patience
    from trainyard.client.client import Client
    from trainyard.client.errors import (
        BadSettings,
        ClientError,
        Conflict,
        Damaged,
        Forbidden,
        InvalidRequest,
        NotFound,
        NotInstalled,
        NotSupported,
        OverQuota,
        Refused,
        ServerFault,
        SpecRefused,
        Unauthenticated,
        Unreachable,
        WrongState,
    )
    from trainyard.client.settings import Tls
    from trainyard.client.values.event import Event, Progress
    from trainyard.client.values.history import History
    from trainyard.client.values.job import Artifact, ArtifactPage, Job, JobPage, JobSpec, JobState
    from trainyard.client.values.report import LintReport, Submission
    from trainyard.client.values.server import Dataset, DatasetPage, ServerInfo
    from trainyard.client.watching import Watch

__all__ = [
    "Artifact",
    "ArtifactPage",
    "AsyncClient",
    "AsyncWatch",
    "BadSettings",
    "Client",
    "ClientError",
    "Conflict",
    "Damaged",
    "Dataset",
    "DatasetPage",
    "Event",
    "Forbidden",
    "History",
    "InvalidRequest",
    "Job",
    "JobPage",
    "JobSpec",
    "JobState",
    "LintReport",
    "NotFound",
    "NotInstalled",
    "NotSupported",
    "OverQuota",
    "Patience",
    "Progress",
    "Refused",
    "ServerFault",
    "ServerInfo",
    "SpecRefused",
    "Submission",
    "Tls",
    "Unauthenticated",
    "Unreachable",
    "Watch",
    "WrongState",
]

# Everything else is an error.
_HOMES = {
    "client": ("Client",),
    "aio": ("AsyncClient", "AsyncWatch"),
    "settings": ("Tls",),
    "values.history": ("History",),
    "backoff": ("Patience",),
    "watching": ("Watch",),
    "values.job": ("Artifact", "ArtifactPage", "Job", "JobPage", "JobSpec", "JobState"),
    "values.event": ("Event", "Progress"),
    "values.report": ("LintReport", "Submission"),
    "values.server": ("Dataset", "DatasetPage", "ServerInfo"),
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    home = next((home for home, names in _HOMES.items() if name in names), "errors")
    value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return value
