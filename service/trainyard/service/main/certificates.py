"""When certificates begin and end, read from their own bytes: the standard library tells it of a connection only.

Walks DER (X.690) down to the two moments of the validity (RFC 5280, 4.1.2.5) and knows nothing else of a certificate.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

_PEM = re.compile("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_SEQUENCE, _VERSION, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0xA0, 0x17, 0x18
_LONG_FORM = 0x80
# Serial number, signature algorithm and issuer stand before the validity.
_BEFORE_VALIDITY = 3


class Validity(NamedTuple):
    """From when to when a certificate is good."""

    begins: datetime
    ends: datetime


def validities(path: Path) -> Sequence[Validity]:
    """Return the validity of each certificate in a PEM file, in its order; raises OSError, or ValueError for what is none."""
    found = [_validity(ssl.PEM_cert_to_DER_cert(block)) for block in _PEM.findall(path.read_text(encoding="ascii"))]
    if not found:
        raise ValueError("it holds no PEM certificate")
    return found


def _validity(der: bytes) -> Validity:
    whole = _members(der)[0][1]
    signed = _members(_members(whole)[0][1])
    if signed[0][0] == _VERSION:
        signed = signed[1:]
    kind, validity = signed[_BEFORE_VALIDITY]
    begins, ends = _members(validity)[:2]
    if kind != _SEQUENCE:
        raise ValueError("its bytes are no certificate")
    return Validity(_moment(*begins), _moment(*ends))


def _members(raw: bytes) -> list[tuple[int, bytes]]:
    """Cut bytes into (tag, content), as long as there are any."""
    found, at = [], 0
    while at < len(raw):
        tag, first, at = raw[at], raw[at + 1], at + 2
        count = first & ~_LONG_FORM if first & _LONG_FORM else 0
        length = int.from_bytes(raw[at : at + count], "big") if count else first
        found.append((tag, raw[at + count : at + count + length]))
        at += count + length
    return found


def _moment(tag: int, content: bytes) -> datetime:
    if tag not in {_UTC_TIME, _GENERALIZED_TIME}:
        raise ValueError("its validity is no pair of times")
    # Of two digits of a year those up to 49 are of this century, for Python too (RFC 5280: 2050 is written with four).
    layout = "%y%m%d%H%M%SZ" if tag == _UTC_TIME else "%Y%m%d%H%M%SZ"
    return datetime.strptime(content.decode("ascii"), layout).replace(tzinfo=UTC)
