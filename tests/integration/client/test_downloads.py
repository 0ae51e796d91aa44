"""Files that come over a wire which breaks, from a server that may say anything."""

from __future__ import annotations

import hashlib
from collections import deque
from pathlib import Path

import pytest
from tests.integration.client.conftest import JOB_ID, FakeServer, Shell

from trainyard.client import Client, Patience
from trainyard.client.errors import BadSettings, Damaged

CONTENT = bytes(range(256)) * 4
HASTY = Patience(first_ceiling_seconds=0.001, last_ceiling_seconds=0.001)


@pytest.fixture
def served(fake: FakeServer) -> FakeServer:
    fake.add_job(state="SUCCEEDED")
    fake.files = {"best.keras": CONTENT, "empty": b"", "logs/epoch 1.txt": b"x" * 25}
    return fake


def test_a_file_arrives_whole_through_a_wire_that_breaks_again_and_again(served: FakeServer, client: Client, tmp_path: Path) -> None:
    served.cuts = deque([3, 0, 1, 40, 0, 0])
    seen: list[int] = []
    path = client.download(JOB_ID, "best.keras", tmp_path, on_progress=lambda there, _whole: seen.append(there), patience=HASTY)
    assert path.read_bytes() == CONTENT
    offsets = [call.request.offset for call in served.calls if call.method == "DownloadArtifact"]
    assert offsets == [0, 30, 30, 40, 440, 440, 440]
    assert seen == sorted(seen)
    assert [item.name for item in tmp_path.iterdir()] == ["best.keras"]


def test_the_next_run_goes_on_where_the_last_one_was_broken_off(served: FakeServer, client: Client, tmp_path: Path) -> None:
    (tmp_path / ".best.keras.part").write_bytes(CONTENT[:500])
    assert client.download(JOB_ID, "best.keras", tmp_path).read_bytes() == CONTENT
    assert served.calls[-1].request.offset == 500


@pytest.mark.parametrize("left", [b"of another file", b"y" * 5000])
def test_a_beginning_of_another_file_is_thrown_away(served: FakeServer, client: Client, tmp_path: Path, left: bytes) -> None:
    (tmp_path / ".best.keras.part").write_bytes(left)
    assert client.download(JOB_ID, "best.keras", tmp_path).read_bytes() == CONTENT


def test_an_empty_file_is_a_file_and_folders_are_made(served: FakeServer, client: Client, tmp_path: Path) -> None:
    assert client.download(JOB_ID, "empty", tmp_path / "new").read_bytes() == b""
    assert client.download(JOB_ID, "logs/epoch 1.txt", tmp_path) == tmp_path / "logs/epoch 1.txt"


def test_what_has_another_digest_than_was_told_is_not_kept(served: FakeServer, client: Client, tmp_path: Path) -> None:
    served.digests["best.keras"] = hashlib.sha256(b"something else").hexdigest()
    with pytest.raises(Damaged, match="SHA-256"):
        client.download(JOB_ID, "best.keras", tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["../out", "/etc/out", "a/../../out", "C:\\out", "..\\out", "link/out", "", "a\nb"])
def test_a_name_that_leads_out_of_the_folder_is_refused_before_a_byte_is_written(
    served: FakeServer, client: Client, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path)
    before = set(tmp_path.rglob("*"))
    with pytest.raises(Damaged, match="leads out"):
        client.download(JOB_ID, name, folder)
    assert set(tmp_path.rglob("*")) == before
    assert not served.calls


def test_a_folder_that_can_not_be_written_to_is_said_in_words(served: FakeServer, client: Client, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(BadSettings, match="can't write"):
        client.download(JOB_ID, "best.keras", tmp_path / "file")


def test_the_command_fetches_all_files_page_by_page_and_a_second_time_none(served: FakeServer, shell: Shell) -> None:
    done = shell.run("download", "@")
    assert (done.returncode, done.stdout.splitlines()) == (0, [f"{JOB_ID}/{name}" for name in sorted(served.files)])
    again = shell.run("download", "@", "--json")
    assert again.returncode == 0
    assert served.count("DownloadArtifact") == 3
    unknown = shell.run("download", "@", "worst.keras")
    assert unknown.returncode == 6
    assert "there are best.keras, empty, logs/epoch 1.txt" in unknown.stderr
    assert "best.keras  model  1.0 KiB" in shell.run("download", "@", "--list").stdout
