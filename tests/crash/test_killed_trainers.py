"""A trainer that is killed anywhere and resumed ends where the one ends that was never killed: to the digit, and to the bit."""

import signal
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.crash.conftest import EVERYTHING, Mortal, run_folder, same

from trainyard.service import wire

pytestmark = [pytest.mark.keras, pytest.mark.timeout(600)]


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_killed_in_an_epoch_after_one_and_while_its_bundle_is_written_a_run_ends_as_if_it_had_lived(
    backend: str, data_root: Path, tmp_path: Path
) -> None:
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    whole = Mortal(run_folder(tmp_path / "whole", EVERYTHING), data_root, backend)
    assert whole.live("never") == 0, whole.folder.log.read_text(encoding="utf-8")

    killed = Mortal(run_folder(tmp_path / "killed", EVERYTHING), data_root, backend, options=["--bundle-every", "3"])
    for moment in ("step:2:4", "epoch:4", "bundle:2"):
        assert killed.live(moment) == -signal.SIGKILL, killed.folder.log.read_text(encoding="utf-8")
    assert killed.live("never") == 0, killed.folder.log.read_text(encoding="utf-8")

    resumed = [line.body for line in killed.events() if isinstance(line.body, wire.Started)]
    assert resumed[1].resumed_epoch == 1
    assert resumed[1].resumed_step >= 3
    assert [one.resumed_epoch for one in resumed] == sorted(one.resumed_epoch for one in resumed)
    same(killed, whole)


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_a_run_on_two_devices_is_taken_up_where_it_was_killed_to_the_bit(backend: str, data_root: Path, tmp_path: Path) -> None:
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    spec = {**EVERYTHING, "resources": {"gpus": 2}}
    two = ["--virtual-devices", "2"]
    whole = Mortal(run_folder(tmp_path / "whole", spec), data_root, backend, options=two)
    assert whole.live("never") == 0, whole.folder.log.read_text(encoding="utf-8")

    killed = Mortal(run_folder(tmp_path / "killed", spec), data_root, backend, options=[*two, "--bundle-every", "3"])
    assert killed.live("step:2:4") == -signal.SIGKILL, killed.folder.log.read_text(encoding="utf-8")
    assert killed.live("never") == 0, killed.folder.log.read_text(encoding="utf-8")

    started = [line.body for line in killed.events() if isinstance(line.body, wire.Started)]
    assert [one.devices for one in started] == [2, 2]
    assert started[1].resumed_step >= 3
    same(killed, whole)
