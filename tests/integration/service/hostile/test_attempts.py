"""Attempts on a server: each is refused with its code, and the server answers everybody else meanwhile and afterwards."""

from __future__ import annotations

import importlib.util
import json
import random
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest

from trainyard.service.core.identity import Role
from trainyard.v1 import training_service_pb2 as pb

Code = grpc.StatusCode
SERVICE = pb.DESCRIPTOR.services_by_name["TrainingService"]


def _house() -> Any:
    path = Path(__file__).parent.parent / "security" / "conftest.py"
    name = "tests_service_security_house"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


house = _house()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("hostile")
    root, outside = folder / "data", folder / "outside"
    root.mkdir()
    outside.mkdir()
    rows = [f"{index % 7},{index % 5},{'ab'[index % 2]}" for index in range(80)]
    for place in (root, outside):
        (place / "table.csv").write_text("\n".join(["x,y,label", *rows]) + "\n")
    (root / "link.csv").symlink_to(outside / "table.csv")
    (root / "folder").symlink_to(outside)
    made = house.Guarded(folder, root)
    made.stranger = made.give("mallory", Role.SUBMITTER)
    yield made
    made.close()


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
def test_no_path_of_a_dataset_leads_out_of_the_data_root(asking: Callable[..., Any], path: str) -> None:
    spec = json.loads(house.house.good_spec())
    spec["dataset"]["path"] = path
    error = refused(lambda: asking("CreateJob", pb.CreateJobRequest(spec=json.dumps(spec).encode())))
    assert error.code() in {Code.FAILED_PRECONDITION, Code.INVALID_ARGUMENT}


@pytest.mark.parametrize("name", [*PATHS[:14], "", ".", "..", "trainer.log", "../spec.json", "../../../jobs.sqlite"])
def test_no_name_of_an_artifact_is_a_path(server: Any, asking: Callable[..., Any], name: str) -> None:
    job = asking("CreateJob", pb.CreateJobRequest(spec=house.house.good_spec("good"))).job.id
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
    with grpc.insecure_channel(server.address) as channel:
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
    with grpc.insecure_channel(server.address) as channel:
        for name in ("/trainyard.v1.TrainingService/Shutdown", "/x", "/trainyard.v1.TrainingService/../x"):
            call: Any = channel.unary_unary(name)
            assert refused(lambda call=call: call(b"", timeout=20)).code() is Code.UNIMPLEMENTED  # type: ignore[misc]


def test_two_hundred_silent_and_half_open_clients_keep_nobody_waiting(server: Any, asking: Callable[..., Any]) -> None:
    words = (b"", b"PRI * HTTP/2.0\r\n", b"GET / HTTP/1.1\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\xff" * 64)
    with ExitStack() as held:
        for number in range(200):
            port = server.parts.endpoint.port if number % 4 == 0 else server.parts.server.port
            client = held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            client.sendall(words[number % len(words)])
        assert asking("GetServerInfo", pb.GetServerInfoRequest()).server.version
        assert asking("CreateJob", pb.CreateJobRequest(spec=house.house.good_spec("good"), validate_only=True)).report.passed


def test_another_callers_page_token_opens_no_page(server: Any, asking: Callable[..., Any]) -> None:
    own = (("authorization", f"Bearer {server.token}"),)
    for _ in range(2):
        asking("CreateJob", pb.CreateJobRequest(spec=house.house.good_spec("good")))
    token = asking("ListJobs", pb.ListJobsRequest(page_size=1), own).next_page_token
    assert token
    for wrong in (token, token[:-2], "x", "é", "A" * 4000):
        assert refused(lambda wrong=wrong: asking("ListJobs", pb.ListJobsRequest(page_token=wrong))).code() is Code.INVALID_ARGUMENT  # type: ignore[misc]
