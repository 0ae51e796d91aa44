"""From a failed gRPC call to an exception that says what it means and what to do.

The one place that knows which status code means what. The server's own sentence is used where it has
one; transport failures, which the library describes for its developers, get a sentence of ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import grpc

from trainyard.client import errors
from trainyard.client.settings import Settings

if TYPE_CHECKING:
    from trainyard.client.details import Details

Code = grpc.StatusCode
Meaning = Callable[[str, "Details", Settings], errors.ClientError]
# What gRPC's transport says, and what a person calls it.
_TRANSPORT = (
    ("Connection refused", "nothing listens there"),
    ("DNS resolution failed", "the name is unknown"),
    ("No route to host", "there is no route to it"),
    ("Network is unreachable", "the network is down"),
    ("SSL_ERROR", "it does not speak TLS, or its certificate is not trusted"),
    ("CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted"),
    ("Trying to connect an http1.x server", "something else than Trainyard answers"),
    ("handshake", "the handshake failed"),
)


def code_of(error: grpc.RpcError) -> grpc.StatusCode:
    """Return the status code of a failed call."""
    code = getattr(error, "code", lambda: None)()
    return code if isinstance(code, grpc.StatusCode) else Code.UNKNOWN


def meaning(error: grpc.RpcError, settings: Settings) -> errors.ClientError:
    """Return the exception that a failed call means."""
    from trainyard.client import details as rich

    code, said = code_of(error), getattr(error, "details", lambda: "")() or ""
    return _MEANINGS.get(code, _fault)(said, rich.read(error), settings)


def _unreachable(said: str, details: Details, settings: Settings) -> errors.ClientError:
    if details.reason:
        return errors.Unreachable(f"the server at {settings.address} can't answer now: {said}")
    why = next((words for sign, words in _TRANSPORT if sign in said), "")
    hint = "; start one with: trainyard serve" if settings.address.loopback and why == _TRANSPORT[0][1] else ""
    return errors.Unreachable(f"no server answers at {settings.address}{f' ({why})' if why else ''}{hint}")


def _too_late(_said: str, _details: Details, settings: Settings) -> errors.ClientError:
    return errors.Unreachable(f"the server at {settings.address} did not answer in time")


def _refused(otherwise: type[errors.ClientError]) -> Meaning:
    """Return the meaning of a code that the lint gate uses, and others too."""

    def meaning_of(said: str, details: Details, _settings: Settings) -> errors.ClientError:
        return errors.SpecRefused(said, details.report) if details.report is not None else otherwise(said)

    return meaning_of


def _unauthenticated(_said: str, _details: Details, settings: Settings) -> errors.ClientError:
    if settings.token is not None:
        return errors.Unauthenticated(f"the server at {settings.address} does not accept the token in {settings.token_file}")
    where = f"there is none in {settings.token_file}; " if settings.token_file else ""
    return errors.Unauthenticated(
        f"the server at {settings.address} wants a token: {where}name its file with --token-file or TRAINYARD_TOKEN_FILE"
    )


def _over_quota(said: str, details: Details, settings: Settings) -> errors.ClientError:
    if not details.reason and "larger than max" in said:
        return _too_large(said, settings)
    return errors.OverQuota(said, details.retry_seconds)


def _too_large(said: str, settings: Settings) -> errors.ClientError:
    """Say in our words what the transport says about a message that it will not carry."""
    import re

    sizes = [int(digits) for digits in re.findall(r"\d+", said)]
    if len(sizes) != 2:
        return errors.InvalidRequest(f"what was sent is more than the server at {settings.address} takes")
    sent, most = (f"{size / 2**20:.1f} MiB" for size in (max(sizes), min(sizes)))
    return errors.InvalidRequest(
        f"what was sent is {sent}, more than the {most} that travel to {settings.address}: a spec is a page of JSON"
    )


def _not_supported(said: str, details: Details, settings: Settings) -> errors.ClientError:
    if details.reason:
        return errors.NotSupported(said)
    return errors.NotSupported(f"the server at {settings.address} can't do this: it is no Trainyard server, or an older one")


def _fault(said: str, _details: Details, settings: Settings) -> errors.ClientError:
    return errors.ServerFault(f"the server at {settings.address} failed: {said or 'it gave no reason'}; its log says more")


def _plain(error: type[errors.ClientError]) -> Meaning:
    return lambda said, _details, _settings: error(said)


_MEANINGS: dict[grpc.StatusCode, Callable[[str, Details, Settings], errors.ClientError]] = {
    Code.UNAVAILABLE: _unreachable,
    # We never cancel a call of our own that we wait for: the server did, on its way out.
    Code.CANCELLED: _unreachable,
    Code.DEADLINE_EXCEEDED: _too_late,
    Code.FAILED_PRECONDITION: _refused(errors.WrongState),
    Code.INVALID_ARGUMENT: _refused(errors.InvalidRequest),
    Code.OUT_OF_RANGE: _plain(errors.InvalidRequest),
    Code.NOT_FOUND: _plain(errors.NotFound),
    Code.UNAUTHENTICATED: _unauthenticated,
    Code.PERMISSION_DENIED: _plain(errors.Forbidden),
    Code.ALREADY_EXISTS: _plain(errors.Conflict),
    Code.RESOURCE_EXHAUSTED: _over_quota,
    Code.UNIMPLEMENTED: _not_supported,
}
