"""Where the server listens. Addresses that others can reach need TLS: a training server runs what it is told to."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import closing
from ipaddress import ip_address
from typing import NamedTuple

from trainyard.linter.cli.exits import Refusal


class Address(NamedTuple):
    """A host and a port; port 0 takes any free one."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return _is_loopback(self.host)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse(text: str, option: str) -> Address:
    """Read ``HOST:PORT``; raises Refusal for anything else."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise Refusal(f"{option} wants HOST:PORT, not {text!r}")
    try:
        host.encode("idna")
    except UnicodeError as error:
        raise Refusal(f"{option} {text}: {host!r} can not be the name of a host") from error
    return Address("127.0.0.1" if host == "localhost" else host, int(port))


def ensure_guarded(address: Address, option: str, missing: Sequence[str]) -> None:
    """Raise Refusal for an address that others can reach, unless nothing of what guards it is ``missing``."""
    if missing and not address.loopback:
        raise Refusal(
            f"{option} {address}: others can reach this address, so it needs {' and '.join(missing)}; "
            f"127.0.0.1:{address.port} answers on this machine only"
        )


def ensure_free(address: Address, option: str) -> None:
    """Raise Refusal when somebody listens on the address already: before anything was made that would be left behind."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError as error:
            raise busy(address, option, error) from error


def busy(address: Address, option: str, error: OSError | None = None) -> Refusal:
    """Make the refusal for an address that can not be had."""
    why = (error.strerror if error else None) or "Address already in use"
    return Refusal(f"{option} {address}: {why[0].lower()}{why[1:]}; stop what listens there, or choose another port (0 takes any)")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
