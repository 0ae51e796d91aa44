"""TLS on both ports: who may connect, who a certificate names, and what a silent one can do."""

from __future__ import annotations

import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme

from trainyard.linter.cli.exits import Refusal
from trainyard.service.main import tls
from trainyard.service.main.tls import TlsFiles
from trainyard.v1 import training_service_pb2 as pb

Start = Callable[..., Any]
INFO = pb.GetServerInfoRequest()


def trusting(authority: trustme.CA, name: str | None = None, **of: str) -> grpc.ChannelCredentials:
    """Trust an authority, and show a certificate of that name."""
    if name is None:
        return grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    mine = authority.issue_cert("client.example", common_name=name, **of)  # type: ignore[arg-type]
    chain = b"".join(blob.bytes() for blob in mine.cert_chain_pems)
    return grpc.ssl_channel_credentials(authority.cert_pem.bytes(), mine.private_key_pem.bytes(), chain)


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


def code_of(call: Callable[[], object]) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    code: grpc.StatusCode = caught.value.code()
    return code


def test_behind_tls_a_token_is_wanted_as_ever_and_plain_text_gets_no_answer(
    guarded: Start, authority: trustme.CA, certificate: TlsFiles
) -> None:
    server = guarded(tls=replace(certificate, client_ca=None))
    stub = server.stub(trusting(authority))
    assert stub.GetServerInfo(INFO, timeout=20, metadata=bearer(server.token)).server.version
    assert code_of(lambda: stub.GetServerInfo(INFO, timeout=20)) is grpc.StatusCode.UNAUTHENTICATED
    assert code_of(lambda: server.stub().GetServerInfo(INFO, timeout=5)) is grpc.StatusCode.UNAVAILABLE


def test_who_trusts_another_authority_does_not_talk_to_the_server(guarded: Start, certificate: TlsFiles) -> None:
    server = guarded(tls=replace(certificate, client_ca=None))
    stranger = server.stub(trusting(trustme.CA()))
    assert code_of(lambda: stranger.GetServerInfo(INFO, timeout=5, metadata=bearer(server.token))) is grpc.StatusCode.UNAVAILABLE


def test_the_name_in_a_clients_certificate_is_who_calls(
    guarded: Start, authority: trustme.CA, certificate: TlsFiles, spec: Callable[..., bytes]
) -> None:
    server = guarded(tls=certificate)
    ann, bob = server.stub(trusting(authority, "ann")), server.stub(trusting(authority, "bob"))
    job = ann.CreateJob(pb.CreateJobRequest(spec=spec("good")), timeout=20).job
    assert job.owner == "ann"
    assert code_of(lambda: bob.GetJob(pb.GetJobRequest(id=job.id), timeout=20)) is grpc.StatusCode.NOT_FOUND
    assert bob.GetJob(pb.GetJobRequest(id=job.id), timeout=20, metadata=bearer(server.token)).job.id == job.id


@pytest.mark.parametrize("name", ["ann bob", "../ann", "-ann"])
def test_a_certificate_whose_name_names_nobody_is_refused(guarded: Start, authority: trustme.CA, certificate: TlsFiles, name: str) -> None:
    server = guarded(tls=certificate)
    assert code_of(lambda: server.stub(trusting(authority, name)).GetServerInfo(INFO, timeout=20)) is grpc.StatusCode.UNAUTHENTICATED


def test_with_a_client_authority_nobody_gets_in_without_its_certificate(
    guarded: Start, authority: trustme.CA, certificate: TlsFiles
) -> None:
    server = guarded(tls=certificate)
    bare = server.stub(trusting(authority))
    assert code_of(lambda: bare.GetServerInfo(INFO, timeout=5, metadata=bearer(server.token))) is grpc.StatusCode.UNAVAILABLE
    other = trustme.CA().issue_cert("x.example", common_name="ann")
    chain = b"".join(blob.bytes() for blob in other.cert_chain_pems)
    forged = grpc.ssl_channel_credentials(authority.cert_pem.bytes(), other.private_key_pem.bytes(), chain)
    assert code_of(lambda: server.stub(forged).GetServerInfo(INFO, timeout=5)) is grpc.StatusCode.UNAVAILABLE


def test_a_hundred_silent_connections_do_not_keep_others_waiting(guarded: Start, authority: trustme.CA, certificate: TlsFiles) -> None:
    server = guarded(tls=replace(certificate, client_ca=None), metrics_tls=replace(certificate, client_ca=None))
    with ExitStack() as held:
        for port in (server.parts.server.port, server.parts.endpoint.port):
            for _ in range(50):
                held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
        stub = server.stub(trusting(authority))
        assert stub.GetServerInfo(INFO, timeout=20, metadata=bearer(server.token)).server.version
        assert b"trainyard_build_info" in scrape(server, authority)


def test_a_renewed_certificate_is_shown_to_new_clients_without_a_restart(guarded: Start, authority: trustme.CA, tmp_path: Path) -> None:
    first, second = authority.issue_cert("localhost"), trustme.CA()
    pair = TlsFiles(tmp_path / "cert.pem", tmp_path / "key.pem")
    first.private_key_pem.write_to_path(pair.key)
    first.cert_chain_pems[0].write_to_path(pair.certificate)
    server = guarded(tls=pair)
    assert server.stub(trusting(authority)).GetServerInfo(INFO, timeout=20, metadata=bearer(server.token)).server.version
    renewed = second.issue_cert("localhost")
    renewed.private_key_pem.write_to_path(pair.key)
    renewed.cert_chain_pems[0].write_to_path(pair.certificate)
    assert server.stub(trusting(second)).GetServerInfo(INFO, timeout=20, metadata=bearer(server.token)).server.version


def scrape(server: Any, authority: trustme.CA, token: str | None = None, path: str = "/metrics") -> bytes:
    context = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    asked = urllib.request.Request(f"https://localhost:{server.parts.endpoint.port}{path}")
    if token:
        asked.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(asked, timeout=10, context=context) as answer:  # noqa: S310 - https only
        body: bytes = answer.read()
    return body


def test_metrics_want_their_token_and_probes_none(guarded: Start, authority: trustme.CA, certificate: TlsFiles, tmp_path: Path) -> None:
    (tmp_path / "scrape").write_text("a-token-for-prometheus\n")
    server = guarded(metrics_tls=replace(certificate, client_ca=None), metrics_token_file=tmp_path / "scrape")
    assert b"trainyard_build_info" in scrape(server, authority, "a-token-for-prometheus")
    assert scrape(server, authority, path="/healthz") == b"ok\n"
    for wrong in (None, "a-token-for-prometheu", server.token):
        with pytest.raises(urllib.error.HTTPError, match="401") as caught:
            scrape(server, authority, wrong)
        caught.value.close()


def test_files_that_are_no_pair_are_refused_in_a_sentence(certificate: TlsFiles, authority: trustme.CA, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    authority.issue_cert("localhost").private_key_pem.write_to_path(other)
    (tmp_path / "text").write_text("no certificate")
    for cert, key, ca in (
        (certificate.certificate, other, None),
        (tmp_path / "text", certificate.key, None),
        (certificate.certificate, certificate.key, tmp_path / "text"),
    ):
        with pytest.raises(Refusal, match="PEM"):
            tls.files(cert, key, "--tls", ca)
    with pytest.raises(Refusal, match="belong together"):
        tls.files(certificate.certificate, None, "--tls")
    with pytest.raises(Refusal, match="needs --tls-cert"):
        tls.files(None, None, "--tls", certificate.client_ca)
