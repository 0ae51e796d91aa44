"""The doctor: a line for everything, what to do where something is wrong, and an exit code."""

from __future__ import annotations

import json
import socket
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from click.testing import CliRunner
from sqlalchemy import make_url

from trainyard.service.core.identity import Role
from trainyard.service.main.doctor_command import doctor
from trainyard.service.main.token_book import TokenBook
from trainyard.service.main.token_command import token


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.csv").write_text("")

    def asked(*more: str) -> tuple[int, dict[str, list[dict[str, str]]]]:
        words = ["--home", str(tmp_path / "home"), "--data-root", str(tmp_path / "data"), "--listen", "127.0.0.1:0", "--metrics"]
        result = CliRunner().invoke(
            doctor, [*words, "127.0.0.1:0", "--device", "cpu", "--json", *more], catch_exceptions=False, standalone_mode=False
        )
        told = json.loads(result.stdout)
        checks: dict[str, list[dict[str, str]]] = {}
        for check in told["checks"]:
            checks.setdefault(check["check"], []).append(check)
        assert told["ok"] is (result.return_value == 0)
        return int(result.return_value), checks

    return asked


def test_a_box_that_is_well_has_nothing_broken(ask: Any, tmp_path: Path) -> None:
    code, checks = ask()
    assert code == 0
    assert {"versions", "device", "home", "disk", "store", "ports", "data root", "token file", "policy", "clock"} <= checks.keys()
    assert not (tmp_path / "home").exists()


def test_each_fault_is_told_with_what_to_do(ask: Any, tmp_path: Path) -> None:
    state = tmp_path / "state" / "trainyard"
    state.mkdir(parents=True)
    (state / "token").write_text("x" * 40)
    (state / "token").chmod(0o644)
    (tmp_path / "policy.toml").write_text("[limits]\nmax_epoch = 1")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "hardware.json").write_text("[]")
    code, checks = ask("--data-root", str(tmp_path / "absent"), "--policy", str(tmp_path / "policy.toml"))
    assert code == 1
    for name in ("token file", "policy", "data root", "hardware profile"):
        (found,) = checks[name]
        assert found["state"] == "broken", name
        assert found["todo"]
    assert "did you mean 'max_epochs'" in checks["policy"][0]["seen"]


def test_a_port_that_somebody_has_is_a_warning_that_names_it(ask: Any) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, checks = ask("--listen", f"127.0.0.1:{taken.getsockname()[1]}")
    assert code == 0
    assert "something answers there already" in checks["ports"][0]["seen"]


def test_a_token_is_shown_once_listed_without_itself_and_revoked(tmp_path: Path) -> None:
    def run(*words: str) -> Any:
        return CliRunner().invoke(token, [*words, "--home", str(tmp_path)], catch_exceptions=False)

    made = run("create", "ann", "--role", "viewer", "--days", "1")
    secret = made.stdout.strip()
    assert secret.startswith("ty_")
    listed = json.loads(run("list", "--json").stdout)
    assert [(one["name"], one["role"], one["state"]) for one in listed] == [("ann", "viewer", "valid")]
    assert secret not in run("list").stdout
    assert "revoked" in run("revoke", "ann").stdout
    assert json.loads(run("list", "--json").stdout)[0]["state"] == "revoked"


@pytest.mark.parametrize(
    "begins,ends,state,said",
    [
        (-400, -1, "broken", "expired on"),
        (1, 400, "broken", "is not valid before"),
        (-1, 3, "warning", "expires on"),
        (-1, 400, "ok", "is valid until"),
        (-1, 40 * 365, "ok", "is valid until"),  # after 2049 a year has four digits
    ],
)
def test_a_certificate_is_known_by_its_days(*, ask: Any, tmp_path: Path, begins: int, ends: int, state: str, said: str) -> None:
    now = datetime.now(UTC)
    pair = trustme.CA().issue_cert("localhost", not_before=now + timedelta(days=begins), not_after=now + timedelta(days=ends))
    pair.private_key_pem.write_to_path(tmp_path / "key.pem")
    (tmp_path / "key.pem").chmod(0o600)
    pair.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    code, checks = ask("--tls-cert", str(tmp_path / "cert.pem"), "--tls-key", str(tmp_path / "key.pem"))
    (found,) = checks["certificates"]
    assert (found["state"], code) == (state, int(state == "broken"))
    assert said in found["seen"]
    if said == "expires on":
        assert f"{now + timedelta(days=ends):%Y-%m-%d}" in found["seen"]


def test_a_key_that_others_can_read_and_half_a_pair_are_broken(ask: Any, tmp_path: Path) -> None:
    pair = trustme.CA().issue_cert("localhost")
    pair.private_key_pem.write_to_path(tmp_path / "key.pem")
    (tmp_path / "key.pem").chmod(0o644)
    pair.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    words = ["--metrics-tls-cert", str(tmp_path / "cert.pem"), "--metrics-tls-key", str(tmp_path / "key.pem")]
    code, checks = ask(*words)
    assert code == 1
    assert "can be read by others" in checks["certificates"][0]["seen"]
    assert "belong together" in ask(*words[:2])[1]["certificates"][0]["seen"]
    (tmp_path / "cert.pem").write_text("nonsense")
    assert "no PEM pair" in ask(*words)[1]["certificates"][-1]["seen"]


def test_tokens_that_are_old_or_soon_over_are_named(ask: Any, tmp_path: Path) -> None:
    book, now = TokenBook(tmp_path / "home"), datetime.now(UTC)
    book.create("old", Role.VIEWER, None, now - timedelta(days=800))
    book.create("soon", Role.VIEWER, timedelta(days=3), now)
    book.create("fine", Role.VIEWER, timedelta(days=90), now)
    book.create("over", Role.VIEWER, timedelta(days=1), now - timedelta(days=9))
    code, checks = ask()
    assert code == 0
    told = [found["seen"] for found in checks["tokens"]]
    assert told[0] == "1 expired, 3 valid"
    assert len(told) == 3
    assert "token of old" in told[1]
    assert "800 days old and never expires" in told[1]
    assert "token of soon" in told[2]
    book.path.chmod(0o640)
    assert any("can be read by others" in found["seen"] for found in ask()[1]["tokens"])


def test_a_database_that_is_not_there_is_broken_whatever_it_is_called(ask: Any, postgresql_schema: str) -> None:
    nowhere = make_url(postgresql_schema).set(database="jobs_of_nobody")
    code, checks = ask("--store", nowhere.render_as_string(hide_password=False))
    assert code == 1
    assert '"jobs_of_nobody" does not exist' in checks["store"][0]["seen"]
    assert (checks["store"][0]["state"], checks["store"][0]["todo"]) == ("broken", "see that the database runs and lets this user in")


def test_a_database_without_tables_is_ready_for_the_first_start(ask: Any, postgresql_schema: str) -> None:
    code, checks = ask("--store", postgresql_schema)
    assert code == 0
    assert (checks["store"][0]["state"], checks["store"][0]["todo"]) == ("warning", "the first start makes the tables")


@pytest.mark.parametrize("name", ["home", "100 % of it", "what?", "a#b"])
def test_tables_that_are_not_there_yet_are_no_fault_and_homes_have_any_name(ask: Any, tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    home.mkdir()
    with closing(sqlite3.connect(home / "jobs.sqlite")) as made:
        made.execute("CREATE TABLE other (x)")
    code, checks = ask("--home", str(home))
    assert code == 0
    assert (checks["store"][0]["state"], checks["store"][0]["todo"]) == ("warning", "the first start makes the tables")


@pytest.mark.parametrize("host", ["a..b", f"{'x' * 70}.example"])
def test_a_host_that_can_be_none_is_told_in_a_sentence(ask: Any, host: str) -> None:
    _, checks = ask("--listen", f"{host}:1")
    assert "can not be" in checks["ports"][0]["seen"]


@pytest.mark.skipif(not socket.has_ipv6 or not Path("/proc/net/if_inet6").exists(), reason="there is no IPv6 here")
def test_a_port_of_ipv6_that_somebody_has_is_a_warning_too(ask: Any) -> None:
    with closing(socket.socket(socket.AF_INET6)) as taken:
        try:
            taken.bind(("::1", 0))
        except OSError as error:
            pytest.skip(f"::1 can not be bound: {error.strerror}")
        taken.listen()
        code, checks = ask("--listen", f"[::1]:{taken.getsockname()[1]}")
    assert code == 0
    assert "something answers there already" in checks["ports"][0]["seen"]


def test_the_configuration_of_the_server_is_looked_at_where_it_stands(ask: Any, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text("[limits]\nmax_epoch = 1")
    config = tmp_path / "serve.toml"
    config.write_text(f'policy = "{tmp_path / "policy.toml"}"\nkeep-days = 3\n')
    code, checks = ask("--config", str(config))
    assert code == 1
    assert "did you mean 'max_epochs'" in checks["policy"][0]["seen"]
