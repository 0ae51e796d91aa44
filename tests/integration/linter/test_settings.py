"""What governs a file: the nearest configuration, overrides by glob, flags; and how each mistake in it is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trainyard.linter.cli.exits import Refusal
from trainyard.linter.cli.settings import discovery, globs, versions

Run = Callable[..., Any]
Write = Callable[..., str]
Configure = Callable[..., None]
FAST = {"type": "adam", "learning_rate": 0.9}


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    def write_to(text: str, name: str = "trainlint.toml") -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        discovery.forget()

    return write_to


def codes(outcome: Any) -> set[str]:
    return {finding["code"] for entry in outcome.json["files"] for finding in entry["findings"]}


def check(run: Run, *arguments: str) -> Any:
    return run("check", *arguments, "--format", "json")


def test_the_nearest_configuration_governs_alone(run: Run, write: Write, configure: Configure) -> None:
    configure('ignore = ["LR"]')
    configure('fail-on = "never"', "deep/trainlint.toml")
    configure('[project]\nname = "trainlint is mentioned here but not configured"', "deep/er/pyproject.toml")
    top, deep = write("a.trainspec.json", optimizer=FAST), write("deep/er/a.trainspec.json", optimizer=FAST)
    assert "LR001" not in codes(check(run, top))
    outcome = check(run, deep)
    assert "LR001" in codes(outcome)
    assert outcome.code == 0


def test_pyproject_counts_and_trainlint_toml_beside_it_wins(run: Run, write: Write, configure: Configure) -> None:
    path = write(optimizer=FAST)
    configure('[tool.trainlint]\nignore = ["learning-rate-too-high"]', "pyproject.toml")
    assert "LR001" not in codes(check(run, path))
    configure('severity = { learning-rate-too-high = "info" }')
    (finding,) = [finding for finding in check(run, path).json["files"][0]["findings"] if finding["code"] == "LR001"]
    assert finding["severity"] == "info"


def test_flags_win_over_files_and_ignore_adds_up(run: Run, write: Write, configure: Configure) -> None:
    configure('select = ["SPEC"]\nignore = ["MEM"]\nfail-on = "never"')
    path = write(optimizer=FAST)
    assert codes(check(run, path)) == set()
    assert codes(check(run, path, "--select", "LR001, LR002")) == {"LR001"}
    assert codes(check(run, path, "--select", "LR", "--ignore", "learning-rate-too-high")) == set()
    assert check(run, path, "--select", "LR", "--fail-on", "warning").code == 1


def test_isolated_and_config_choose_the_file(run: Run, write: Write, configure: Configure) -> None:
    configure('ignore = ["ALL"]')
    configure('[tool.trainlint]\nselect = ["LR"]', "other/pyproject.toml")
    path = write(optimizer=FAST)
    assert codes(check(run, path)) == set()
    assert "LR001" in codes(check(run, path, "--isolated"))
    assert codes(check(run, path, "--config", "other/pyproject.toml")) == {"LR001"}
    assert check(run, path, "--config", "absent.toml").code == 2


def test_overrides_apply_where_their_globs_match(run: Run, write: Write, configure: Configure) -> None:
    configure(
        """
        select = ["LR"]
        [[overrides]]
        files = ["legacy/**"]
        ignore = ["LR001"]
        [[overrides]]
        files = ["*.old.trainspec.json"]
        fail-on = "never"
        """
    )
    new, legacy, old = (write(name, optimizer=FAST) for name in ("a.trainspec.json", "legacy/x/b.trainspec.json", "c.old.trainspec.json"))
    assert codes(check(run, new)) == {"LR001"}
    assert codes(check(run, legacy)) == set()
    assert check(run, old).code == 0
    assert check(run, new).code == 1


def test_excluded_files_are_left_out_even_when_named(run: Run, write: Write, configure: Configure) -> None:
    configure('exclude = ["vendor/"]')
    outcome = check(run, write("vendor/a.trainspec.json", task=7))
    assert outcome.code == 0
    assert outcome.json["files"] == []


def test_paths_in_a_configuration_are_relative_to_it(run: Run, write: Write, configure: Configure, tmp_path: Path) -> None:
    configure('data-root = "data"\nhardware = "cards/mine.hardware.json"', "sub/trainlint.toml")
    (tmp_path / "sub/data").mkdir()
    path = write("sub/a.trainspec.json")
    assert "cannot read the hardware profile" in check(run, path).err
    configure('{"device": "A card", "memory_bytes": 8000000000}', "sub/cards/mine.hardware.json")
    assert check(run, path).code in {0, 1}


def test_show_config_tells_every_value_and_who_said_it(run: Run, write: Write, configure: Configure) -> None:
    configure('ignore = ["LR"]\n[[overrides]]\nfiles = ["*"]\nseverity = { LR002 = "info" }')
    outcome = run("check", "--show-config", write(), "--fail-on", "error")
    lines = {line.split()[0]: line for line in outcome.out.splitlines()}
    assert outcome.code == 0
    assert lines["ignore"].endswith("# trainlint.toml")
    assert lines["severity"].endswith("# trainlint.toml (overrides 1)")
    assert lines["fail-on"].endswith("# command line")
    assert '"error"' in lines["fail-on"]
    assert lines["ruleset"].endswith("# default")


@pytest.mark.parametrize(
    "text,says",
    [
        ("selct = []", "did you mean 'select'?"),
        ("fail_on = 'info'", "did you mean 'fail-on'?"),
        ('ignore = ["learning-rate-to-high"]', "did you mean learning-rate-too-high?"),
        ('severity = { LR999 = "info" }', "unknown rule 'LR999'"),
        ('severity = { LR001 = "fatal" }', "each info, warning, error"),
        ('fail-on = "bad"', "one of info, warning, error, never"),
        ("ignore = 3", "a list of texts"),
        ('ruleset = "2020.1"', "one of recommended, strict, 2026.1"),
        ("max-bytes = 10_000_000", "from 1 to 1,048,576"),
        ("partial = 1", "true or false"),
        ("x = ", "is not TOML"),
        ('[[overrides]]\nignore = ["LR"]', 'pointer = "/a/part", or both'),
        ('[[overrides]]\nfiles = ["*"]\nexclude = ["x"]', "unknown key 'exclude'"),
        ('required-version = ">=99"', "requires trainlint >=99"),
        ('required-version = "new"', "cannot be read"),
    ],
)
def test_a_mistake_in_a_configuration_is_a_usage_error_that_names_the_file(
    text: str, says: str, run: Run, write: Write, configure: Configure
) -> None:
    configure(text)
    outcome = check(run, write())
    assert outcome.code == 2
    assert says in outcome.err
    assert "trainlint.toml" in outcome.err
    assert len(outcome.err.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments,says",
    [
        (("--select", "LR01"), "unknown rule 'LR01'; did you mean LR001?"),
        (("--severity", "LR001"), "write RULE=LEVEL"),
        (("--ruleset", "lax"), "--ruleset is one of"),
        (("--hardware", "h999"), "no built-in hardware profile"),
        (("--data-root", "absent"), "the data root absent is no folder"),
        (("--unsafe-fixes",), "goes with --fix"),
    ],
)
def test_a_mistake_on_the_command_line_is_a_usage_error(arguments: tuple[str, ...], says: str, run: Run, write: Write) -> None:
    outcome = check(run, write(), *arguments)
    assert outcome.code == 2
    assert says in outcome.err


@pytest.mark.parametrize("name", ["lr001", "LR001", "learning-rate-too-high", "Learning-Rate-Too-High", "lr", "all"])
def test_rules_are_named_by_code_name_or_family_in_any_case(name: str, run: Run, write: Write) -> None:
    assert "LR001" in codes(check(run, write(optimizer=FAST), "--select", name))


def test_a_partial_spec_is_judged_by_what_is_written(run: Run, tmp_path: Path) -> None:
    (tmp_path / "p.trainspec.json").write_text('{"version": "v1", "training": {"epoch": 3}}', encoding="utf-8")
    assert codes(check(run, "p.trainspec.json")) >= {"SPEC001", "SPEC002"}
    assert codes(check(run, "p.trainspec.json", "--partial")) == {"SPEC001"}


def test_a_baseline_is_written_used_and_told_when_it_is_wrong(run: Run, write: Write, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    path = write("specs/a.trainspec.json", optimizer=FAST)
    assert run("check", path, "--select", "LR", "--write-baseline", "sub/known.json").code == 0
    outcome = check(run, path, "--select", "LR", "--baseline", "sub/known.json")
    assert outcome.code == 0
    assert [finding["suppressed"] for finding in outcome.json["files"][0]["findings"]] == ["baseline"]
    assert "baseline" not in outcome.err
    write("specs/a.trainspec.json")
    assert "mended since the baseline was written: 1" in check(run, path, "--select", "LR", "--baseline", "sub/known.json").err
    assert "mended" not in check(run, path, "--select", "SPEC", "--baseline", "sub/known.json").err
    write("specs/b.trainspec.json", optimizer=FAST)
    assert check(run, "specs/b.trainspec.json", "--select", "LR", "--baseline", "sub/known.json").code == 1
    for wrong in ("{}", "[]", "{", '{"version": 9, "findings": []}'):
        (tmp_path / "sub/known.json").write_text(wrong, encoding="utf-8")
        outcome = check(run, path, "--baseline", "sub/known.json")
        assert (outcome.code, len(outcome.err.splitlines())) == (2, 1)


@pytest.mark.parametrize(
    "pattern,path,matches",
    [
        ("*.json", "a.json", True),
        ("*.json", "x/y/a.json", True),
        ("a/*.json", "a/b.json", True),
        ("a/*.json", "a/b/c.json", False),
        ("a/**", "a/b/c.json", True),
        ("**/c.json", "c.json", True),
        ("**/c.json", "a/b/c.json", True),
        ("a/**/c.json", "a/c.json", True),
        ("vendor/", "vendor/x/a.json", True),
        ("vendor", "x/vendor/a.json", True),
        ("vendor", "vendored/a.json", False),
        ("a[0-9].json", "a7.json", True),
        ("a[!0-9].json", "a7.json", False),
        ("a?.json", "ab.json", True),
        ("a.json", "axjson", False),
        ("a(b", "a(b", True),
    ],
)
def test_globs_match_as_people_write_them(pattern: str, path: str, matches: bool) -> None:
    assert globs.matches(pattern, path) is matches


@pytest.mark.parametrize("required", ["0.3.1", "==0.3.1", ">=0.3", ">=0.3,<0.4", "~=0.3.0", "!=1", "<=0.3.1.0", "> 0.2"])
def test_versions_that_may_judge(required: str) -> None:
    versions.demand(required, "0.3.1.dev4", "x")


@pytest.mark.parametrize("required", ["0.3", ">0.3.1", "<0.3", "~=0.4.0", ">=0.3,<0.3.1"])
def test_versions_that_may_not_judge(required: str) -> None:
    with pytest.raises(Refusal):
        versions.demand(required, "0.3.1", "x")
