"""How long the supervisor waits for what, and how much it lets a trainer have. Seconds and bytes; nothing here acts."""

from __future__ import annotations

from dataclasses import dataclass

_MIB = 1024**2


@dataclass(frozen=True, slots=True)
class Patience:
    """Limits of one trainer.

    Attributes:
        exit_seconds: from its last word to TERM.
        grace_seconds: from TERM to KILL.
        pause_seconds: from the wish to pause to TERM; a bundle has to be written in between.
        stop_seconds: from the wish to stop to TERM; the best model has to be evaluated in between.
        late_seconds: from TERM to KILL for who was to pause or stop and had all that time: its slot is promised to others.
        stall_seconds: without any sign of life, until its stacks are dumped and it is ended.
        wall_seconds: for one attempt, whatever it does; None for no limit. Holds in the trainer too, with no server at all.
        orphan_seconds: without a sign of the server, until a trainer saves its place and ends.
        log_bytes: of its log; more is cut in the middle.
        spool_bytes: of its events; more ends it.
        file_bytes: of any file it writes.
        reserve_bytes: of the machine's memory that must stay free, else the largest trainer is ended.
    """

    exit_seconds: float = 10.0
    grace_seconds: float = 10.0
    pause_seconds: float = 30.0
    stop_seconds: float = 900.0
    late_seconds: float = 1.0
    stall_seconds: float = 1800.0
    wall_seconds: float | None = None
    orphan_seconds: float = 3600.0
    log_bytes: int = 64 * _MIB
    spool_bytes: int = 512 * _MIB
    file_bytes: int = 64 * 1024 * _MIB
    reserve_bytes: int = 256 * _MIB
