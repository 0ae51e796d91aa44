"""Each report format: its golden file, and what its readers insist on."""

from __future__ import annotations

import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trainyard.linter.engine.report import Report
from trainyard.linter.report.concise import ConciseReporter
from trainyard.linter.report.full import FullReporter
from trainyard.linter.report.github import GithubReporter
from trainyard.linter.report.gitlab import GitlabReporter
from trainyard.linter.report.json_lines import JsonLinesReporter
from trainyard.linter.report.junit import JunitReporter
from trainyard.linter.report.machine import JsonReporter
from trainyard.linter.report.paths import within
from trainyard.linter.report.sarif import SarifReporter
from trainyard.linter.report.terminal import COLOURED, PLAIN, width
from trainyard.linter.source import Severity

from .conftest import TEXT, found, report_on

Reports = list[tuple[str, Report]]
Golden = Callable[[str, str], None]

MAKERS: dict[str, Callable[[io.StringIO], Any]] = {
    "full.txt": lambda stream: FullReporter(stream, PLAIN),
    "full-coloured.txt": lambda stream: FullReporter(stream, COLOURED),
    "concise.txt": lambda stream: ConciseReporter(stream, PLAIN),
    "json.json": lambda stream: JsonReporter(stream, "recommended@2026.1", Severity.WARNING),
    "json-lines.jsonl": JsonLinesReporter,
    "github.txt": lambda stream: GithubReporter(stream, str(Path.cwd())),
    "gitlab.json": lambda stream: GitlabReporter(stream, str(Path.cwd())),
    "junit.xml": JunitReporter,
    "sarif.json": lambda stream: SarifReporter(stream, str(Path.cwd())),
}


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - our own output


def written(name: str, reports: Reports) -> str:
    stream = io.StringIO()
    reporter = MAKERS[name](stream)
    for path, report in reports:
        reporter.file(path, report)
    reporter.close()
    return stream.getvalue()


@pytest.mark.parametrize("name", MAKERS)
def test_the_format_is_what_its_golden_file_shows(name: str, reports: Reports, golden: Golden) -> None:
    text = written(name, reports)
    if name == "sarif.json":
        log = json.loads(text)
        del log["runs"][0]["tool"]["driver"]["rules"]
        for result in log["runs"][0]["results"]:
            result.pop("ruleIndex", None)
        text = re.sub(
            r'ersion": "\d+\.\d+\.\d+"(?=,?\s*("semanticVersion|\}))',
            'ersion": "RELEASE"',
            json.dumps(log, indent=2, ensure_ascii=False) + "\n",
        )
    golden(name, text)


@pytest.mark.parametrize("name", MAKERS)
def test_nothing_found_is_still_a_whole_document(name: str) -> None:
    text = written(name, [("a", report_on("{}", lambda _: []))])
    if name.endswith(".json"):
        json.loads(text)
    if name == "junit.xml":
        assert len(parsed(text).findall("testsuite/testcase")) == 1
    if name == "sarif.json":
        assert json.loads(text)["runs"][0]["results"] == []


@pytest.mark.parametrize("name", MAKERS)
def test_the_same_reports_give_the_same_bytes(name: str, reports: Reports) -> None:
    assert written(name, reports) == written(name, reports)


# -- full


def test_carets_stand_under_the_value_in_terminal_cells(reports: Reports) -> None:
    lines = written("full.txt", reports[:1]).splitlines()
    row = next(number for number, line in enumerate(lines) if "5.0" in line and "|" in line)
    source, caret = lines[row], lines[row + 1]
    assert width(source[: source.index("5.0")]) == width(caret[: caret.index("^")])
    assert caret.count("^") == 3


def test_a_minified_line_is_cut_to_the_screen(reports: Reports) -> None:
    text = written("full.txt", reports[2:])
    assert '"many"' in text
    assert all(width(line) < 160 for line in text.splitlines())


def test_fixed_and_suppressed_findings_get_no_frame_but_are_counted(reports: Reports) -> None:
    text = written("full.txt", reports[:1])
    assert "MOD001" not in text
    assert "JSON008" not in text
    assert "(1 fixed, 1 suppressed)" in text


# -- GitHub


def test_github_gets_errors_first_and_columns_only_on_one_line(reports: Reports) -> None:
    lines = written("github.txt", reports).splitlines()
    levels = [line.split(" ", 1)[0] for line in lines]
    assert levels == ["::error", "::error", "::warning", "::notice", "::notice"]
    assert "col=" not in lines[3]
    assert "endLine=6" in lines[3]


def test_github_messages_and_properties_are_escaped(reports: Reports) -> None:
    text = written("github.txt", reports)
    assert "file=specs/a b%2Cc.trainspec.json," in text
    assert "100%25 sure: write" in text
    assert "regularizes%0Athis" in text


def test_github_shows_ten_of_a_level_and_counts_the_rest() -> None:
    text = "[" + ",".join("1" * 15) + "]"
    report = report_on(
        f'{{"a": {text}}}',
        lambda document: (
            [found(document, f"/a/{n}", "X001 x", Severity.ERROR if n % 2 else Severity.WARNING, f"m{n}") for n in range(15)]
            + [found(document, f"/a/{n}", "X002 y", Severity.ERROR, f"n{n}") for n in range(6)]
        ),
    )
    lines = written("github.txt", [("a", report)]).splitlines()
    assert sum(line.startswith("::error") for line in lines) == 10
    assert sum(line.startswith("::warning") for line in lines) == 8
    assert sum(line.startswith("a:1:") for line in lines) == 3
    assert lines[-1].startswith("::notice title=trainlint::3 more")


# -- GitLab


def test_gitlab_fingerprints_differ_for_equal_findings_and_survive_new_lines() -> None:
    def twice(text: str) -> Report:
        return report_on(text, lambda document: [found(document, "/a", "X001 x", Severity.INFO, "m")] * 2)

    one = json.loads(written("gitlab.json", [("p", twice('{"a": 1}'))]))
    other = json.loads(written("gitlab.json", [("p", twice('{\n\n"a": 1}'))]))
    assert len({issue["fingerprint"] for issue in one}) == 2
    assert [issue["fingerprint"] for issue in one] == [issue["fingerprint"] for issue in other]
    assert other[0]["location"]["lines"]["begin"] == 3


def test_gitlab_issues_have_what_the_report_type_demands(reports: Reports) -> None:
    for issue in json.loads(written("gitlab.json", reports)):
        assert set(issue) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert issue["description"].startswith(issue["check_name"])
        assert not issue["location"]["path"].startswith(("/", "./"))


# -- JUnit


def test_junit_counts_agree_with_its_cases(reports: Reports) -> None:
    root = parsed(written("junit.xml", reports))
    assert int(root.attrib["tests"]) == len(root.findall("testsuite/testcase"))
    assert int(root.attrib["failures"]) == len(root.findall("testsuite/testcase/failure")) == 3
    assert [skipped.attrib["message"] for skipped in root.findall("testsuite/testcase/skipped")] == ["asked for; see 漢字"]


def test_junit_is_xml_whatever_a_message_holds() -> None:
    nasty = 'a]]>b <c> & "d" \x00\x1b\ufffe \ud800 \U0001f600'
    report = report_on("{}", lambda document: [found(document, "", "X001 x", Severity.ERROR, nasty)])
    root = parsed(written("junit.xml", [('p"<&>', report)]))
    failure = root.find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.attrib["message"].startswith('a]]>b <c> & "d" ')


# -- SARIF


def test_sarif_regions_begin_at_one_and_count_utf16_units(reports: Reports) -> None:
    results = json.loads(written("sarif.json", reports))["runs"][0]["results"]
    assert all(
        min(result["locations"][0]["physicalLocation"]["region"][key] for key in ("startLine", "startColumn")) >= 1 for result in results
    )
    text = '{"😀😀": 5}'
    report = report_on(text, lambda document: [found(document, "/😀😀", "X001 x", Severity.INFO, "m")])
    region = json.loads(written("sarif.json", [("a", report)]))["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert region["startColumn"] == len(text[: text.index("5")].encode("utf-16-le")) // 2 + 1
    assert region["byteOffset"] == len(text[: text.index("5")].encode())


def test_sarif_addresses_are_relative_and_percent_encoded(reports: Reports) -> None:
    results = json.loads(written("sarif.json", reports))["runs"][0]["results"]
    assert results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "specs/a%20b%2Cc.trainspec.json"


def test_sarif_keeps_suppressed_results_with_their_justification_and_drops_fixed_ones(reports: Reports) -> None:
    results = json.loads(written("sarif.json", reports))["runs"][0]["results"]
    suppressed = [result for result in results if "suppressions" in result]
    assert [result["suppressions"] for result in suppressed] == [[{"kind": "inSource", "justification": "asked for; see 漢字"}]]
    assert "JSON008" not in {result["ruleId"] for result in results}


def test_sarif_fixes_are_the_edits_that_fix_would_make(reports: Reports) -> None:
    results = json.loads(written("sarif.json", reports))["runs"][0]["results"]
    fixes = {result["ruleId"]: result["fixes"][0]["artifactChanges"][0]["replacements"] for result in results if "fixes" in result}
    assert fixes["LR001"] == [
        {"deletedRegion": {"byteOffset": TEXT.encode().index(b"5.0"), "byteLength": 3}, "insertedContent": {"text": "0.001"}}
    ]
    assert fixes["SPEC001"][0]["insertedContent"]["text"] == '"rate"'


def test_every_sarif_result_points_at_its_rule(reports: Reports) -> None:
    run = json.loads(written("sarif.json", reports))["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"] if "ruleIndex" in result)
    assert all(rule["shortDescription"]["text"] and rule["help"]["text"] for rule in rules)


# -- paths


def test_paths_are_relative_to_the_checkout_wherever_the_linter_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    assert within("a.json", str(tmp_path)) == "sub/a.json"
    assert within("../b.json", str(tmp_path)) == "b.json"
    assert within(str(tmp_path / "c.json"), str(tmp_path)) == "c.json"
    assert within("/elsewhere/d.json", str(tmp_path)) == "/elsewhere/d.json"
    assert within("<stdin>", str(tmp_path)) == "<stdin>"
