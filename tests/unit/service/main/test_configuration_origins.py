"""Options of serve: a flag wins over the environment, that over the file, that over the default; ``--show-config`` tells which."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from trainyard.linter.cli.exits import Refusal
from trainyard.service.main import serve
from trainyard.service.main.policy_file import read_policy
from trainyard.service.main.token_command import token


def test_who_said_what_is_shown_and_nothing_is_started(tmp_path: Path) -> None:
    file = tmp_path / "serve.toml"
    file.write_text(f'slots = 2\nlisten = "127.0.0.1:5001"\nmetrics = "127.0.0.1:5002"\nhome = "{tmp_path / "home"}"\n')
    environment = {"TRAINYARD_METRICS": "127.0.0.1:5003", "TRAINYARD_SLOTS": "3", "TRAINYARD_CONFIG": "/no/such/client.toml"}
    words = ["--config", str(file), "--data-root", str(tmp_path), "--slots", "4", "--show-config"]
    result = CliRunner(env=environment).invoke(serve, words, catch_exceptions=False, standalone_mode=False)
    told = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()}
    assert told["slots"] == ["4", "flag"]
    assert told["metrics"] == ["127.0.0.1:5003", "environment"]
    assert told["listen"] == ["127.0.0.1:5001", "file"]
    assert told["device"] == ["auto", "default"]
    assert not (tmp_path / "home").exists()


def test_what_was_said_is_shown_before_anything_else_was_and_without_a_password() -> None:
    words = ["--store", "postgresql://me:ge@heim@host/db", "--show-config"]
    result = CliRunner().invoke(serve, words, catch_exceptions=False, standalone_mode=False)
    told = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()}
    assert told["store"] == ["postgresql://me:***@host/db", "flag"]
    assert (told["data-root"], told["standby"]) == (["-", "default"], ["true", "default"])


def test_a_file_may_begin_a_path_at_the_users_home(tmp_path: Path) -> None:
    file = tmp_path / "serve.toml"
    file.write_text('home = "~/yard"\nready-file = "~x"\n')
    result = CliRunner(env={"HOME": str(tmp_path)}).invoke(serve, ["--config", str(file), "--show-config"], catch_exceptions=False)
    told = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()}
    assert (told["home"], told["ready-file"]) == ([str(tmp_path / "yard"), "file"], ["~x", "file"])


@pytest.mark.parametrize("text", [f"x = {'[' * 4000}", f"slots = 1{'0' * 5000}", "slots =", "\udcff"])
def test_a_file_that_nobody_can_read_is_told_in_a_sentence(tmp_path: Path, text: str) -> None:
    file = tmp_path / "odd.toml"
    file.write_text(text, errors="surrogateescape")
    result = CliRunner().invoke(serve, ["--config", str(file), "--show-config"])
    assert result.exit_code == 2
    assert "can not be read as TOML" in result.stderr
    with pytest.raises(Refusal, match="can not be read as TOML"):
        read_policy(file)


def test_without_a_folder_of_data_nothing_starts() -> None:
    result = CliRunner().invoke(serve, ["--home", "/no/such"])
    assert result.exit_code == 2
    assert "Missing option '--data-root'" in result.stderr


@pytest.mark.parametrize("option", ["--keep-days", "--most-hours", "--stall-minutes", "--orphan-minutes"])
@pytest.mark.parametrize("value", ["nan", "inf", "-1", "1e300", "6e7"])
def test_a_time_that_nobody_can_wait_for_is_refused_in_a_sentence(option: str, value: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(serve, ["--data-root", str(tmp_path), "--show-config", option, value])
    assert result.exit_code == 2
    assert f"Invalid value for '{option}'" in result.stderr


@pytest.mark.parametrize("days", ["nan", "inf", "0", "4e6", "1e12"])
def test_a_token_lasts_a_time_that_a_calendar_knows(days: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(token, ["create", "ann", "--days", days, "--home", str(tmp_path / "home")])
    assert result.exit_code == 2
    assert "Invalid value for '--days'" in result.stderr
    assert not (tmp_path / "home").exists()
