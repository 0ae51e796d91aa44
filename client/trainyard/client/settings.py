"""Which server to talk to and how to say who we are: options first, then the environment, then this machine.

The rule about tokens lives here: the token that a loopback server left in the user's state folder is for
loopback servers only, so that a mistyped address never receives it. Nothing here reads the environment by
itself; it is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from trainyard.client import address
from trainyard.client.address import Address
from trainyard.client.errors import BadSettings

SERVER_VARIABLE = "TRAINYARD_SERVER"
TOKEN_FILE_VARIABLE = "TRAINYARD_TOKEN_FILE"  # noqa: S105 - the name of a variable, no secret
MAX_TOKEN_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Settings:
    """A server, the token it gets (``None``: none was found), and the file the token came from."""

    address: Address
    token: str | None
    token_file: Path | None

    def __repr__(self) -> str:
        return f"Settings(address={self.address!s}, token={'***' if self.token else None}, token_file={self.token_file})"


def settle(
    server: str | None, token_file: Path | None, environment: Mapping[str, str], state_folder: Callable[[], Path] | None = None
) -> Settings:
    """Decide where to go and with which token; raises BadSettings for an address or file that can't be used."""
    target = address.parse(server or environment.get(SERVER_VARIABLE) or f"{address.DEFAULT_HOST}:{address.DEFAULT_PORT}")
    given = token_file or (Path(environment[TOKEN_FILE_VARIABLE]) if environment.get(TOKEN_FILE_VARIABLE) else None)
    if given is not None:
        return Settings(target, _read(given), given)
    if not target.loopback:
        return Settings(target, None, None)
    left_by_server = (state_folder or user_state_folder)() / "token"
    return Settings(target, _read(left_by_server) if left_by_server.is_file() else None, left_by_server)


def user_state_folder() -> Path:
    """The folder where a loopback server of this user leaves its token."""
    import platformdirs

    return Path(platformdirs.user_state_dir("trainyard"))


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_TOKEN_BYTES + 1)
    except OSError as error:
        raise BadSettings(f"the token file {path} can't be read: {error.strerror}") from None
    token = raw.strip()
    if not token or len(raw) > MAX_TOKEN_BYTES or not all(33 <= byte <= 126 for byte in token):
        raise BadSettings(f"the token file {path} holds no token: one line of printable characters is meant")
    return token.decode("ascii")
