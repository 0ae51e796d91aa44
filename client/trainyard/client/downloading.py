"""Fetching a file, blocking: it goes on where it stopped, through breaks and across runs, and is there only when its digest is right."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import grpc

from trainyard.client import calls
from trainyard.client.backoff import Patience
from trainyard.client.landing import Landing, Transfer, place
from trainyard.client.meaning import code_of, meaning
from trainyard.client.persistence import Persistence
from trainyard.client.values.job import Artifact, Piece

if TYPE_CHECKING:
    from trainyard.client.connection import Connection


def download(
    connection: Connection,
    job_id: str,
    name: str,
    folder: str | os.PathLike[str],
    *,
    on_progress: Callable[[int, int], None] | None = None,
    patience: Patience | None = None,
) -> Path:
    """Fetch a file; see ``Client.download``."""
    landing = Landing(place(Path(folder), name))
    transfer, persistence = Transfer(landing), Persistence(patience or Patience(), time.monotonic, random.random)
    landing.open()
    try:
        while not transfer.done():
            before = transfer.offset
            try:
                _receive(connection, calls.download_artifact(job_id, name, transfer.offset), transfer, on_progress)
                persistence.ended(progressed=transfer.offset != before)
            except grpc.RpcError as error:
                if code_of(error) is grpc.StatusCode.INVALID_ARGUMENT and transfer.refused():
                    continue
                wait = persistence.broken(error, meaning(error, connection.settings), progressed=transfer.offset > before)
                time.sleep(wait)
        return landing.settle()
    finally:
        landing.close()


def _receive(connection: Connection, call: calls.Call[Piece], transfer: Transfer, on_progress: Callable[[int, int], None] | None) -> None:
    stream = connection.stream(call)
    about: Artifact | None = None
    try:
        for piece in stream:
            about = piece.artifact or about
            if not transfer.take(piece.chunk, piece.artifact):
                return
            if on_progress is not None and about is not None:
                on_progress(transfer.offset, about.size_bytes)
    finally:
        stream.cancel()
