"""A trainer's log as it grows.

Its text has no numbers, so a stream that breaks can't be mended without repeating or losing lines: the break is told
instead, as the error it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import grpc

from trainyard.client import calls
from trainyard.client.meaning import meaning

if TYPE_CHECKING:
    from trainyard.client.connection import Connection


def tail(connection: Connection, job_id: str, lines: int, *, follow: bool) -> Iterator[str]:
    """Yield pieces of the log; raises ClientError."""
    stream = connection.stream(calls.tail_log(job_id, lines, follow=follow))
    try:
        yield from stream
    except grpc.RpcError as error:
        raise meaning(error, connection.settings) from error
    finally:
        stream.cancel()
