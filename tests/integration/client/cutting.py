"""A wire that is cut: a proxy between client and server that hangs up after some bytes, or lets through a few at a time."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Wire:
    """Forwards connections to ``target``; ``allowance`` says for each how many bytes may come back before it is cut, None for all."""

    def __init__(self, target: int, allowance: Callable[[], int | None], piece_bytes: int = 65536) -> None:
        self._target = target
        self._allowance = allowance
        self._piece_bytes = piece_bytes
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: set[socket.socket] = set()
        self.cuts = 0

    def run(self) -> None:
        """Accept connections until the wire is taken down."""
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self._open |= {near, far}
                threading.Thread(target=self._pump, args=(near, far, None), daemon=True).start()
                threading.Thread(target=self._pump, args=(far, near, self._allowance()), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, allowed: int | None) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(self._piece_bytes):
                if allowed is not None and len(chunk) >= allowed:
                    sink.sendall(chunk[:allowed])
                    self.cuts += 1
                    break
                allowed = None if allowed is None else allowed - len(chunk)
                sink.sendall(chunk)
        for side in (source, sink):
            with contextlib.suppress(OSError):
                # Hang up at once, as a broken wire does, not in good order.
                side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                side.shutdown(socket.SHUT_RDWR)

    def down(self) -> None:
        """Take it down."""
        # Closing alone does not wake a thread that accepts.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for end in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                end.close()


@contextmanager
def wire(target: int, allowance: Callable[[], int | None], piece_bytes: int = 65536) -> Iterator[Wire]:
    made = Wire(target, allowance, piece_bytes)
    thread = threading.Thread(target=made.run, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.down()
        thread.join(10)
