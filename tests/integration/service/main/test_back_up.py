"""The commands of the pages on backup and upgrade, done as they are written while a server runs."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.integration.service.program import Program

from trainyard.v1 import job_pb2

ENDED = job_pb2.JOB_STATE_SUCCEEDED


def written(repository: Path, tool: str) -> list[str]:
    """Return the blocks of the page that use a tool, line by line."""
    page = (repository / "docs/guide/operate.md").read_text(encoding="utf-8")
    section = page[page.index("## Back up") : page.index("## Upgrade")]
    blocks: list[str] = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    (block,) = [one for one in blocks if tool in one]
    return [line for line in block.splitlines() if line]


def do(lines: list[str], place: Path, **names: str) -> None:
    for line in lines:
        for name, value in names.items():
            line = line.replace(name, shlex.quote(value))  # noqa: PLW2901 - the line with its names filled in
        subprocess.run([str(shutil.which("sh")), "-euc", line], cwd=place, check=True, timeout=60)


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="the page uses the program sqlite3, and it is not here")
def test_a_home_that_was_copied_while_its_server_ran_goes_on_where_it_stood(program: Program, repository: Path, tmp_path: Path) -> None:
    program.serve()
    client = program.client()
    done, running = client.submit("good"), ""
    client.until(done, lambda job: job.state == ENDED)
    running = client.submit("hold")
    client.until(running, lambda job: job.epoch == 1)
    do(written(repository, "sqlite3"), tmp_path, HOME_FOLDER=str(program.home), COPY=str(tmp_path / "copy"))
    (program.home / "runs" / running / "go").touch()
    client.until(running, lambda job: job.state == ENDED)
    client.channel.close()
    program.end()

    program.home = tmp_path / "copy"
    program.serve()
    client = program.client()
    assert client.job(done).state == ENDED
    assert client.events(done)[-1].state_changed.to == ENDED
    # Its trainer was not copied: it is tried again, and ends.
    client.until(running, lambda job: job.attempt == 2)
    (program.home / "runs" / running / "go").touch()
    assert client.until(running, lambda job: job.state == ENDED).epoch == 3
    client.channel.close()


@pytest.mark.skipif(shutil.which("pg_dump") is None or shutil.which("psql") is None, reason="pg_dump and psql are not here")
def test_a_dump_of_postgresql_is_a_backup(program: Program, repository: Path, tmp_path: Path, postgresql_schema: str) -> None:
    import psycopg

    program.serve(store=postgresql_schema)
    client = program.client()
    job = client.submit("good")
    client.until(job, lambda found: found.state == ENDED)
    dumped = postgresql_schema.partition("&options")[0]
    try:
        do(written(repository, "pg_dump"), tmp_path, HOME_FOLDER=str(program.home), COPY=str(tmp_path / "copy"), DATABASE=dumped)
    except subprocess.CalledProcessError:
        with psycopg.connect(dumped) as connection:
            server = connection.info.server_version // 10_000
        found = subprocess.run([str(shutil.which("pg_dump")), "--version"], capture_output=True, text=True, check=True).stdout
        if (numbers := re.search(r"(\d+)", found)) and int(numbers.group()) < server:
            pytest.skip(f"{found.strip()} is older than the server, {server}")
        raise
    client.channel.close()
    assert job in (tmp_path / "copy" / "jobs.sql").read_text(encoding="utf-8")
    assert (tmp_path / "copy" / "runs" / job / "artifacts" / "best.keras").exists()
