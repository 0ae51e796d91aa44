"""Following a trainer's log: its last lines, then what is added, with nothing in it that could drive a terminal."""

from __future__ import annotations

import asyncio
import codecs
import re
from collections.abc import AsyncGenerator
from contextlib import suppress

from trainyard.service.core.errors import ShuttingDownError, UnknownArtifactError
from trainyard.service.core.jobstore import JobReader
from trainyard.service.executor.run_files import RunFile, open_below
from trainyard.service.rpc.bell import Bell
from trainyard.service.rpc.blocking import Pool
from trainyard.service.wire import RunFolder

DEFAULT_LINES = 100
MOST_LINES = 100_000
# However long its lines are, no more than this is read to find the last of them.
_LONGEST_TAIL_BYTES = 4 * 1024 * 1024
_PIECE_BYTES = 64 * 1024
LOOK_SECONDS = 0.5
# Everything that moves a cursor, rings or changes colours: C0 but tab and line feed, DEL, C1.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class LogTail:
    """Reads the log of one job."""

    def __init__(self, store: JobReader, pool: Pool, bell: Bell, run: RunFolder) -> None:
        self._store = store
        self._pool = pool
        self._bell = bell
        self._run = run
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    async def texts(self, job_id: str, lines: int, *, follow: bool) -> AsyncGenerator[str]:
        """Yield the last ``lines`` lines and, with ``follow``, all that comes until the job is over."""
        file: RunFile | None = None
        offset = 0
        try:
            while True:
                over = not follow or await self._pool.run(self._is_over, job_id)
                if file is None and (file := await self._pool.run(self._open)) is not None:
                    offset = await self._pool.run(_last_lines, file, lines)
                while file is not None and (piece := await self._pool.run(file.piece, offset, _PIECE_BYTES)):
                    offset += len(piece)
                    if text := escaped(self._decoder.decode(piece)):
                        yield text
                if file is not None and file.size_bytes < offset:
                    offset = 0  # it was cut
                if over:
                    return
                await self._wait(job_id)
        finally:
            if file is not None:
                file.close()

    async def _wait(self, job_id: str) -> None:
        if self._bell.closed:
            raise ShuttingDownError
        with suppress(TimeoutError):
            await asyncio.wait_for(self._bell.feed(job_id).news(), LOOK_SECONDS)

    def _is_over(self, job_id: str) -> bool:
        job = self._store.job(job_id)
        return job.state.terminal and not job.held

    def _open(self) -> RunFile | None:
        try:
            return open_below(self._run.path, self._run.log.name)
        except UnknownArtifactError:
            return None


def escaped(text: str) -> str:
    """Return text in which control characters are written out."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found.group()):02x}", text.replace("\r\n", "\n"))


def _last_lines(file: RunFile, lines: int) -> int:
    """Return where the last lines begin."""
    size = file.size_bytes
    start = max(0, size - _LONGEST_TAIL_BYTES)
    raw = file.piece(start, size - start)
    place = len(raw) - 1 if raw.endswith(b"\n") else len(raw)
    for _ in range(lines):
        place = raw.rfind(b"\n", 0, place)
        if place < 0:
            return start
    return start + place + 1
