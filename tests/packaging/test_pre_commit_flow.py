"""pre-commit itself installs the hooks from this working tree, runs them, and stands in the way of a bad commit."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="pre-commit works on git, which is not installed")

PRE_COMMIT = Path(sys.executable).parent / "pre-commit"
CONFIG = """repos:
  - repo: {repository}
    rev: {revision}
    hooks:
      - id: {hook}
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The caller's environment, with a home of its own for pre-commit and nothing of the caller's git."""
    home = tmp_path_factory.mktemp("home")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PYTHON", "VIRTUAL_ENV", "PRE_COMMIT"))}
    kept |= {f"GIT_{who}_{what}": f"{who}@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    kept |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "PRE_COMMIT_HOME": str(home), "PRE_COMMIT_COLOR": "never"}
    return {name: value for name, value in kept.items() if name not in {"GITHUB_ACTIONS", "FORCE_COLOR"}}


def run(environment: dict[str, str], folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command], cwd=folder, env=environment, capture_output=True, text=True, timeout=280, check=False
    )


def done(outcome: subprocess.CompletedProcess[str]) -> str:
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return outcome.stdout.strip()


@pytest.fixture(scope="module")
def upstream(repository: Path, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that holds what this working tree would commit of what a hook is installed from."""
    folder = tmp_path_factory.mktemp("upstream")
    for name in ("linter", "service", "client", "proto"):
        shutil.copytree(repository / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml"):
        shutil.copy(repository / name, folder / name)
    done(run(environment, folder, "git", "init", "--quiet", "--initial-branch=main"))
    done(run(environment, folder, "git", "add", "--all"))
    done(run(environment, folder, "git", "commit", "--quiet", "-m", "the working tree"))
    return folder


@pytest.fixture
def project(repository: Path, environment: dict[str, str], tmp_path: Path) -> Path:
    """A user's repository with a good spec, a broken one, and JSON that is none of our business; nothing is committed yet."""
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(repository / "examples/digits/good.trainspec.json", folder / "good.trainspec.json")
    text = (repository / "examples/digits/good.trainspec.json").read_text(encoding="utf-8")
    assert '"epochs":' in text
    (folder / "broken.trainspec.json").write_text(text.replace('"epochs":', '"epoch":'), encoding="utf-8")
    (folder / "package.json").write_text('{"epoch": 1}', encoding="utf-8")
    done(run(environment, folder, "git", "init", "--quiet", "--initial-branch=main"))
    return folder


def test_pre_commit_accepts_the_manifest(repository: Path, environment: dict[str, str]) -> None:
    done(run(environment, repository, PRE_COMMIT, "validate-manifest", ".pre-commit-hooks.yaml"))


@pytest.mark.network
def test_try_repo_checks_the_specs_and_nothing_else(upstream: Path, project: Path, environment: dict[str, str]) -> None:
    done(run(environment, project, "git", "add", "--all"))
    before = (project / "broken.trainspec.json").read_bytes()
    tried = run(environment, project, PRE_COMMIT, "try-repo", upstream, "trainlint", "--all-files", "--verbose")
    assert tried.returncode == 1, tried.stdout + tried.stderr
    assert 'unknown key "epoch" in training; did you mean "epochs"?' in tried.stdout
    assert "--> broken.trainspec.json:" in tried.stdout
    assert "in 2 specs" in tried.stdout
    assert (project / "broken.trainspec.json").read_bytes() == before


@pytest.mark.network
def test_try_repo_mends_what_is_safe_and_leaves_the_good_spec_alone(upstream: Path, project: Path, environment: dict[str, str]) -> None:
    done(run(environment, project, "git", "add", "--all"))
    good = (project / "good.trainspec.json").read_bytes()
    tried = run(environment, project, PRE_COMMIT, "try-repo", upstream, "trainlint-fix", "--all-files", "--verbose")
    assert "files were modified by this hook" in tried.stdout, tried.stdout + tried.stderr
    assert (project / "broken.trainspec.json").read_bytes() == good == (project / "good.trainspec.json").read_bytes()
    assert json.loads((project / "package.json").read_text(encoding="utf-8")) == {"epoch": 1}


@pytest.mark.network
def test_a_broken_spec_is_not_committed_until_it_is_mended(upstream: Path, project: Path, environment: dict[str, str]) -> None:
    def git(*arguments: str) -> subprocess.CompletedProcess[str]:
        return run(environment, project, "git", *arguments)

    revision = done(run(environment, upstream, "git", "rev-parse", "HEAD"))
    config = project / ".pre-commit-config.yaml"
    config.write_text(CONFIG.format(repository=upstream, revision=revision, hook="trainlint-fix"), encoding="utf-8")
    done(run(environment, project, PRE_COMMIT, "install"))
    done(git("add", "--all"))

    refused = git("commit", "-m", "a broken spec")
    assert refused.returncode == 1, refused.stdout + refused.stderr
    assert "trainlint --fix" in refused.stderr + refused.stdout
    assert git("rev-parse", "--verify", "--quiet", "HEAD").returncode == 1, "something was committed"
    assert done(git("diff", "--name-only")) == "broken.trainspec.json"

    done(git("add", "--all"))
    done(git("commit", "-m", "the mended spec"))
    assert '"epochs":' in done(git("show", "HEAD:broken.trainspec.json"))


@pytest.mark.network
def test_a_commit_without_specs_does_not_run_the_linter(upstream: Path, project: Path, environment: dict[str, str]) -> None:
    revision = done(run(environment, upstream, "git", "rev-parse", "HEAD"))
    (project / ".pre-commit-config.yaml").write_text(
        CONFIG.format(repository=upstream, revision=revision, hook="trainlint"), encoding="utf-8"
    )
    done(run(environment, project, "git", "add", "package.json", ".pre-commit-config.yaml"))
    assert "no files to check" in done(run(environment, project, PRE_COMMIT, "run"))
