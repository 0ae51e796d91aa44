"""A server with a certificate of a house's own authority, and one that asks for ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
import trustme
from tests.integration.client.conftest import FakeServer, Shell

from trainyard.client import BadSettings, Client, Tls, Unreachable
from trainyard.v1.training_service_pb2_grpc import add_TrainingServiceServicer_to_server


@dataclass(frozen=True)
class House:
    """An authority, and files of it as an operator hands them out."""

    folder: Path
    authority: trustme.CA

    def __post_init__(self) -> None:
        self.authority.cert_pem.write_to_path(self.folder / "ca.pem")
        ours = self.authority.issue_cert("ann@example.org")
        ours.private_key_pem.write_to_path(self.folder / "key.pem")
        ours.cert_chain_pems[0].write_to_path(self.folder / "cert.pem")
        trustme.CA().cert_pem.write_to_path(self.folder / "other.pem")

    def tls(self, ca: str = "ca.pem", *, certificate: bool = False) -> Tls:
        files = [str(self.folder / name) for name in (ca, "cert.pem", "key.pem")]
        return Tls(*files) if certificate else Tls(files[0])


@pytest.fixture
def house(tmp_path: Path) -> House:
    (tmp_path / "house").mkdir()
    return House(tmp_path / "house", trustme.CA())


@pytest.fixture
def serve(fake: FakeServer, house: House) -> Iterator[Callable[..., str]]:
    started: list[grpc.Server] = []

    def start(*, asks: bool = False) -> str:
        certificate = house.authority.issue_cert("localhost")
        pair = (certificate.private_key_pem.bytes(), b"".join(pem.bytes() for pem in certificate.cert_chain_pems))
        root = house.authority.cert_pem.bytes() if asks else None
        server = grpc.server(ThreadPoolExecutor(max_workers=4))
        add_TrainingServiceServicer_to_server(fake, server)
        port = server.add_secure_port("localhost:0", grpc.ssl_server_credentials([pair], root, require_client_auth=asks))
        server.start()
        started.append(server)
        return f"localhost:{port}"

    yield start
    for server in started:
        server.stop(None).wait(10)


def test_a_house_s_own_authority_is_trusted_when_it_is_named_and_not_otherwise(serve: Callable[..., str], house: House) -> None:
    address = serve()
    with Client(address, tls=house.tls()) as client:
        assert client.server_info().version == "0.1.0"
    with Client(address, tls=house.tls("other.pem")) as stranger, pytest.raises(Unreachable):
        stranger.server_info()


def test_a_server_that_asks_for_a_certificate_gets_ours(serve: Callable[..., str], house: House) -> None:
    address = serve(asks=True)
    with Client(address, tls=house.tls(certificate=True)) as client:
        assert client.server_info().version == "0.1.0"
    with Client(address, tls=house.tls()) as nobody, pytest.raises(Unreachable):
        nobody.server_info()


def test_the_commands_take_the_files_from_options_the_environment_and_a_context(
    fake: FakeServer, serve: Callable[..., str], house: House, shell: Shell
) -> None:
    fake.token = "s3cret"
    (house.folder / "token").write_text("s3cret")
    shell.environment.update(TRAINYARD_SERVER=serve(), TRAINYARD_TOKEN_FILE=str(house.folder / "token"))
    ca = str(house.folder / "ca.pem")
    assert shell.run("info", "--tls-ca", ca).returncode == 0
    assert shell.run("info", TRAINYARD_TLS_CA=ca).returncode == 0
    shell.environment["TRAINYARD_CONFIG"] = str(house.folder / "client.toml")
    assert shell.run("context", "add", "lab", "--server", shell.environment["TRAINYARD_SERVER"], "--tls-ca", ca).returncode == 0
    assert shell.run("info", "--context", "lab").returncode == 0
    assert shell.run("info", "--tls-ca", str(house.folder / "token")).returncode == 2


def test_a_file_that_is_no_certificate_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "odd").write_text("odd")
    for name, problem in (("absent", "can't be read"), ("odd", "holds no PEM")):
        with pytest.raises(BadSettings, match=problem):
            Client("localhost:1", tls=Tls(str(tmp_path / name)))
