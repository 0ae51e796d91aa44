"""The tab key: job ids from a server, in time, and silence when there is none."""

from __future__ import annotations

import socket
import time

from tests.integration.client.conftest import JOB_ID, FakeServer, Shell


def press_tab(shell: Shell, words: str) -> tuple[list[str], str, float]:
    asked = {"_TRAINYARD_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    started = time.monotonic()
    done = Shell({**shell.environment, **asked}, shell.folder).run()
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line], done.stderr, time.monotonic() - started


def answered(shell: Shell, words: str) -> list[str]:
    """Press again where this machine was too busy for the budget, as a person would."""
    for _ in range(10):
        offered, said, _ = press_tab(shell, words)
        assert not said
        if offered:
            break
    return offered


def test_ids_of_jobs_and_commands_and_choices_are_completed(fake: FakeServer, shell: Shell) -> None:
    fake.add_job()
    fake.add_job("7k2m")
    assert answered(shell, "trainyard watch ") == ["7k2m", JOB_ID]
    assert answered(shell, "trainyard watch 0j") == [JOB_ID]
    assert "lint-report" in press_tab(shell, "trainyard lint")[0]
    assert press_tab(shell, "trainyard jobs --state fai")[0] == ["failed"]


def test_no_server_a_silent_one_and_a_bad_setting_offer_nothing_and_say_nothing(fake: FakeServer, shell: Shell) -> None:
    quick = min(press_tab(shell, "trainyard jobs --sta")[2] for _ in range(2))
    fake.stop()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for address in (fake.address, f"127.0.0.1:{silent.getsockname()[1]}", "not an address"):
            shell.environment["TRAINYARD_SERVER"] = address
            offered, said, seconds = press_tab(shell, "trainyard watch ")
            assert (offered, said) == ([], ""), address
            # Starting Python is what it is on this machine; the rest has a budget.
            assert seconds < quick * 4 + 2, address
