"""Which server to talk to and how to say who we are: options first, then the environment, then this machine.

The rule about tokens lives here: the token that a loopback server left in the user's state folder is for
loopback servers only, so that a mistyped address never receives it. Nothing here reads the environment by
itself; it is handed in.
"""

# ruff: noqa: PTH111, PTH113, PTH118, PTH123 - see user_state_folder

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import NamedTuple

from trainyard.client import address
from trainyard.client.address import Address
from trainyard.client.errors import BadSettings

SERVER_VARIABLE = "TRAINYARD_SERVER"
TOKEN_FILE_VARIABLE = "TRAINYARD_TOKEN_FILE"  # noqa: S105 - the name of a variable, no secret
MAX_TOKEN_BYTES = 4096


class Settings(NamedTuple):
    """A server, the token it gets (``None``: none was found), and the file the token came from or would have come from."""

    address: Address
    token: str | None
    token_file: str | None

    def __repr__(self) -> str:
        return f"Settings(address={self.address!s}, token={'***' if self.token else None}, token_file={self.token_file})"


def settle(
    server: str | None, token_file: str | os.PathLike[str] | None, environment: Mapping[str, str], state_folder: str | None = None
) -> Settings:
    """Decide where to go and with which token; raises BadSettings for an address or file that can't be used."""
    target = address.parse(server or environment.get(SERVER_VARIABLE) or f"{address.DEFAULT_HOST}:{address.DEFAULT_PORT}")
    given = token_file or environment.get(TOKEN_FILE_VARIABLE)
    if given:
        return Settings(target, _read(os.fspath(given)), os.fspath(given))
    if not target.loopback:
        return Settings(target, None, None)
    left_by_server = os.path.join(state_folder or user_state_folder(environment), "token")
    return Settings(target, _read(left_by_server) if os.path.isfile(left_by_server) else None, left_by_server)


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
