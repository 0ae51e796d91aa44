"""Certificates: read and tried at start, so that a wrong file is a sentence and not a handshake that fails later.

A renewed certificate needs no restart: the files are looked at again for new connections.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc

from trainyard.linter.cli.exits import Refusal


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: the server's chain, its key, and the CA whose client certificates are asked for."""

    certificate: Path
    key: Path
    client_ca: Path | None = None


def files(cert: Path | None, key: Path | None, option: str, client_ca: Path | None = None) -> TlsFiles | None:
    """Pair the options; raises Refusal for half a pair and for files that are no certificate, no key, or not each other's."""
    if cert is None and key is None:
        if client_ca is not None:
            raise Refusal(f"{option}-client-ca asks for certificates of clients, which needs {option}-cert and {option}-key too")
        return None
    if cert is None or key is None:
        raise Refusal(f"{option}-cert and {option}-key belong together: name both")
    found = TlsFiles(cert.absolute(), key.absolute(), client_ca.absolute() if client_ca else None)
    _context(found, option)
    return found


def context(found: TlsFiles, option: str) -> ssl.SSLContext:
    """Return what the metrics endpoint wraps connections with."""
    return _context(found, option)


def credentials(found: TlsFiles) -> grpc.ServerCredentials:
    """Return what the gRPC port wraps connections with; with a client CA, who has no certificate of it gets no connection."""
    seen = {"moments": _moments(found)}

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        moments = _moments(found)
        if not moments or moments == seen["moments"]:
            return None
        try:
            _context(found, "--tls")
            configuration = _configuration(found)
        except (Refusal, OSError):
            return None  # half a renewal: the pair does not fit yet
        seen["moments"] = moments
        return configuration

    asked = found.client_ca is not None
    return grpc.dynamic_ssl_server_credentials(_configuration(found), renewed, asked)  # type: ignore[arg-type]  # None: as before


def _configuration(found: TlsFiles) -> grpc.ServerCertificateConfiguration:
    roots = found.client_ca.read_bytes() if found.client_ca else None
    return grpc.ssl_server_certificate_configuration([(found.key.read_bytes(), found.certificate.read_bytes())], roots)


def _moments(found: TlsFiles) -> tuple[int, ...]:
    try:
        return tuple(path.stat().st_mtime_ns for path in (found.certificate, found.key))
    except OSError:
        return ()


def _context(found: TlsFiles, option: str) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        made.load_cert_chain(found.certificate, found.key, password=_no_password)
    except (OSError, ValueError) as error:
        why = (
            error.strerror
            if not isinstance(error, ssl.SSLError) and isinstance(error, OSError)
            else "they are no PEM pair of a certificate and its key"
        )
        raise Refusal(f"{option}-cert {found.certificate}, {option}-key {found.key}: {why}") from error
    if found.client_ca is not None:
        try:
            made.load_verify_locations(found.client_ca)
        except OSError as error:
            why = "it holds no PEM certificate" if isinstance(error, ssl.SSLError) else error.strerror
            raise Refusal(f"{option}-client-ca {found.client_ca}: {why}") from error
    return made


def _no_password() -> str:
    raise ValueError("the key wants a password")
