from __future__ import annotations

import os
import sys
from pathlib import Path

import platformdirs
import pytest

from trainyard.client import address
from trainyard.client.address import Address
from trainyard.client.errors import BadSettings
from trainyard.client.settings import settle, user_state_folder


@pytest.mark.parametrize(
    "text,host,port",
    [
        ("127.0.0.1:50051", "127.0.0.1", 50051),
        ("trainer.example", "trainer.example", 50051),
        ("[::1]:7", "::1", 7),
        ("[::1]", "::1", 50051),
        ("::1", "::1", 50051),
        (" localhost:1 ", "localhost", 1),
    ],
)
def test_an_address_is_read_as_people_write_it(text: str, host: str, port: int) -> None:
    assert address.parse(text) == Address(host, port)


@pytest.mark.parametrize(
    "text", ["", ":7", "host:0", "host:65536", "host:x", "host:-1", "host:٣", "http://host:1", "[::1", "[::1]x", "a b:1"]
)
def test_what_is_no_address_is_said_so(text: str) -> None:
    with pytest.raises(BadSettings, match="write"):
        address.parse(text)


@pytest.mark.parametrize(
    "host,loopback",
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("LOCALHOST", True), ("10.0.0.1", False), ("localhost.example", False)],
)
def test_only_this_machine_is_loopback(host: str, loopback: bool) -> None:
    assert Address(host, 1).loopback is loopback


def test_an_address_is_written_so_that_it_can_be_read_again() -> None:
    assert [str(address.parse(text)) for text in ("[::1]:7", "host:8")] == ["[::1]:7", "host:8"]


def token_at(path: Path, token: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{token}\n")
    return path


def test_an_option_wins_over_the_environment_and_that_over_the_default(tmp_path: Path) -> None:
    environment = {"TRAINYARD_SERVER": "127.0.0.1:2", "TRAINYARD_TOKEN_FILE": str(token_at(tmp_path / "a", "from-environment"))}
    by_option = settle("127.0.0.1:1", token_at(tmp_path / "b", "from-option"), environment)
    assert (by_option.address.port, by_option.token) == (1, "from-option")
    by_environment = settle(None, None, environment)
    assert (by_environment.address.port, by_environment.token) == (2, "from-environment")
    assert settle(None, None, {}, str(tmp_path / "nowhere")).address == Address("127.0.0.1", 50051)


def test_the_token_that_a_server_left_here_is_found_and_goes_to_this_machine_only(tmp_path: Path) -> None:
    token_at(tmp_path / "token", "left-here")
    assert settle(None, None, {}, str(tmp_path)).token == "left-here"
    assert settle("trainer.example:1", None, {}, str(tmp_path)).token is None


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere platformdirs itself is asked")
@pytest.mark.parametrize("state_home", [None, "", "/somewhere", "relative"])
def test_the_state_folder_is_where_platformdirs_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, state_home: str | None) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    if state_home is not None:
        monkeypatch.setenv("XDG_STATE_HOME", state_home)
    assert (user_state_folder(os.environ, "linux")) == platformdirs.user_state_dir("trainyard")


def test_without_a_token_there_is_none_and_the_place_is_remembered(tmp_path: Path) -> None:
    settings = settle(None, None, {}, str(tmp_path))
    assert (settings.token, settings.token_file) == (None, str(tmp_path / "token"))


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"\xff\xfe", b"x" * 5000, b"line\nline"])
def test_a_file_that_holds_no_token_is_refused_without_showing_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "token").write_bytes(content)
    with pytest.raises(BadSettings, match="holds no token") as refused:
        settle(None, tmp_path / "token", {})
    assert "two words" not in str(refused.value)


def test_a_token_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="can't be read"):
        settle(None, tmp_path / "absent", {})


def test_settings_never_show_their_token(tmp_path: Path) -> None:
    assert "left-here" not in repr(settle(None, token_at(tmp_path / "token", "left-here"), {}))
