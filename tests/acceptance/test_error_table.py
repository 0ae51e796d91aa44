"""What goes wrong is one clear line with its own exit code, and nothing is left behind."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.acceptance.conftest import Machine

GOOD = "digits/good.trainspec.json"


def jobs(machine: Machine) -> list[object]:
    listed: list[object] = json.loads(machine.run("jobs", "--json").stdout)
    return listed


@contextmanager
def taken() -> Iterator[str]:
    """An address that somebody listens on already."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def test_submit_without_a_server_is_4(machine: Machine) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        before = machine.files()
        done = machine.run("submit", str(machine.examples / GOOD), "--server", address)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == f"error: no server answers at {address} (nothing listens there); start one with: trainyard serve\n"
    assert machine.files() == before


def test_submit_of_an_absent_file_is_2(served: Machine) -> None:
    done = served.run("submit", "absent.trainspec.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: can't read absent.trainspec.json: no such file or directory\n"
    assert not jobs(served)


def test_submit_of_bytes_that_are_no_json_is_5_with_the_place(served: Machine) -> None:
    done = served.run("submit", "-", stdin='{"version": "v1",\n')
    assert done.returncode == 5
    assert "error[" in done.stdout
    assert " --> -:" in done.stdout
    assert done.stderr.startswith("error: - was refused: ")
    assert done.stderr.count("\n") == 1
    assert not jobs(served)


def test_submit_of_a_dataset_that_the_server_lacks_is_5_and_names_it(served: Machine) -> None:
    spec = json.loads((served.examples / GOOD).read_text())
    spec["dataset"]["path"] = "letters/images"
    done = served.run("submit", "-", stdin=json.dumps(spec, indent=2))
    assert done.returncode == 5
    assert '"path": "letters/images"' in done.stdout
    assert done.stderr.startswith("error: - was refused: ")
    assert done.stderr.count("\n") == 1
    assert str(served.examples) not in done.stdout + done.stderr
    assert not jobs(served)


@pytest.mark.parametrize("command", ["show", "watch", "wait", "cancel"])
def test_an_unknown_id_is_6(served: Machine, command: str) -> None:
    done = served.run(command, "zzzzzzzzzzzz")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (6, "", 1)
    assert done.stderr.startswith("error: There is no job 'zzzzzzzzzzzz' here.")


def test_a_wrong_token_is_5_and_is_not_shown(served: Machine, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("not-the-token-of-this-server\n")
    done = served.run("jobs", "--token-file", str(tmp_path / "token"))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (5, "", 1)
    assert "does not accept the token" in done.stderr
    assert "not-the-token" not in done.stderr


@pytest.mark.parametrize("option", ["--listen", "--metrics"])
def test_serving_on_a_busy_port_is_2_and_leaves_nothing(machine: Machine, option: str) -> None:
    other = "--metrics" if option == "--listen" else "--listen"
    before = machine.files()
    with taken() as address:
        done = machine.run(
            "serve", "--home", str(machine.folder / "home"), "--data-root", str(machine.examples), option, address, other, "127.0.0.1:0",
            "--ready-file", str(machine.folder / "ready.json"),
        )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert address in done.stderr
    assert machine.files() == before
    assert not machine.processes()


def test_a_second_server_on_the_same_port_is_2_and_the_first_goes_on(served: Machine) -> None:
    address = served.environment["TRAINYARD_SERVER"]
    done = served.run(
        "serve",
        "--home",
        str(served.folder / "second"),
        "--data-root",
        str(served.examples),
        "--listen",
        address,
        "--metrics",
        "127.0.0.1:0",
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert served.run("info").returncode == 0
    assert not (served.folder / "second").exists()


def test_a_dry_run_of_a_bad_spec_is_5_and_makes_no_job(served: Machine) -> None:
    done = served.run("submit", str(served.examples / "digits/bad.trainspec.json"), "--dry-run", "--json")
    refusal = json.loads(done.stdout)
    assert (done.returncode, refusal["state"]) == (5, "refused")
    assert {"unknown-key", "learning-rate-too-high", "batch-exceeds-memory"} <= {finding["name"] for finding in refusal["findings"]}
    assert not jobs(served)
