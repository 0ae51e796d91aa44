"""Options of serve: a flag wins over the environment, that over the file, that over the default; ``--show-config`` tells which."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from trainyard.service.main import serve


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
