"""The stage shows commands as they run and notices when one ends otherwise than promised."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner
from tests.integration.client.conftest import JOB_ID, WAIT_SECONDS, FakeServer

from trainyard.client.demo.command import demo
from trainyard.client.demo.house import House
from trainyard.client.demo.promises import BrokenPromiseError
from trainyard.client.demo.stage import Stage


class Audience:
    def __init__(self) -> None:
        self.heard = ""

    def listen(self, text: str) -> None:
        self.heard += text


@pytest.fixture
def audience() -> Audience:
    return Audience()


@pytest.fixture
def stage(fake: FakeServer, audience: Audience, tmp_path: Path) -> Stage:
    environment = {**os.environ, "TRAINYARD_SERVER": fake.address, "XDG_STATE_HOME": str(tmp_path)}
    return Stage(environment, colored=False, write=audience.listen)


def test_a_command_is_shown_with_what_it_says(fake: FakeServer, stage: Stage, audience: Audience) -> None:
    fake.add_job(epochs=2)
    stage.act("First")
    assert stage.ask("trainyard", "show", "--json", JOB_ID, expect=0)["id"] == JOB_ID
    stage.run("trainyard", "jobs", "--state", "succeeded", expect=0)
    assert audience.heard.startswith(f"\n1. First\n\n$ trainyard show --json {JOB_ID}\n\n$ trainyard jobs --state succeeded\n  ID ")
    assert f"\n  {JOB_ID}  digits-small-cnn" in audience.heard


def test_lines_are_shown_as_they_come(fake: FakeServer, stage: Stage, audience: Audience) -> None:
    fake.add_job(epochs=2)
    with stage.follow("trainyard", "watch", JOB_ID) as lines:
        epochs = [line for line in lines if line.startswith("epoch")]
    assert len(epochs) == 2
    assert "\n  epoch 2/2" in audience.heard


def test_another_exit_code_than_promised_is_said(stage: Stage) -> None:
    with pytest.raises(BrokenPromiseError, match=r"`?trainyard show zzz ended with exit code 6 and not 0"):
        stage.run("trainyard", "show", "zzz", expect=0)
    with pytest.raises(BrokenPromiseError, match=re.escape("exit code 6 and not 0: error: There is no job 'zzz' here.")):
        stage.ask("trainyard", "show", "--json", "zzz", expect=0)


def test_an_answer_that_is_no_json_is_said(fake: FakeServer, stage: Stage) -> None:
    fake.add_job()
    with pytest.raises(BrokenPromiseError, match="did not answer with one JSON object"):
        stage.ask("trainyard", "jobs", expect=0)


def test_a_program_that_is_not_installed_is_said(stage: Stage) -> None:
    with pytest.raises(BrokenPromiseError, match="trainmaker is not installed"):
        stage.run("trainmaker", expect=0)


def test_a_server_that_does_not_come_up_is_said_with_its_last_words(stage: Stage, tmp_path: Path) -> None:
    house = House(tmp_path, str(tmp_path), stage.environment)
    house.command = ("trainyard", "no-such-command")
    with pytest.raises(BrokenPromiseError, match="did not come up") as broken:
        house.open()
    assert "no command 'no-such-command'" in str(broken.value)
    house.evacuate()
    assert not [child for child in tmp_path.iterdir() if child.name == "home"]


STAND_IN = """
import json, signal, subprocess, sys, threading
from pathlib import Path
folder, code, child = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
asked = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: asked.set())
if child:
    subprocess.Popen([sys.executable, "-c", "import threading; threading.Event().wait(60)", str(folder)], start_new_session=True)
(folder / "ready.new").write_text(json.dumps({"listen": "127.0.0.1:1", "metrics": "127.0.0.1:2"}))
(folder / "ready.new").rename(folder / "ready.json")
print("last words", flush=True)
while not asked.wait(0.01):
    pass
sys.exit(code)
"""


def house_with(stage: Stage, folder: Path, *, code: int, child: bool) -> House:
    house = House(folder, ".", stage.environment)
    house.command = (sys.executable, "-c", STAND_IN, str(folder), str(code), "child" if child else "")
    return house


def test_a_server_is_met_where_it_says_and_leaves_when_asked(stage: Stage, tmp_path: Path) -> None:
    house = house_with(stage, tmp_path, code=0, child=False)
    assert house.open() == ("127.0.0.1:1", "127.0.0.1:2")
    assert house.close() < WAIT_SECONDS
    house.evacuate()


def test_a_server_that_ends_badly_is_said_with_its_last_words(stage: Stage, tmp_path: Path) -> None:
    house = house_with(stage, tmp_path, code=3, child=False)
    house.open()
    with pytest.raises(BrokenPromiseError, match="exit code 3; it said:\nlast words"):
        house.close()
    house.evacuate()


def test_a_process_that_is_left_behind_is_said_and_then_ended(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainyard.client.demo.house.LEFT_SECONDS", 0.1)
    house = house_with(stage, tmp_path, code=0, child=True)
    house.open()
    with pytest.raises(BrokenPromiseError, match=r"processes are left behind: \d+"):
        house.close()
    house.evacuate()
    assert not [process for process in psutil.process_iter(["cmdline"]) if str(tmp_path) in (process.info["cmdline"] or ())]


def test_without_examples_the_demonstration_says_what_to_name(tmp_path: Path) -> None:
    outcome = CliRunner().invoke(demo, ["--examples", str(tmp_path)])
    assert "name the folder that holds digits/bad.trainspec.json with --examples" in outcome.output
