"""The action that other repositories use: its steps, run as a runner runs them, on a checkout with a broken spec."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ruamel.yaml import YAML

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="the steps of the action are scripts for bash, which is not installed")

BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail")
EXPRESSION = re.compile(r"\$\{\{\s*(.+?)\s*\}\}")


class Step(NamedTuple):
    """What a run of one step left."""

    code: int
    log: str
    outputs: dict[str, str]


@pytest.fixture(scope="module")
def action(repository: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load((repository / "action.yml").read_text(encoding="utf-8"))
    return loaded


class Runner:
    """Runs the steps of the action one by one, with the environment that GitHub's runner gives them."""

    def __init__(self, action: dict[str, Any], repository: Path, temporary: Path) -> None:
        self._action = action
        self._repository = repository
        self._temporary = temporary

    def step(self, number: int, checkout: Path, inputs: Mapping[str, str]) -> Step:
        step = self._action["runs"]["steps"][number]
        known = {f"inputs.{name}": str(inputs.get(name, field["default"])) for name, field in self._action["inputs"].items()}
        known["runner.temp"] = str(self._temporary)

        def filled(text: str) -> str:
            return EXPRESSION.sub(lambda match: known[match[1]], text)

        script = self._temporary / f"step{number}.sh"
        script.write_text(step["run"], encoding="utf-8")
        output = self._temporary / f"output{number}"
        output.write_text("", encoding="utf-8")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "FORCE_COLOR"))}
        environment |= {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(checkout), "GITHUB_OUTPUT": str(output)}
        environment |= {
            "GITHUB_ACTION_PATH": str(self._repository),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        environment |= {name: filled(value) for name, value in step["env"].items()}
        done = subprocess.run(
            [*BASH, str(script)],
            cwd=checkout / filled(step.get("working-directory", ".")),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=280,
            check=False,
        )
        written = dict(line.split("=", 1) for line in output.read_text(encoding="utf-8").splitlines())
        return Step(done.returncode, done.stdout, written)


Use = Callable[..., Step]


@pytest.fixture(scope="module")
def runner(action: dict[str, Any], repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """A runner on which the action's first step has installed the working tree."""
    temporary = tmp_path_factory.mktemp("runner")
    runner = Runner(action, repository, temporary)
    installed = runner.step(0, temporary, {})
    assert installed.code == 0, installed.log
    return runner


@pytest.fixture
def use(runner: Runner, examples: Path) -> Use:
    """Use the action on a checkout of the examples, with some inputs."""

    def call(**inputs: str) -> Step:
        return runner.step(1, examples, {name.replace("_", "-"): value for name, value in inputs.items()})

    return call


def test_the_action_satisfies_githubs_schema(repository: Path) -> None:
    tool = Path(sys.executable).parent / "check-jsonschema"
    command = [str(tool), "--builtin-schema", "vendor.github-actions", str(repository / "action.yml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


def test_no_step_puts_an_input_into_its_script(action: dict[str, Any]) -> None:
    for step in action["runs"]["steps"]:
        assert "${{" not in step["run"], "an input in a script is a script of whoever writes the input"


def test_every_input_is_described_and_reaches_a_step(action: dict[str, Any]) -> None:
    used = {match for step in action["runs"]["steps"] for match in EXPRESSION.findall(json.dumps(step))}
    assert {f"inputs.{name}" for name in action["inputs"]} <= used
    assert all(field["description"].endswith((".", "`", ")")) for field in action["inputs"].values())


def test_an_old_python_is_told_in_an_annotation(action: dict[str, Any], repository: Path, tmp_path: Path) -> None:
    old = tmp_path / "bin"
    old.mkdir()
    (old / "python3").write_text('#!/bin/sh\n[ "$1" = -c ] && exit 1\necho Python 3.9.2\n', encoding="utf-8")
    (old / "python3").chmod(0o755)
    script = action["runs"]["steps"][0]["run"]
    action = {**action, "runs": {"steps": [{"run": f'PATH="{old}:$PATH"\n{script}', "env": action["runs"]["steps"][0]["env"]}]}}
    outcome = Runner(action, repository, tmp_path).step(0, tmp_path, {})
    assert outcome.code == 2
    assert "::error::trainlint needs Python 3.11 or newer, this is Python 3.9.2" in outcome.log


@pytest.mark.network
def test_a_broken_spec_fails_the_step_and_is_annotated_in_place(use: Use) -> None:
    step = use()
    assert (step.code, step.outputs) == (1, {"exit-code": "1"}), step.log
    assert "::error file=digits/bad.trainspec.json,line=31,endLine=31,col=17,endColumn=24,title=SPEC001 unknown-key::" in step.log
    assert not [line for line in step.log.splitlines() if line.startswith("::") and "file=digits/bad" not in line]


@pytest.mark.network
def test_a_good_spec_passes_the_step(use: Use) -> None:
    step = use(paths="breast-cancer\ndigits/good.trainspec.json\n")
    assert (step.code, step.outputs) == (0, {"exit-code": "0"}), step.log


@pytest.mark.network
def test_the_step_writes_sarif_beside_the_annotations(use: Use, examples: Path) -> None:
    step = use(sarif_file="trainlint.sarif")
    assert "::error file=" in step.log
    results = json.loads((examples / "trainlint.sarif").read_text(encoding="utf-8"))["runs"][0]["results"]
    assert {result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in results} >= {"digits/bad.trainspec.json"}


@pytest.mark.network
def test_options_and_formats_are_passed_on_and_addresses_stay_those_of_the_checkout(use: Use) -> None:
    step = use(paths="bad.trainspec.json", args="--select SPEC001  --fail-on never", format="github\nfull", working_directory="digits")
    assert step.code == 0, step.log
    assert "title=SPEC001 unknown-key::" in step.log
    assert "--> bad.trainspec.json:31:17" in step.log
    assert "LR001" not in step.log
    assert "file=digits/bad.trainspec.json" in step.log


@pytest.mark.network
def test_nothing_to_check_and_words_that_look_like_options_fail_with_2(use: Use) -> None:
    assert use(paths="no-such-folder").code == 2
    outcome = use(paths="--version; touch injected")
    assert outcome.code == 2
    assert "no such file" in outcome.log
