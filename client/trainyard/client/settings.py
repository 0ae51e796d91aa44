"""Which server to talk to and how to say who we are: options first, then the environment, a named context, this machine.

The rule about tokens lives here: the token that a loopback server left in the user's state folder is for
loopback servers only, so that a mistyped address never receives it; and what a context says about tokens and
certificates is for the server of that context only. Nothing here reads the environment by
itself; it is handed in.
"""

# ruff: noqa: PTH111, PTH113, PTH118, PTH123 - see user_state_folder

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import NamedTuple

from trainyard.client import address, contexts
from trainyard.client.address import Address
from trainyard.client.errors import BadSettings

SERVER_VARIABLE = "TRAINYARD_SERVER"
TOKEN_FILE_VARIABLE = "TRAINYARD_TOKEN_FILE"  # noqa: S105 - the name of a variable, no secret
TLS_VARIABLES = ("TRAINYARD_TLS_CA", "TRAINYARD_TLS_CERT", "TRAINYARD_TLS_KEY")
MAX_TOKEN_BYTES = 4096


class Tls(NamedTuple):
    """Files for TLS, in PEM: the authority to trust instead of the system's, our certificate and its key; None where not given."""

    ca: str | None = None
    cert: str | None = None
    key: str | None = None


NO_TLS = Tls()


class Settings(NamedTuple):
    """A server, the token it gets (``None``: none was found), the file the token came from or would have come from, and TLS."""

    address: Address
    token: str | None
    token_file: str | None
    tls: Tls = NO_TLS

    @property
    def encrypted(self) -> bool:
        """True when the server is dialled with TLS: always but for this machine, and there when files for it were named."""
        return not self.address.loopback or any(self.tls)

    def __repr__(self) -> str:
        return f"Settings(address={self.address!s}, token={'***' if self.token else None}, token_file={self.token_file}, tls={self.tls})"


def settle(
    server: str | None,
    token_file: str | os.PathLike[str] | None,
    environment: Mapping[str, str],
    state_folder: str | None = None,
    *,
    context: str | None = None,
    tls: Tls = NO_TLS,
) -> Settings:
    """Decide where to go and with which token and certificates; raises BadSettings for an address or file that can't be used.

    A context that was named outright wins over TRAINYARD_SERVER; the current one only stands in where nothing was said.
    """
    said = server or (None if context else environment.get(SERVER_VARIABLE))
    chosen = contexts.Context() if said and not context else _context(context, environment)
    if server:
        # Named beside a context: the address is another one, so the secrets of the context stay at home.
        chosen = contexts.Context()
    target = address.parse(said or chosen.server or f"{address.DEFAULT_HOST}:{address.DEFAULT_PORT}")
    files = _tls(tls, chosen, environment)
    given = token_file or chosen.token_file or environment.get(TOKEN_FILE_VARIABLE)
    if given:
        return Settings(target, _read(os.fspath(given)), os.fspath(given), files)
    if not target.loopback:
        return Settings(target, None, None, files)
    left_by_server = os.path.join(state_folder or user_state_folder(environment), "token")
    return Settings(target, _read(left_by_server) if os.path.isfile(left_by_server) else None, left_by_server, files)


def _context(name: str | None, environment: Mapping[str, str]) -> contexts.Context:
    path = contexts.config_path(environment)
    wanted = name or environment.get(contexts.CONTEXT_VARIABLE)
    if not wanted and not (path and os.path.isfile(path)):
        return contexts.Context()
    known = contexts.load(path)
    wanted = wanted or known.current
    return known.named(wanted, path) if wanted else contexts.Context()


def _tls(given: Tls, chosen: contexts.Context, environment: Mapping[str, str]) -> Tls:
    offered = zip(given, (chosen.tls_ca, chosen.tls_cert, chosen.tls_key), TLS_VARIABLES, strict=True)
    files = Tls(*(option or of_context or environment.get(variable) or None for option, of_context, variable in offered))
    if bool(files.cert) != bool(files.key):
        raise BadSettings("a client certificate needs its key and a key its certificate: give both --tls-cert and --tls-key")
    return files


def user_state_folder(environment: Mapping[str, str], platform: str = sys.platform) -> str:
    """Return the folder where a loopback server of this user leaves its token.

    It is what platformdirs says (a test holds the two together); on Linux its rule is written out, because the
    import would be a tenth of all that ``trainyard jobs`` costs.
    """
    if platform == "linux":
        home = environment.get("XDG_STATE_HOME", "")
        return os.path.join(home if home.startswith("/") else os.path.expanduser("~/.local/state"), "trainyard")
    import platformdirs

    return platformdirs.user_state_dir("trainyard")


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:
            raw = file.read(MAX_TOKEN_BYTES + 1)
    except OSError as error:
        raise BadSettings(f"the token file {path} can't be read: {(error.strerror or '').lower()}") from None
    token = raw.strip()
    if not token or len(raw) > MAX_TOKEN_BYTES or not all(33 <= byte <= 126 for byte in token):
        raise BadSettings(f"the token file {path} holds no token: one line of printable characters is meant")
    return token.decode("ascii")
