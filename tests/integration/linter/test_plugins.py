"""Rules of the house: the guide's own example, run as its reader would; and how each mistake in a plugin is told."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trainyard.linter.cli.settings import discovery

Run = Callable[..., Any]
Write = Callable[..., str]
CODED = re.compile(r"^```(?:python|toml)\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BARE = """
from trainyard.linter.rules.rule import Rule, Violation
from trainyard.linter.source import Severity


class Late(Rule):
    "Something is late."

    code, name, severity = "LATE001", "too-late", Severity.WARNING
    reads = ("/training",)

    def check(self, case):
        yield Violation("/training", "too late")


RULES = (Late(),)
"""


@pytest.fixture
def house(repository: Path, tmp_path: Path) -> Path:
    """The files of the guide, in a folder of their own."""
    page = (repository / "docs/guide/custom-rules.md").read_text(encoding="utf-8")
    for name, text in CODED.findall(page)[:3]:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    discovery.forget()
    return tmp_path


@pytest.fixture
def plugin(tmp_path: Path) -> Callable[..., None]:
    def write(text: str, configuration: str = 'plugins = ["./late.py"]\n', name: str = "late.py") -> None:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / "trainlint.toml").write_text(configuration, encoding="utf-8")
        discovery.forget()

    return write


def codes(outcome: Any) -> set[str]:
    return {finding["code"] for entry in outcome.json["files"] for finding in entry["findings"]}


def check(run: Run, *arguments: str) -> Any:
    return run("check", *arguments, "--format", "json")


def test_the_rule_of_the_guide_runs_with_the_severity_of_its_configuration(house: Path, run: Run, write: Write) -> None:
    outcome = check(run, write())
    (finding,) = [each for each in outcome.json["files"][0]["findings"] if each["code"] == "HOUSE001"]
    assert (finding["name"], finding["severity"], finding["pointer"]) == ("seed-missing", "error", "/experiment/seed")
    assert outcome.code == 1
    assert "HOUSE001" not in codes(check(run, write("b.trainspec.json", experiment={"name": "b", "seed": 3})))


def test_it_is_selected_ignored_and_accepted_like_every_other(house: Path, run: Run, write: Write) -> None:
    path = write()
    assert codes(check(run, path, "--select", "HOUSE")) == {"HOUSE001"}
    assert codes(check(run, path, "--select", "house001")) == {"HOUSE001"}
    assert "HOUSE001" not in codes(check(run, path, "--ignore", "seed-missing"))
    assert "did you mean seed-missing?" in run("check", path, "--select", "seed-mising").err
    assert "HOUSE001" in codes(check(run, path, "--ruleset", "2026.1"))
    assert "HOUSE001" not in codes(check(run, path, "--isolated"))
    accepted = check(run, write("c.trainspec.json", **{"$lint": [{"rule": "seed-missing", "reason": "throw-away"}]}))
    assert accepted.code == 0
    assert [each["suppressed"] for each in accepted.json["files"][0]["findings"] if each["code"] == "HOUSE001"] == ["throw-away"]


def test_it_is_listed_explained_and_fixed(house: Path, run: Run, write: Write) -> None:
    assert "seed-missing" in run("rules").out
    assert "seed-missing" not in run("rules", "--isolated").out
    assert [each["plugin"] for each in run("rules", "--format", "json").json if each["code"] == "HOUSE001"] == ["./rules/house.py"]
    explained = run("explain", "seed-missing")
    assert "Team agreement of May." in explained.out
    assert "from ./rules/house.py" in explained.out
    path = write()
    assert run("check", path, "--fix", "--unsafe-fixes").code == 0
    assert json.loads((house / path).read_text(encoding="utf-8"))["experiment"] == {"name": "flowers", "seed": 1}


def test_the_test_of_the_guide_passes_and_would_fail(house: Path) -> None:
    test = [sys.executable, "-m", "pytest", "-vv", "-p", "no:cacheprovider", "test_house.py"]
    environment = {"PYTHONPATH": str(house / "rules"), "PYTHONDONTWRITEBYTECODE": "1"}
    assert subprocess.run(test, cwd=house, env=environment, check=False, capture_output=True, timeout=60).returncode == 0
    rule = house / "rules/house.py"
    rule.write_text(rule.read_text(encoding="utf-8").replace("if not case", "if case"), encoding="utf-8")
    done = subprocess.run(test, cwd=house, env=environment, check=False, capture_output=True, timeout=60, text=True)
    assert done.returncode == 1
    assert "HOUSE001.INVALID[0]: the rule stays silent" in done.stdout


def test_the_overrides_of_the_guide_are_taken(repository: Path, tmp_path: Path, run: Run, write: Write) -> None:
    text = CODED.findall((repository / "docs/guide/custom-rules.md").read_text(encoding="utf-8"))[-1][1]
    (tmp_path / "trainlint.toml").write_text(text, encoding="utf-8")
    discovery.forget()
    fast = {"type": "adam", "learning_rate": 0.9}
    assert "LR001" in codes(check(run, write(optimizer=fast)))
    assert "LR001" not in codes(check(run, write("sweeps/a.trainspec.json", optimizer=fast)))


@pytest.mark.parametrize(
    "change,says",
    [
        (("RULES = (Late(),)", ""), "RULES is a tuple with at least one rule"),
        (("RULES = (Late(),)", "RULES = (Late,)"), "write Late()"),
        (("RULES = (Late(),)", "RULES = ('Late',)"), "is no Rule"),
        (('"LATE001"', '"late1"'), "Late.code is two to eight capitals and three digits"),
        (('"LATE001"', '"LR001"'), "uses LR001, which belongs to trainlint"),
        (('"LATE001"', '"LR900"'), "uses the family LR, which belongs to trainlint"),
        (('"too-late"', '"learning-rate-too-high"'), "uses learning-rate-too-high, which belongs to trainlint"),
        (('"too-late"', '"Late"'), "Late.name is words with hyphens"),
        (("Severity.WARNING", "'warning'"), "Late.severity is Severity.ERROR, WARNING or INFO"),
        (('"Something is late."', "pass"), "Late.__doc__ is a docstring"),
        (('("/training",)', '"/training"'), "Late.reads is a tuple of JSON pointers"),
        (("def check", "def czech"), "Late has no check(self, case)"),
        (("RULES = (Late(),)", "RULES = (Late(), Late())"), "uses LATE001 for two rules"),
        (("class Late", "import no_such_module\nclass Late"), "ModuleNotFoundError: No module named 'no_such_module' (late.py, line "),
        (("class Late", "raise SystemExit(9)\nclass Late"), "SystemExit: 9"),
        (("class Late", "class class Late"), "SyntaxError"),
    ],
)
def test_a_mistake_in_a_plugin_is_one_line(change: tuple[str, str], says: str, plugin: Callable[..., None], run: Run, write: Write) -> None:
    assert change[0] in BARE
    plugin(BARE.replace(*change, 1))
    outcome = run("check", write())
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert outcome.err.startswith("error: trainlint.toml: plugins: ")
    assert says in outcome.err


@pytest.mark.parametrize(
    "name,says",
    [
        ("./absent.py", "is not there"),
        ("../outside.py", "lies outside the folder of the configuration"),
        ("./link.py", "lies outside the folder of the configuration"),
        ("./notes.txt", "its name ends in .py"),
        ("no_such_plugin", "there is no module no_such_plugin, and no package announces rules under that name"),
        ("no.such.plugin", "there is no module no.such.plugin"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_is_named(name: str, says: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text(BARE, encoding="utf-8")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "notes.txt").write_text("", encoding="utf-8")
    (inside / "link.py").symlink_to(tmp_path / "outside.py")
    (inside / "trainlint.toml").write_text(f'plugins = ["{name}"]', encoding="utf-8")
    (inside / "a.trainspec.json").write_text("{}", encoding="utf-8")
    outcome = run("check", "inside")
    assert outcome.code == 2
    assert says in outcome.err


def test_a_folder_is_a_package_and_a_change_is_seen(plugin: Callable[..., None], run: Run, write: Write, tmp_path: Path) -> None:
    configuration = 'plugins = ["./rules"]\n'
    plugin("WORDS = 'rather late'\n", configuration, "rules/words.py")
    text = BARE.replace('"too late"', "WORDS").replace("\nclass", "from .words import WORDS\n\nclass", 1)
    plugin(text, configuration, "rules/__init__.py")
    path = write()
    assert "rather late" in run("check", path).out
    plugin(text.replace("LATE001", "LATER001"), configuration, "rules/__init__.py")
    assert "LATER001" in codes(check(run, path))


def test_what_a_package_announces_is_found_by_its_name_and_only_when_asked_for(
    plugin: Callable[..., None], run: Run, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "installed/late-1.0.dist-info").mkdir(parents=True)
    (tmp_path / "installed/late_rules.py").write_text(BARE, encoding="utf-8")
    about = tmp_path / "installed/late-1.0.dist-info"
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: late\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text("[trainyard.rules]\nlate = late_rules\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path / "installed")
    path = write()
    for named, found in (('["late"]', True), ('["*"]', True), ('["late_rules"]', True), ('["late", "*"]', True), ("[]", False)):
        (tmp_path / "trainlint.toml").write_text(f"plugins = {named}\n", encoding="utf-8")
        discovery.forget()
        outcome = check(run, path)
        assert ("LATE001" in codes(outcome)) is found, named
    sys.modules.pop("late_rules", None)


def test_a_crash_of_a_plugin_is_its_own_fault(plugin: Callable[..., None], run: Run, write: Write) -> None:
    wrong = ("yield 'late'", "yield Violation('training', 'x')", "yield Violation('', 3)", "return 3")
    for body in ("raise ZeroDivisionError", "raise SystemExit(0)", *wrong):
        plugin(BARE.replace('yield Violation("/training", "too late")', body) + f"# {body}\n")
        outcome = check(run, write())
        assert outcome.code == 3, body
        assert "a fault of the plugin ./late.py" in outcome.err
        (finding,) = [each for each in outcome.json["files"][0]["findings"] if each["code"] == "LINT001"]
        assert "the plugin ./late.py" in finding["message"]


def test_a_check_without_plugins_looks_for_none(process: Run, write: Write) -> None:
    outcome = process("check", write(), python=("-X", "importtime"))
    assert "importlib.metadata" not in outcome.err
    assert "trainyard.linter.rules.plugin" not in outcome.err


def test_no_room_of_the_server_can_load_a_plugin(repository: Path) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (repository / "service").rglob("*.py"))
    assert "cli.settings" not in text
    assert "plugins" not in text
