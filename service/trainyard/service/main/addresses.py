"""Where the server listens. Only this machine, as long as there is no TLS: a training server runs what it is told to."""

from __future__ import annotations

import socket
from contextlib import closing
from ipaddress import ip_address
from typing import NamedTuple

from trainyard.linter.cli.exits import Refusal


class Address(NamedTuple):
    """A host and a port; port 0 takes any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse(text: str, option: str) -> Address:
    """Read ``HOST:PORT``; raises Refusal for anything else, and for a host that is not this machine."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise Refusal(f"{option} wants HOST:PORT, not {text!r}")
    if not _is_loopback(host):
        raise Refusal(f"{option} {text}: the server answers on this machine only until it has TLS; write 127.0.0.1:{port}")
    return Address("127.0.0.1" if host == "localhost" else host, int(port))


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
