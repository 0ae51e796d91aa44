"""The service's methods: translate, ask, translate. Nothing is decided here.

What goes wrong is an exception of the core; the interceptors make statuses of it.
"""

from __future__ import annotations

from trainyard.service.rpc.asking import Collaborators
from trainyard.service.rpc.commanding import Commanding
from trainyard.service.rpc.files import Files
from trainyard.service.rpc.looking import Looking
from trainyard.service.rpc.submitting import Submitting
from trainyard.v1.training_service_pb2_grpc import TrainingServiceServicer

__all__ = ["Collaborators", "TrainingServicer"]


class TrainingServicer(Submitting, Commanding, Looking, Files, TrainingServiceServicer):
    """``trainyard.v1.TrainingService``."""
