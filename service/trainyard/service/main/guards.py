"""Who may come in, put together from the settings: tokens, certificates, the audit log, the keys of both ports."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from trainyard.linter.cli.exits import Refusal
from trainyard.service.core.identity import Identities, Principal, Role
from trainyard.service.main import descriptors, tls
from trainyard.service.main.audit import AuditLog
from trainyard.service.main.settings import Settings
from trainyard.service.main.surroundings import user_name
from trainyard.service.main.token_book import KnownTokens, TokenBook
from trainyard.service.rpc.server import Door

_SHORTEST_TOKEN = 16


@dataclass(frozen=True, slots=True)
class Guards:
    """What guards the two ports."""

    identities: Identities
    door: Door
    metrics_tls: ssl.SSLContext | None
    metrics_token: str | None


def guards(settings: Settings, home: Path, token: str, now: Callable[[], datetime]) -> Guards:
    """Read what guards the ports; raises Refusal for a file that can't be used.

    ``token`` is the user's own. It is the operator's: whoever can read it can read the home folder too.
    """
    door = Door(
        connections=descriptors.connections(),
        credentials=tls.credentials(settings.tls) if settings.tls else None,
        certificate_role=settings.certificate_role if settings.tls and settings.tls.client_ca else None,
        reflection=settings.listen.loopback,
        audit=AuditLog(home, now).keep,
    )
    return Guards(
        identities=KnownTokens((token, Principal(user_name(), Role.OPERATOR)), TokenBook(home), now),
        door=door,
        metrics_tls=tls.context(settings.metrics_tls, "--metrics-tls") if settings.metrics_tls else None,
        metrics_token=secret(settings.metrics_token_file, "--metrics-token-file") if settings.metrics_token_file else None,
    )


def secret(path: Path, option: str) -> str:
    """Return the secret in a file; raises Refusal when there is none, or a short one."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(f"{option} {path} can not be read as a text") from error
    if len(text) < _SHORTEST_TOKEN or not text.isprintable() or " " in text:
        raise Refusal(f"{option} {path} holds no token: {_SHORTEST_TOKEN} characters at least, without blanks")
    return text
