"""Time, names and the user: what the core must not ask for itself."""

from __future__ import annotations

import os
import pwd
import secrets
import time
from datetime import UTC, datetime

# No letters that read alike; 12 of 32 make 60 bits.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH = 12


class SystemClock:
    """The clocks of this machine."""

    def now(self) -> datetime:
        """Return the time of day, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds since some moment."""
        return time.monotonic()


class RandomIds:
    """Names from the system's randomness."""

    def job_id(self) -> str:
        """Return a new job id; it begins with a letter, so that no shell and no spreadsheet takes it for a number."""
        first = secrets.choice(_ALPHABET[10:])
        return first + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH - 1))


def user_name() -> str:
    """Name the user who runs this process."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid-{os.getuid()}"
