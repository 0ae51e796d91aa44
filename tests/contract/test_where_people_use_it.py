"""What people copy into their own repositories satisfies the schemas of those who read it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from trainyard.linter import lint
from trainyard.linter.spec import bundle

TOOLS = Path(sys.executable).parent
GUIDE = "docs/guide/linting.md"
EDITORS = "docs/guide/editors.md"
PLACEHOLDER = "<this repository>"
SCHEMA_FILE = "linter/trainyard/linter/spec/schema/v1.json"
# What a catalogue entry may say, as SchemaStore's guide for contributors puts it.
ENTRY = {
    "type": "object",
    "required": ["name", "description", "fileMatch", "url"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "minLength": 1, "not": {"pattern": "(?i)schema"}},
        "description": {"type": "string", "minLength": 1, "pattern": r"[^.\s]$", "not": {"pattern": "(?i)schema"}},
        "fileMatch": {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"type": "string", "pattern": r"\*\..+\.json$"}},
        "url": {"type": "string", "pattern": "^https://"},
    },
}


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def satisfies(schema: str, text: str, folder: Path) -> None:
    path = folder / "example.yml"
    path.write_text(text.replace(PLACEHOLDER, "owner/name"), encoding="utf-8")
    command = [str(TOOLS / "check-jsonschema"), "--builtin-schema", schema, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


@pytest.fixture
def pipelines(repository: Path) -> dict[str, str]:
    """The YAML of the guide, by the file name in its first line."""
    found = {text.splitlines()[0].removeprefix("# "): text for text in blocks(repository / GUIDE, "yaml")}
    assert set(found) == {".pre-commit-config.yaml", ".github/workflows/specs.yml", ".gitlab-ci.yml"}
    return found


@pytest.mark.parametrize("name,schema", [(".github/workflows/specs.yml", "github-workflows"), (".gitlab-ci.yml", "gitlab-ci")])
def test_a_pipeline_of_the_guide_satisfies_its_hosts_schema(name: str, schema: str, pipelines: dict[str, str], tmp_path: Path) -> None:
    satisfies(f"vendor.{schema}", pipelines[name], tmp_path)


def test_the_schema_of_a_host_refuses_a_mistake(pipelines: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"on-push|Additional properties"):
        satisfies("vendor.github-workflows", pipelines[".github/workflows/specs.yml"].replace("on: [", "on-push: ["), tmp_path)


def test_the_workflow_gives_the_action_inputs_that_it_has(pipelines: dict[str, str], repository: Path) -> None:
    workflow = YAML(typ="safe").load(pipelines[".github/workflows/specs.yml"])
    action = YAML(typ="safe").load((repository / "action.yml").read_text(encoding="utf-8"))
    (step,) = [step for step in workflow["jobs"]["trainlint"]["steps"] if step["uses"].startswith(PLACEHOLDER)]
    assert set(step["with"]) <= set(action["inputs"])
    named = re.findall(r"`([a-z-]+)`", (repository / GUIDE).read_text(encoding="utf-8").partition("its inputs are ")[2].partition("\n(")[0])
    assert set(named) == set(action["inputs"])


def test_the_pipeline_for_gitlab_hands_over_the_report_that_it_writes(pipelines: dict[str, str]) -> None:
    job = YAML(typ="safe").load(pipelines[".gitlab-ci.yml"])["trainlint"]
    report = job["artifacts"]["reports"]["codequality"]
    assert any(line.startswith("trainlint check ") and f"gitlab:{report}" in line for line in job["script"])
    assert job["artifacts"]["when"] == "always", "a report of findings comes from a job that fails"


def test_pre_commit_accepts_the_configuration_of_the_guide(pipelines: dict[str, str], repository: Path, tmp_path: Path) -> None:
    path = tmp_path / ".pre-commit-config.yaml"
    path.write_text(pipelines[path.name].replace(PLACEHOLDER, "https://example.org/owner/name"), encoding="utf-8")
    command = [str(TOOLS / "pre-commit"), "validate-config", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    named = {hook["id"] for repo in YAML(typ="safe").load(pipelines[path.name])["repos"] for hook in repo["hooks"]}
    assert named <= {hook["id"] for hook in YAML(typ="safe").load((repository / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))}


def test_the_catalogue_entry_is_ready_but_for_the_address_that_it_says_is_missing(repository: Path) -> None:
    entry: dict[str, Any] = json.loads((repository / "docs/editors/schemastore-entry.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(ENTRY).validate(entry)
    assert entry["fileMatch"] == ["*.trainspec.json"]
    assert re.search(r"<[^>]+>", entry["url"]), "an address has to be one that we own"
    assert entry["url"].endswith(f"/{SCHEMA_FILE}")
    assert (repository / SCHEMA_FILE).exists()


def test_the_editor_set_up_names_our_command_and_our_files(repository: Path) -> None:
    (helix,) = blocks(repository / EDITORS, "toml")
    loaded = tomllib.loads(helix)
    assert loaded["language-server"]["trainlint"] == {"command": "trainlint", "args": ["lsp"]}
    assert loaded["language"][0]["file-types"] == [{"glob": "*.trainspec.json"}]
    (code,) = blocks(repository / EDITORS, "jsonc")
    assert json.loads(code)["json.schemas"][0]["fileMatch"] == ["*.trainspec.json"]
    (neovim,) = blocks(repository / EDITORS, "lua")
    (emacs,) = blocks(repository / EDITORS, "elisp")
    assert '"trainlint", "lsp"' in neovim
    assert '"trainlint" "lsp"' in emacs


def test_the_schema_that_editors_get_names_no_host_and_a_spec_may_name_it(repository: Path) -> None:
    assert bundle.schema()["$id"].startswith("urn:")
    spec = json.loads((repository / "examples/digits/good.trainspec.json").read_text(encoding="utf-8"))
    assert lint(json.dumps({"$schema": "./trainspec.v1.json", **spec})).passed
