"""Attempts on a server: each is refused with its code, and the server answers everybody else meanwhile and afterwards."""

from __future__ import annotations

import json
import random
import resource
import socket
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from sqlalchemy import make_url
from tests.integration.service.rpc.conftest import good_spec
from tests.integration.service.security.conftest import Guarded

from trainyard.service.core.identity import Role
from trainyard.service.main import descriptors as descriptor_limits
from trainyard.service.main.tls import TlsFiles
from trainyard.service.main.token_book import PREFIX
from trainyard.service.rpc import server as rpc_server
from trainyard.v1 import job_pb2
from trainyard.v1 import training_service_pb2 as pb
from trainyard.v1.training_service_pb2_grpc import TrainingServiceStub

Code = grpc.StatusCode
SERVICE = pb.DESCRIPTOR.services_by_name["TrainingService"]


class Besieged(Guarded):
    """A server whose data root has links that lead out of it, and a submitter who means no good."""

    def __init__(self, folder: Path, **of: Any) -> None:
        root, outside = folder / "data", folder / "outside"
        root.mkdir()
        outside.mkdir()
        rows = [f"{index % 7},{index % 5},{'ab'[index % 2]}" for index in range(80)]
        for place in (root, outside):
            (place / "table.csv").write_text("\n".join(["x,y,label", *rows]) + "\n")
        (root / "link.csv").symlink_to(outside / "table.csv")
        (root / "folder").symlink_to(outside)
        authority = trustme.CA()
        self.tls = of.pop("guarded", False)
        if self.tls:
            of["tls"] = _pair(authority, folder)
        self.credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes()) if self.tls else None
        super().__init__(folder, root, **of)
        self.stranger = self.give("mallory", Role.SUBMITTER)
        self.expired = self.give("mallory", Role.SUBMITTER, lifetime=timedelta(seconds=1), now=datetime.now(UTC) - timedelta(days=1))
        self.revoked = self.give("gone", Role.OPERATOR)
        self.book.revoke("gone", datetime.now(UTC))

    def stub(self, credentials: grpc.ChannelCredentials | None = None) -> Any:
        return super().stub(credentials or self.credentials)

    def channel(self) -> grpc.Channel:
        options = (("grpc.ssl_target_name_override", "localhost"), ("grpc.use_local_subchannel_pool", 1))
        secure = self.credentials
        return grpc.secure_channel(self.address, secure, options) if secure else grpc.insecure_channel(self.address, options[1:])


def _pair(authority: trustme.CA, folder: Path) -> TlsFiles:
    pair = authority.issue_cert("localhost")
    pair.private_key_pem.write_to_path(folder / "key.pem")
    pair.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    return TlsFiles(folder / "cert.pem", folder / "key.pem")


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Besieged]]:
    """The servers that were asked for; they live as long as the module, in whatever order tests come."""
    started: dict[str, Besieged] = {}
    yield started
    for one in started.values():
        one.close()


@pytest.fixture(params=["plain", "tls-and-postgresql"])
def server(request: pytest.FixtureRequest, besieged: dict[str, Besieged], tmp_path_factory: pytest.TempPathFactory) -> Besieged:
    """Every attempt is made on a server of one's own machine, and on one behind TLS with a PostgreSQL."""
    if request.param not in besieged:
        folder = tmp_path_factory.mktemp("hostile")
        of = {"guarded": True, "store": make_url(request.getfixturevalue("postgresql_schema"))} if request.param != "plain" else {}
        besieged[request.param] = Besieged(folder, **of)
    return besieged[request.param]


@pytest.fixture
def asking(server: Any) -> Iterator[Callable[..., Any]]:
    """Call a method as mallory; afterwards the server still answers its owner."""
    stub = server.stub()

    def call(method: str, request: Any, headers: tuple[tuple[str, Any], ...] | None = None) -> Any:
        metadata = headers if headers is not None else (("authorization", f"Bearer {server.stranger}"),)
        answer: Any = getattr(stub, method)(request, timeout=20, metadata=metadata)
        return list(answer) if hasattr(answer, "__next__") else answer

    yield call
    assert call("GetServerInfo", pb.GetServerInfoRequest(), (("authorization", f"Bearer {server.token}"),)).server.version


def refused(call: Callable[[], object]) -> Any:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error: Any = caught.value
    said = error.details() or ""
    assert "Traceback" not in said
    assert "/tmp" not in said
    return error


PATHS = (
    "../outside/table.csv",
    "folder/table.csv",
    "link.csv",
    "/etc/passwd",
    "./../outside/table.csv",
    "x/../../outside/table.csv",
    "..\\outside\\table.csv",
    "%2e%2e/outside/table.csv",
    "..%2foutside/table.csv",
    "file:///etc/passwd",
    "~/table.csv",
    "table.csv\x00.png",
    "\u202e/table.csv",
    "\uff0e\uff0e/outside/table.csv",
    "/proc/self/environ",
    "a" * 5000,
)


@pytest.mark.parametrize("path", PATHS, ids=range(len(PATHS)))
@pytest.mark.parametrize("field", ["initial", "weights"])
def test_no_path_of_weights_leads_out_of_the_data_root(asking: Callable[..., Any], field: str, path: str) -> None:
    spec = json.loads(good_spec())
    spec["model"] = {"type": "transfer", "backbone": "mobilenet_v2", "weights": None, field: path}
    error = refused(lambda: asking("CreateJob", pb.CreateJobRequest(spec=json.dumps(spec).encode())))
    assert error.code() in {Code.FAILED_PRECONDITION, Code.INVALID_ARGUMENT}


@pytest.mark.parametrize("path", PATHS, ids=range(len(PATHS)))
def test_no_path_of_a_dataset_leads_out_of_the_data_root(asking: Callable[..., Any], path: str) -> None:
    spec = json.loads(good_spec())
    spec["dataset"]["path"] = path
    error = refused(lambda: asking("CreateJob", pb.CreateJobRequest(spec=json.dumps(spec).encode())))
    assert error.code() in {Code.FAILED_PRECONDITION, Code.INVALID_ARGUMENT}


@pytest.mark.parametrize("name", [*PATHS[:14], "", ".", "..", "trainer.log", "../spec.json", "../../../jobs.sqlite"])
def test_no_name_of_an_artifact_is_a_path(server: Any, asking: Callable[..., Any], name: str) -> None:
    job = asking("CreateJob", pb.CreateJobRequest(spec=good_spec("good"))).job.id
    error = refused(lambda: asking("DownloadArtifact", pb.DownloadArtifactRequest(id=job, name=name)))
    assert error.code() in {Code.NOT_FOUND, Code.INVALID_ARGUMENT}


@pytest.mark.parametrize("prefix", ["%", "_", "", "*", "' OR 1=1 --", "../", "\x00", "é" * 200, "a" * 100_000])
def test_no_id_is_a_pattern(server: Any, asking: Callable[..., Any], prefix: str) -> None:
    error = refused(lambda: asking("GetJob", pb.GetJobRequest(id=prefix)))
    assert error.code() in {Code.NOT_FOUND, Code.INVALID_ARGUMENT}


HEADERS: dict[str, Callable[[Any], tuple[tuple[str, Any], ...]]] = {
    "none": lambda server: (),  # noqa: ARG005 - the table's shape
    "two": lambda server: (("authorization", f"Bearer {server.token}"), ("authorization", f"Bearer {server.token}")),
    "two kinds": lambda server: (("authorization", f"Bearer {server.stranger}"), ("authorization", f"Bearer {server.token}")),
    "another scheme": lambda server: (("authorization", f"Basic {server.token}"),),
    "bare": lambda server: (("authorization", server.token),),
    "empty": lambda server: (("authorization", ""),),  # noqa: ARG005
    "only the scheme": lambda server: (("authorization", "Bearer "),),  # noqa: ARG005
    "a blank too many": lambda server: (("authorization", f"Bearer  {server.token}"),),
    "one letter less": lambda server: (("authorization", f"Bearer {server.token[:-1]}"),),
    "the digest": lambda server: (("authorization", f"Bearer {server.book.entries()[0].digest}"),),
    "binary": lambda server: (("authorization-bin", f"Bearer {server.token}".encode()),),
    "in another header": lambda server: (("x-authorization", f"Bearer {server.token}"),),
    "expired": lambda server: (("authorization", f"Bearer {server.expired}"),),
    "revoked": lambda server: (("authorization", f"Bearer {server.revoked}"),),
    "of another server": lambda server: (("authorization", f"Bearer {PREFIX}{'A' * 43}"),),  # noqa: ARG005
    "with a line feed's code": lambda server: (("authorization", f"Bearer {server.token}%0a"),),
    "both in one": lambda server: (("authorization", f"Bearer {server.stranger}, Bearer {server.token}"),),
    "a cookie": lambda server: (("cookie", f"authorization=Bearer {server.token}"),),
    "a proxy's word": lambda server: (("x-forwarded-user", "operator"), ("x-forwarded-for", "127.0.0.1")),  # noqa: ARG005
    "long": lambda server: (("authorization", f"Bearer {'x' * 6000}"),),  # noqa: ARG005
}


@pytest.mark.parametrize("game", HEADERS)
def test_only_one_right_header_names_a_caller(server: Any, asking: Callable[..., Any], game: str) -> None:
    assert refused(lambda: asking("ListJobs", pb.ListJobsRequest(), HEADERS[game](server))).code() is Code.UNAUTHENTICATED


def test_a_request_id_that_is_no_sane_one_is_not_taken_over(server: Any, asking: Callable[..., Any]) -> None:
    headers = (("authorization", "Bearer wrong"), ("x-request-id", '"},{"forged":"'))
    refused(lambda: asking("ListJobs", pb.ListJobsRequest(), headers))
    assert "forged" not in (server.home / "audit.jsonl").read_text()


@pytest.mark.parametrize("method", [method.name for method in SERVICE.methods])
def test_random_bytes_are_no_request_and_no_harm(server: Any, asking: Callable[..., Any], method: str) -> None:
    chance = random.Random(method)
    kind = SERVICE.methods_by_name[method]
    with server.channel() as channel:
        make: Any = channel.unary_stream if kind.server_streaming else channel.unary_unary
        raw = make(f"/{SERVICE.full_name}/{method}")
        for length in (1, 3, 17, 300, 5000):
            metadata = (("authorization", f"Bearer {server.stranger}"),)
            try:
                answer = raw(chance.randbytes(length), timeout=20, metadata=metadata)
                _ = list(answer) if kind.server_streaming else answer
            except grpc.RpcError as error:
                failed: Any = error
                assert failed.code() in {Code.INVALID_ARGUMENT, Code.NOT_FOUND, Code.FAILED_PRECONDITION}
                assert "google" not in str(failed.details())


def test_an_oversized_request_is_refused(asking: Callable[..., Any]) -> None:
    error = refused(lambda: asking("LintSpec", pb.LintSpecRequest(spec=b" " * (17 * 1024 * 1024))))
    assert error.code() is Code.RESOURCE_EXHAUSTED


def test_a_method_that_does_not_exist_is_none(server: Any, asking: Callable[..., Any]) -> None:
    with server.channel() as channel:
        for name in ("/trainyard.v1.TrainingService/Shutdown", "/x", "/trainyard.v1.TrainingService/../x"):
            call: Any = channel.unary_unary(name)
            assert refused(lambda call=call: call(b"", timeout=20)).code() is Code.UNIMPLEMENTED  # type: ignore[misc]


WORDS = (b"", b"PRI * HTTP/2.0\r\n", b"GET / HTTP/1.1\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\xff" * 64)
SILENT = 1000


@pytest.fixture
def descriptors() -> Iterator[None]:
    """Room for both ends of every connection: server and clients share this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * SILENT
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"{hard} descriptors are allowed here, and both ends of {SILENT} connections need more")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("descriptors")
def test_a_thousand_silent_and_half_open_clients_keep_nobody_waiting(server: Any, asking: Callable[..., Any]) -> None:
    with ExitStack() as held:
        for number in range(SILENT):
            port = server.parts.endpoint.port if number % 4 == 0 else server.parts.server.port
            client = held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            client.sendall(WORDS[number % len(WORDS)])
        # A connection of its own: one that was there before would prove less.
        with server.channel() as channel:
            metadata = (("authorization", f"Bearer {server.token}"),)
            assert TrainingServiceStub(channel).GetServerInfo(pb.GetServerInfoRequest(), timeout=20, metadata=metadata).server.version
        assert asking("CreateJob", pb.CreateJobRequest(spec=good_spec("good"), validate_only=True)).report.passed
        with urllib.request.urlopen(f"http://127.0.0.1:{server.parts.endpoint.port}/healthz", timeout=20) as answer:
            assert answer.status == 200


def _small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, handshake_milliseconds: int) -> Any:
    """Start a server that takes in few connections, and waits for a word so long."""
    monkeypatch.setattr(descriptor_limits, "connections", lambda: 40)
    shortened = dict(rpc_server.OPTIONS) | {"grpc.server_handshake_timeout_ms": handshake_milliseconds}
    monkeypatch.setattr(rpc_server, "OPTIONS", tuple(shortened.items()))
    (tmp_path / "data").mkdir()
    return Guarded(tmp_path, tmp_path / "data")


def test_more_connections_than_there_is_room_for_are_turned_away_and_those_within_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _small(tmp_path, monkeypatch, 60_000)
    try:
        with ExitStack() as held, grpc.insecure_channel(made.address) as channel:
            stub, metadata = TrainingServiceStub(channel), (("authorization", f"Bearer {made.token}"),)
            assert stub.GetServerInfo(pb.GetServerInfoRequest(), timeout=20, metadata=metadata).server.version
            clients = [held.enter_context(socket.create_connection(("127.0.0.1", made.parts.server.port), timeout=20)) for _ in range(80)]
            turned_away = [client for client in clients[60:] if client.recv(1) == b""]
            assert len(turned_away) == 20
            assert stub.GetServerInfo(pb.GetServerInfoRequest(), timeout=20, metadata=metadata).server.version
    finally:
        made.close()


def test_who_connects_and_says_nothing_is_gone_after_a_while_and_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = _small(tmp_path, monkeypatch, 1000)
    try:
        with ExitStack() as held:
            clients = [held.enter_context(socket.create_connection(("127.0.0.1", made.parts.server.port), timeout=20)) for _ in range(39)]
            for client in clients:
                client.settimeout(20)
                while client.recv(4096):
                    pass
            with grpc.insecure_channel(made.address, options=(("grpc.use_local_subchannel_pool", 1),)) as channel:
                metadata = (("authorization", f"Bearer {made.token}"),)
                assert TrainingServiceStub(channel).GetServerInfo(pb.GetServerInfoRequest(), timeout=20, metadata=metadata).server.version
    finally:
        made.close()


NAMES = (
    "\x1b]0;owned\x07\x1b[2J\x1b[31mred",
    "\u202etxt.exe",
    "line\nfeed\r\nX-Injected: yes",
    '"},{"level":"error","event":"forged',
    "\u0000nul",
    "\ufeff\u200b\u2066zero width",
    "\U0001f600" * 3000,
    "${jndi:ldap://x}{{7*7}}%s%n",
    "\ud800 a lone surrogate",
)


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_no_name_or_tag_drives_a_log_or_is_lost_or_breaks_a_list(
    server: Any, asking: Callable[..., Any], capfd: pytest.CaptureFixture[str], name: str
) -> None:
    """It is refused with a finding, or kept as it is: then every list shows it whole."""
    spec = json.loads(good_spec("good"))
    spec["experiment"] = {"name": name, "tags": [name[:40], "plain"], "description": name}
    before = len((server.home / "audit.jsonl").read_bytes()) if (server.home / "audit.jsonl").exists() else 0
    try:
        job = asking("CreateJob", pb.CreateJobRequest(spec=json.dumps(spec).encode())).job
    except grpc.RpcError as error:
        failed: Any = error
        assert failed.code() in {Code.FAILED_PRECONDITION, Code.INVALID_ARGUMENT}
        assert all(ord(letter) >= 32 and ord(letter) != 127 for letter in failed.details())
    else:
        assert name in {found.experiment for found in asking("ListJobs", pb.ListJobsRequest(page_size=1000)).jobs}
        found = asking("ListJobs", pb.ListJobsRequest(tags=[name[:40]])).jobs
        assert job.id in {one.id for one in found}
        asking("CancelJob", pb.CancelJobRequest(id=job.id))
    kept = (server.home / "audit.jsonl").read_bytes()[before:]
    said = "".join(capfd.readouterr()).encode("utf-8", "surrogatepass")
    for line in kept.splitlines():
        json.loads(line)
    assert b"\x1b" not in kept + said
    assert not any(line.startswith((b"X-Injected", b'{"level":"error","event":"forged')) for line in (kept + said).splitlines())


def test_ten_thousand_tags_and_filters_are_answered(server: Any, asking: Callable[..., Any]) -> None:
    spec = json.loads(good_spec("good"))
    spec["experiment"]["tags"] = [f"t{index}" for index in range(10_000)]
    error = refused(lambda: asking("CreateJob", pb.CreateJobRequest(spec=json.dumps(spec).encode())))
    assert error.code() in {Code.FAILED_PRECONDITION, Code.INVALID_ARGUMENT}
    for filters in (
        pb.ListJobsRequest(tags=[f"t{index}" for index in range(10_000)]),
        pb.ListJobsRequest(tags=["%", "_", "\x00", '"', "\\"]),
        pb.ListJobsRequest(experiment="%" * 5000),
        pb.ListJobsRequest(experiment="\x00"),
        pb.ListJobsRequest(owner="\x00' OR 1=1 --"),
        pb.ListJobsRequest(states=[job_pb2.JOB_STATE_QUEUED] * 5000),
        pb.ListJobsRequest(page_size=2**31 - 1),
    ):
        try:
            assert {found.owner for found in asking("ListJobs", filters).jobs} <= {"mallory"}
        except grpc.RpcError as error:
            failed: Any = error
            assert failed.code() is Code.INVALID_ARGUMENT, filters


@pytest.mark.parametrize("request_id", ["x" * 1_000_000, "{" + "0" * 8 + "}", "00000000-0000-0000-0000-000000000000\n", "\x00", "é" * 36])
def test_a_request_id_is_a_uuid_or_refused(asking: Callable[..., Any], request_id: str) -> None:
    spec = good_spec("good")
    error = refused(lambda: asking("CreateJob", pb.CreateJobRequest(spec=spec, request_id=request_id)))
    assert error.code() is Code.INVALID_ARGUMENT
    assert len(error.details()) < 500


def test_another_callers_page_token_opens_no_page(server: Any, asking: Callable[..., Any]) -> None:
    own = (("authorization", f"Bearer {server.token}"),)
    for _ in range(2):
        asking("CreateJob", pb.CreateJobRequest(spec=good_spec("good")))
    token = asking("ListJobs", pb.ListJobsRequest(page_size=1), own).next_page_token
    assert token
    for wrong in (token, token[:-2], "x", "é", "A" * 4000):
        assert refused(lambda wrong=wrong: asking("ListJobs", pb.ListJobsRequest(page_token=wrong))).code() is Code.INVALID_ARGUMENT  # type: ignore[misc]
