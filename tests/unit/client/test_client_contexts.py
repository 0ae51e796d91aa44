"""Servers by name: what the file may say, who wins, and where secrets go."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from trainyard.client import contexts
from trainyard.client.contexts import Context, Contexts
from trainyard.client.errors import BadSettings
from trainyard.client.settings import Tls, settle


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "token").write_text("of-the-lab\n")
    lab = Context("trainer.example:7", str(tmp_path / "token"), tls_ca="ca.pem")
    contexts.save(Contexts({"lab": lab, "here": Context("127.0.0.1:9")}, "lab"), str(tmp_path / "client.toml"))
    return {"TRAINYARD_CONFIG": str(tmp_path / "client.toml"), "XDG_STATE_HOME": str(tmp_path)}


def test_what_was_saved_is_read_again_whatever_it_is_called(tmp_path: Path) -> None:
    path = str(tmp_path / "deep/er/client.toml")
    known = Contexts({'a "b"\n\x7f.ü': Context("h:1", "C:\\token", "", "c", "k")}, 'a "b"\n\x7f.ü')
    contexts.save(known, path)
    assert contexts.load(path) == known
    if sys.platform != "win32":
        assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600


def test_the_current_context_says_where_to_go_with_which_token_and_authority(environment: dict[str, str]) -> None:
    settings = settle(None, None, environment)
    assert (str(settings.address), settings.token, settings.tls.ca) == ("trainer.example:7", "of-the-lab", "ca.pem")


def test_an_address_that_is_said_outright_never_gets_the_secrets_of_a_context(environment: dict[str, str]) -> None:
    for said in (
        settle("other.example:1", None, environment),
        settle("other.example:1", None, environment, context="lab"),
        settle(None, None, {**environment, "TRAINYARD_SERVER": "other.example:1"}),
    ):
        assert (str(said.address), said.token, said.tls) == ("other.example:1", None, Tls())


def test_a_context_that_is_named_wins_over_the_environment(environment: dict[str, str]) -> None:
    there = {**environment, "TRAINYARD_SERVER": "other.example:1"}
    assert str(settle(None, None, there, context="here").address) == "127.0.0.1:9"
    assert str(settle(None, None, {**environment, "TRAINYARD_CONTEXT": "here"}).address) == "127.0.0.1:9"


def test_a_context_that_is_not_there_is_named_with_those_that_are(environment: dict[str, str]) -> None:
    with pytest.raises(BadSettings, match=r"no context 'lob' in .*; there are here, lab"):
        settle(None, None, environment, context="lob")


@pytest.mark.parametrize(
    "text,problem",
    [
        ("contexts = 3", "is no table"),
        ("currant = 'lab'", "unknown key 'currant'"),
        ("[contexts.lab]\ntoken = 's3cret'", "unknown key 'token'"),
        ("[contexts.lab]\nserver = 3", "'server' of context 'lab'"),
        ("contexts.lab = 1", "is no table"),
        ("current = 3", "is no text"),
        ("[contexts", "is no TOML"),
    ],
)
def test_a_file_with_something_odd_in_it_is_refused_in_words(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "client.toml"
    path.write_text(text)
    with pytest.raises(BadSettings, match=problem) as refused:
        contexts.load(str(path))
    assert "s3cret" not in str(refused.value)


def test_a_certificate_needs_its_key(environment: dict[str, str]) -> None:
    with pytest.raises(BadSettings, match="give both"):
        settle("h:1", None, {}, tls=Tls(cert="c.pem"))
    assert settle("127.0.0.1:1", None, environment, tls=Tls(ca="ca.pem")).encrypted
    assert not settle("127.0.0.1:1", None, environment).encrypted


def test_without_a_home_there_are_no_contexts_and_none_can_be_kept() -> None:
    assert contexts.load(contexts.config_path({})) == Contexts({})
    with pytest.raises(BadSettings, match="TRAINYARD_CONFIG"):
        contexts.save(Contexts({}), contexts.config_path({}))
