"""What a run is called when its author gave it no name: the same with and without a server."""

from __future__ import annotations

from trainyard.service.naming import experiment_name

__all__ = ["experiment_name"]
