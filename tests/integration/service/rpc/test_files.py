"""Downloads, logs and data sets: whole, resumable, and never from outside the run folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from trainyard.service import wire
from trainyard.service.core.errors import UnknownArtifactError
from trainyard.service.executor import datasets as listing
from trainyard.service.executor.datasets import DataRoot
from trainyard.service.executor.run_files import PIECE_BYTES, open_below
from trainyard.service.rpc.logs import escaped
from trainyard.v1 import server_info_pb2
from trainyard.v1 import training_service_pb2 as pb

Live = Any


def finished(live: Live, name: str = "steady") -> str:
    job_id: str = live.submit(name)
    live.events(job_id)
    live.until(lambda: not live.parts.store.job(job_id).held)
    return job_id


def download(live: Live, job_id: str, name: str, offset: int = 0) -> tuple[Any, bytes]:
    first, *rest = live.stub.DownloadArtifact(
        pb.DownloadArtifactRequest(id=job_id, name=name, offset=offset), metadata=live.metadata, timeout=20
    )
    return first.artifact, b"".join(piece.chunk for piece in rest)


def test_a_file_arrives_whole_with_its_digest_and_can_be_resumed_anywhere(live: Live) -> None:
    job_id = finished(live)
    artifact, content = download(live, job_id, "best.keras")
    assert hashlib.sha256(content).hexdigest() == artifact.sha256
    assert len(content) == artifact.size_bytes
    for offset in range(len(content) + 1):
        assert download(live, job_id, "best.keras", offset)[1] == content[offset:]


def test_a_file_of_many_pieces_arrives_whole(live: Live) -> None:
    job_id = live.submit("obedient")
    live.until_epoch(job_id)
    content = os.urandom(3 * PIECE_BYTES + 17)
    (live.runs / job_id / "artifacts" / "big.bin").write_bytes(content)
    word = wire.ArtifactWritten("big.bin", "model", len(content), hashlib.sha256(content).hexdigest())
    with (live.runs / job_id / "events.jsonl").open("ab") as spool:
        spool.write(wire.encode(wire.Line(1, 0.0, word)))
    live.until(lambda: live.parts.store.artifact_page(job_id, "", 9))
    artifact, received = download(live, job_id, "big.bin")
    assert received == content
    assert artifact.sha256 == hashlib.sha256(received).hexdigest()
    assert download(live, job_id, "big.bin", PIECE_BYTES + 1)[1] == content[PIECE_BYTES + 1 :]
    live.go(job_id)


@pytest.mark.parametrize("offset", [-1, 10**9])
def test_an_offset_outside_the_file_is_refused(live: Live, offset: int) -> None:
    job_id = finished(live)
    with pytest.raises(grpc.RpcError, match="INVALID_ARGUMENT"):
        download(live, job_id, "best.keras", offset)


NAMES = [
    "",
    ".",
    "..",
    "../spec.json",
    "/etc/passwd",
    "best.keras/",
    "best.keras\0",
    "a/../../spec.json",
    "%2e%2e/spec.json",
    "..\\spec.json",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_no_artifact_has_finds_nothing(live: Live, name: str) -> None:
    job_id = finished(live)
    with pytest.raises(grpc.RpcError, match="NOT_FOUND"):
        download(live, job_id, name)


def test_an_artifact_that_became_a_link_is_not_followed(live: Live, tmp_path: Path) -> None:
    job_id = finished(live)
    secret = tmp_path / "secret"
    kept = live.runs / job_id / "artifacts" / "best.keras"
    secret.write_bytes(b"s" * kept.stat().st_size)
    kept.unlink()
    kept.symlink_to(secret)
    with pytest.raises(grpc.RpcError, match="NOT_FOUND"):
        download(live, job_id, "best.keras")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    artifacts = tmp_path / "run" / "artifacts"
    (artifacts / "sub").mkdir(parents=True)
    (artifacts / "sub" / "file").write_bytes(b"inside")
    (tmp_path / "run" / "spec.json").write_bytes(b"outside")
    (artifacts / "out").symlink_to(tmp_path / "run")
    (artifacts / "file-link").symlink_to(tmp_path / "run" / "spec.json")
    (artifacts / "inner-link").symlink_to("sub/file")
    os.mkfifo(artifacts / "pipe")
    return artifacts


def test_only_regular_files_below_the_folder_are_opened(folder: Path) -> None:
    file = open_below(folder, "sub/file")
    assert file.piece(0) == b"inside"
    file.close()
    for name in (*NAMES, "out/spec.json", "file-link", "inner-link", "pipe", "sub", "gone", "sub/file/x"):
        if name != "best.keras/":
            with pytest.raises(UnknownArtifactError):
                open_below(folder, name)


def test_files_are_listed_in_pages(live: Live) -> None:
    job_id = finished(live)
    whole = live.call("ListArtifacts", pb.ListArtifactsRequest(id=job_id))
    assert [one.name for one in whole.artifacts] == ["best.keras"]
    assert whole.next_page_token == ""
    assert whole.artifacts[0].local_path.endswith(f"{job_id}/artifacts/best.keras")


def tail(live: Live, job_id: str, **of: Any) -> str:
    request = pb.TailLogRequest(id=job_id, **of)
    return "".join(piece.text for piece in live.stub.TailLog(request, metadata=live.metadata, timeout=20))


def test_the_last_lines_of_a_log_are_sent(live: Live) -> None:
    job_id = finished(live)
    log = live.runs / job_id / "trainer.log"
    log.write_text("".join(f"line {number}\n" for number in range(1000)))
    assert tail(live, job_id, lines=2) == "line 998\nline 999\n"
    assert tail(live, job_id).count("\n") == 100
    assert tail(live, job_id, lines=5000) == log.read_text()


def test_a_followed_log_ends_with_its_job_and_misses_nothing(live: Live) -> None:
    job_id = live.submit("obedient")
    live.until_epoch(job_id)
    stream = live.stub.TailLog(pb.TailLogRequest(id=job_id, follow=True), metadata=live.metadata, timeout=30)
    log = live.runs / job_id / "trainer.log"
    with log.open("ab") as file:
        file.write("zählt\n".encode())
    assert next(stream).text == "zählt\n"
    with log.open("ab") as file:
        file.write(b"last words\n")
    live.go(job_id)
    assert "".join(piece.text for piece in stream) == "last words\n"


def test_a_job_that_never_ran_has_an_empty_log(live: Live) -> None:
    live.submit("hold")
    assert tail(live, live.submit("hold")) == ""


def test_a_log_can_not_drive_a_terminal() -> None:
    assert escaped("a\x1b[2J\x07b\r\nc\td\x9b") == "a\\x1b[2J\\x07b\nc\td\\x9b"


@pytest.mark.parametrize("lines", [-1, 10**6])
def test_a_number_of_lines_that_makes_no_sense_is_refused(live: Live, lines: int) -> None:
    with pytest.raises(grpc.RpcError, match="INVALID_ARGUMENT"):
        tail(live, live.submit("hold"), lines=lines)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pets" / "cat").mkdir(parents=True)
    (tmp_path / "pets" / "dog").mkdir()
    for name in ("cat/1.png", "dog/2.JPG"):
        (tmp_path / "pets" / name).write_bytes(b"x")
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "rows.csv").write_bytes(b"a,b\n")
    (tmp_path / ".hidden.csv").write_bytes(b"a")
    (tmp_path / "away.csv").symlink_to("/etc/passwd")
    (tmp_path / "notes.txt").write_bytes(b"a")
    return tmp_path


def test_a_data_root_is_listed_without_links_and_hidden_files(root: Path) -> None:
    found = DataRoot(root).datasets()
    assert [(one.path, one.kind, one.classes, one.size_bytes) for one in found] == [
        ("deep/er/rows.csv", "csv", 0, 4),
        ("pets", "image_directory", 2, 0),
    ]


def test_a_name_in_another_encoding_and_a_file_that_goes_meanwhile_cost_the_list_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "good.csv").write_text("1")
    (tmp_path / "gone.csv").write_text("2")
    try:
        (tmp_path / os.fsdecode(b"caf\xe9.csv")).write_text("3")
    except OSError:
        pytest.skip("this file system keeps names in UTF-8 only")
    listed = listing._entries

    def slow(folder: Path) -> list[os.DirEntry[str]]:
        found = listed(folder)
        (tmp_path / "gone.csv").unlink(missing_ok=True)
        return found

    monkeypatch.setattr(listing, "_entries", slow)
    found = DataRoot(tmp_path).datasets()
    assert [one.path for one in found] == ["good.csv"]
    assert pb.ListDatasetsResponse(datasets=[server_info_pb2.Dataset(path=one.path) for one in found]).datasets


def test_listing_a_data_root_takes_a_bounded_time_and_is_remembered(root: Path) -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 10.0
        return now[0]

    assert DataRoot(root, clock).datasets() == []
    steady = DataRoot(root, lambda: now[0])
    first = steady.datasets()
    (root / "new.csv").write_bytes(b"a")
    assert steady.datasets() == first
    now[0] += 31.0
    assert len(steady.datasets()) == len(first) + 1


def test_data_sets_are_listed_in_pages(live: Live, data_root: Path, make_dataset: Callable[[str], None]) -> None:
    names = [f"page-{number}.csv" for number in range(3)]
    for name in names:
        make_dataset(name)
    seen: list[str] = []
    token = ""
    while True:
        page = live.call("ListDatasets", pb.ListDatasetsRequest(page_size=1, page_token=token))
        seen += [one.path for one in page.datasets]
        token = page.next_page_token
        if not token:
            break
    assert seen == sorted([*names, "table.csv"])
    assert (data_root / "table.csv").exists()


@pytest.fixture
def make_dataset(data_root: Path, request: pytest.FixtureRequest) -> Callable[[str], None]:
    def make(name: str) -> None:
        (data_root / name).write_text("x,label\n1,a\n")
        request.addfinalizer((data_root / name).unlink)

    return make
