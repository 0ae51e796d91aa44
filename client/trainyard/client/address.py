"""Where a server lives, and whether that is this machine. Dials nothing."""

from __future__ import annotations

from typing import NamedTuple

from trainyard.client.errors import BadSettings

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 50051


class Address(NamedTuple):
    """Host and port; an IPv6 host stands without its brackets."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """True when nothing sent there can leave this machine."""
        if self.host.lower() in {"localhost", DEFAULT_HOST}:
            return True
        import ipaddress

        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse(text: str) -> Address:
    """Read ``HOST``, ``HOST:PORT``, ``[V6]`` or ``[V6]:PORT``; raises BadSettings, saying what is meant."""
    host, port = _split(text.strip())
    if not host or any(character.isspace() or character in "/@[]" for character in host):
        raise BadSettings(f"{text!r} is no server address; write HOST:PORT, as in {DEFAULT_HOST}:{DEFAULT_PORT}")
    return Address(host, _port(port, text))


def _split(text: str) -> tuple[str, str]:
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        return (host, rest.removeprefix(":")) if bracket and rest[:1] in {"", ":"} else ("", "")
    if text.count(":") > 1:
        return text, ""
    host, _, port = text.partition(":")
    return host, port


def _port(text: str, address: str) -> int:
    if not text:
        return DEFAULT_PORT
    if not (text.isascii() and text.isdigit()) or not 0 < int(text) < 65536:
        raise BadSettings(f"{address!r} has no usable port; write a number from 1 to 65535 after the colon")
    return int(text)
