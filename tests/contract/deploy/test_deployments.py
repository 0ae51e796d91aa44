"""What is offered for installing: each file is valid by its own program's schema, and names only options that there are."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from trainyard.service.core import policy
from trainyard.service.main import configuration, serve

OPTIONS = {option for parameter in serve.params for option in parameter.opts}


def deploy(repository: Path) -> Path:
    return repository / "examples" / "deploy"


def test_the_compose_file_is_one(repository: Path) -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", deploy(repository) / "compose/compose.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_kubernetes_manifests_are_what_a_cluster_takes(repository: Path) -> None:
    program = Path(sys.executable).with_name("kubernetes-validate")
    if not program.exists():
        pytest.skip("kubernetes-validate is not installed")
    manifests = deploy(repository) / "kubernetes/trainyard.yml"
    checked = subprocess.run([program, "--strict", manifests], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_systemd_unit_is_one_and_leaves_trainers_alone(repository: Path, tmp_path: Path) -> None:
    unit = (deploy(repository) / "systemd/trainyard.service").read_text()
    assert "\nKillMode=process\n" in unit
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    (tmp_path / "trainyard.service").write_text(unit)
    checked = subprocess.run([program, "verify", tmp_path / "trainyard.service"], capture_output=True, text=True, check=False)
    assert "trainyard.service:" not in checked.stderr, checked.stderr


@pytest.mark.parametrize("file", ["compose/compose.yml", "kubernetes/trainyard.yml"])
def test_every_option_that_is_written_exists(repository: Path, file: str) -> None:
    written = set(re.findall(r"^\s*- (--[a-z-]+)", (deploy(repository) / file).read_text(), re.MULTILINE))
    assert written
    assert written <= OPTIONS


def test_the_configuration_and_the_policy_are_read_without_a_word(repository: Path) -> None:
    assert configuration.read(deploy(repository) / "systemd/serve.toml")["keep_days"] == 90
    assert policy.read(tomllib.loads((deploy(repository) / "systemd/policy.toml").read_text())).max_running == 2


def test_every_option_can_stand_in_the_file(repository: Path) -> None:
    named = {option.name for option in serve.params if option.expose_value}
    assert {name.replace("-", "_") for name in configuration.NAMES} == named
