"""Page tokens: opaque to callers, and good only for the list that made them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json

from trainyard.service.core.errors import InvalidRequestError

DEFAULT_SIZE = 50
LARGEST_SIZE = 1000


def size(asked: int) -> int:
    """Return the page size to use; raises InvalidRequestError for a negative one."""
    if asked < 0:
        raise InvalidRequestError(field="page_size", problem="can not be negative; leave it out, or write 1 to 1000")
    return min(asked or DEFAULT_SIZE, LARGEST_SIZE)


def token(place: int | str, filters: bytes) -> str:
    """Make the token of the page that follows ``place``; ``filters`` is the request without its page."""
    return base64.urlsafe_b64encode(json.dumps([place, _digest(filters)]).encode()).decode()


def number(given: str, filters: bytes) -> int | None:
    """Return the job number of a token, None for the first page; raises InvalidRequestError."""
    if not given:
        return None
    after = _place(given, filters)
    if not isinstance(after, int) or not 0 <= after < 2**63:
        raise _foreign()
    return after


def name(given: str, filters: bytes) -> str:
    """Return the name in a token, empty for the first page; raises InvalidRequestError."""
    if not given:
        return ""
    after = _place(given, filters)
    if not isinstance(after, str) or "\0" in after:
        raise _foreign()
    return after


def _place(given: str, filters: bytes) -> object:
    try:
        after, digest = json.loads(base64.b64decode(given.encode(), altchars=b"-_", validate=True))
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise InvalidRequestError(field="page_token", problem="is none of ours; ask for the first page again") from error
    if digest != _digest(filters):
        raise _foreign()
    return after


def _foreign() -> InvalidRequestError:
    return InvalidRequestError(field="page_token", problem="belongs to another list; ask for the first page again")


def _digest(filters: bytes) -> str:
    return hashlib.sha256(filters).hexdigest()[:16]
