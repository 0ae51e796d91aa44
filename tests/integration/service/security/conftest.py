"""A server behind TLS and tokens, in a thread, and channels to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from tests.integration.service.rpc.conftest import TOKEN, Thread, good_spec

from trainyard.service.core.identity import Role
from trainyard.service.main.addresses import Address
from trainyard.service.main.settings import Settings
from trainyard.service.main.tls import TlsFiles
from trainyard.service.main.token_book import TokenBook
from trainyard.v1.training_service_pb2_grpc import TrainingServiceStub

ANYWHERE = Address("127.0.0.1", 0)


class Guarded:
    """A server with a book of tokens."""

    def __init__(self, folder: Path, data_root: Path, **of: Any) -> None:
        self.home, self.token = folder / "home", TOKEN
        settings = Settings(self.home, ANYWHERE, ANYWHERE, data_root, 1, "cpu", None, folder / "token")
        self.book = TokenBook(self.home)
        self._thread = Thread(replace(settings, **of))
        self.parts = self._thread.start()
        self.address = f"127.0.0.1:{self.parts.server.port}"
        self._channels: list[grpc.Channel] = []

    def give(self, name: str, role: Role, **of: Any) -> str:
        """Make a token."""
        return self.book.create(name, role, of.get("lifetime"), of.get("now") or datetime.now(UTC))[1]

    def stub(self, credentials: grpc.ChannelCredentials | None = None) -> TrainingServiceStub:
        """Open a channel."""
        options = (("grpc.ssl_target_name_override", "localhost"),) if credentials else ()
        self._channels.append(
            grpc.secure_channel(self.address, credentials, options) if credentials else grpc.insecure_channel(self.address)
        )
        return TrainingServiceStub(self._channels[-1])

    def close(self) -> None:
        for channel in self._channels:
            channel.close()
        self._thread.stop()
        for run in (self.home / "runs").iterdir():
            (run / "go").touch()


@pytest.fixture(scope="session")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    rows = [f"{index % 7},{index % 5},{'ab'[index % 2]}" for index in range(80)]
    (root / "table.csv").write_text("\n".join(["x,y,label", *rows]) + "\n")
    return root


@pytest.fixture
def guarded(tmp_path: Path, data_root: Path) -> Iterator[Callable[..., Guarded]]:
    """Start a server; what is passed goes into its settings."""
    made: list[Guarded] = []

    def start(**of: Any) -> Guarded:
        made.append(Guarded(tmp_path, data_root, **of))
        return made[-1]

    yield start
    for one in made:
        one.close()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def certificate(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    """The server's pair for localhost, and the CA as the one of clients."""
    folder = tmp_path_factory.mktemp("tls")
    pair = authority.issue_cert("localhost")
    pair.private_key_pem.write_to_path(folder / "key.pem")
    for blob in pair.cert_chain_pems:
        blob.write_to_path(folder / "cert.pem", append=True)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    return TlsFiles(folder / "cert.pem", folder / "key.pem", folder / "ca.pem")


@pytest.fixture
def spec() -> Callable[..., bytes]:
    return good_spec
