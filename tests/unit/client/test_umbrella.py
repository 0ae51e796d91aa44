"""The ``trainyard`` command before any command runs."""

from __future__ import annotations

import importlib
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from trainyard.client import errors, main
from trainyard.client.commands import session
from trainyard.linter.cli import exits
from trainyard.linter.cli.lazy import Entry


@pytest.mark.parametrize("name", sorted(main.TABLE))
def test_every_row_of_the_table_leads_to_a_command(name: str) -> None:
    module, _, attribute = main.TABLE[name].target.partition(":")
    command = getattr(importlib.import_module(module), attribute)
    assert isinstance(command, click.Command)
    assert command.help
    assert main.TABLE[name].extra in {None, *main.PACKAGES}


def test_help_lists_every_command_by_section() -> None:
    shown = CliRunner().invoke(main.trainyard, ["--help"]).output
    for title, table in main.SECTIONS.items():
        assert (f"\n{title}:\n" in shown) is bool(table)
    for name, entry in main.TABLE.items():
        assert f"  {name} " in shown
        assert entry.summary.split()[-1] in shown


def loaded_by(code: str) -> set[str]:
    probe = f"import sys\ntry:\n    {code}\nexcept SystemExit:\n    pass\nprint('\\n'.join(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stderr.splitlines())


HELP = "from trainyard.client.main import trainyard; trainyard(['--help'])"


def test_help_imports_click_and_none_of_the_commands() -> None:
    ours = {name for name in loaded_by(HELP) if name.startswith("trainyard")}
    assert ours <= {
        "trainyard",
        "trainyard.client",
        "trainyard.client.main",
        "trainyard.linter",
        "trainyard.linter.cli",
        "trainyard.linter.cli.exits",
        "trainyard.linter.cli.lazy",
        "trainyard.linter.cli.main",
    }


@pytest.mark.parametrize("name", sorted(main.CLIENT))
def test_no_client_command_imports_keras_tensorflow_or_numpy_and_help_not_even_grpc(name: str) -> None:
    module, _, _ = main.CLIENT[name].target.partition(":")
    after_help = loaded_by(f"from trainyard.client.main import trainyard; trainyard([{name!r}, '--help'])")
    assert module in after_help
    assert not after_help & {"grpc", "google.protobuf", "rich", "keras", "tensorflow", "numpy"}
    everything = loaded_by(
        f"import {module}, trainyard.client.client, trainyard.client.watching, trainyard.client.screen.monitor, trainyard.client.frames, "
        "trainyard.client.translation.events, trainyard.client.translation.reports, trainyard.client.translation.servers"
    )
    assert not everything & {"keras", "tensorflow", "numpy"}


def test_a_mistyped_command_gets_the_nearest_name() -> None:
    outcome = CliRunner().invoke(main.trainyard, ["sumbit"])
    assert outcome.exit_code == 2
    assert "no command 'sumbit'; did you mean submit" in outcome.output


def test_a_command_unlike_any_other_points_to_help() -> None:
    assert "`trainyard --help` lists them all" in CliRunner().invoke(main.trainyard, ["xyzzy"]).output


def raising(name: str) -> click.Command:
    @click.command()
    def broken() -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    return broken


def test_a_missing_package_of_the_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "grpc", None)
    for module in [name for name in sys.modules if name.startswith("trainyard.client.") and "commands" not in name and "main" not in name]:
        monkeypatch.delitem(sys.modules, module)
    code = exits.run(main.trainyard, ["jobs"], program="trainyard")
    shown = capsys.readouterr().err
    assert code == 2
    assert shown == "error: `trainyard jobs` needs grpc, not installed here: pip install 'trainyard[client]'\n"


@pytest.mark.parametrize("missing", ["google.rpc", "platformdirs"])
def test_a_package_that_is_missed_on_the_way_counts_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    monkeypatch.setattr("trainyard.client.commands.info.info", raising(missing))
    assert exits.run(main.trainyard, ["info"], program="trainyard") == 2
    assert "pip install 'trainyard[client]'" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["trainyard.client.commands.sesion", "jsn"])
def test_a_module_that_no_extra_brings_is_a_fault_of_ours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    monkeypatch.setattr("trainyard.client.commands.info.info", raising(missing))
    assert exits.run(main.trainyard, ["info"], program="trainyard") == 3
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert "report" in shown


def test_a_command_that_is_not_there_is_a_fault_of_ours(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(main.TABLE, "info", Entry("trainyard.client.commands.nowhere:info", "x", "client"))
    assert exits.run(main.trainyard, ["info"], program="trainyard") == 3
    assert "nowhere" in capsys.readouterr().err


def test_exit_codes_are_those_of_the_design() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.ClientError)]
    codes = {kind.__name__: kind.exit_code for kind in kinds}
    assert codes.pop("BadSettings") == codes.pop("NotInstalled") == exits.USAGE
    assert codes.pop("ClientError") == codes.pop("ServerFault") == codes.pop("Damaged") == exits.INTERNAL
    assert (codes.pop("Unreachable"), codes.pop("NotFound")) == (4, 6)
    assert set(codes.values()) == {session.REFUSED} == {5}


def test_the_gravest_outcome_wins() -> None:
    assert [session.gravest(codes) for codes in ([], [0, 0], [0, 7], [7, 1, 0], [1, 7, 5])] == [0, 0, 7, 1, 5]


def test_every_name_of_the_package_can_be_had() -> None:
    package = importlib.import_module("trainyard.client")
    assert {getattr(package, name).__name__ for name in package.__all__} == set(package.__all__)
    with pytest.raises(AttributeError):
        _ = package.Nonsense
